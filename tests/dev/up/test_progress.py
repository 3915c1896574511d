"""`make up` says when the platform in the cluster is ready, and where the time went."""

import re
import threading

import pytest

from dev.gateway.client import GatewayClient
from dev.up import progress
from tests.dev.fake_gateway import FakeGateway

# What `tilt get uiresource -o json` prints, without what is not needed.
RESOURCES = """{"items": [
  {"metadata": {"name": "llm-api"}, "status": {"lastDeployTime": "2026-11-28T16:03:29.0Z", "conditions": [
    {"type": "UpToDate", "status": "True", "lastTransitionTime": "2026-11-28T16:03:29.0Z"},
    {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-28T16:03:31.5Z"}]}},
  {"metadata": {"name": "(Tiltfile)"}, "status": {"lastDeployTime": "2026-11-28T16:03:28.0Z", "conditions": [
    {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-28T16:03:28.25Z"}]}},
  {"metadata": {"name": "prometheus"}, "status": {"lastDeployTime": "2026-11-28T16:03:30.0Z", "conditions": [
    {"type": "Ready", "status": "False", "lastTransitionTime": "2026-11-28T16:03:30.0Z"}]}},
  {"metadata": {"name": "lint"}, "status": {"lastDeployTime": null, "conditions": [
    {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-28T16:03:28.0Z"}]}}
]}"""
BEGAN = 1795881807.0  # 16:03:27


def test_what_was_started_and_is_ready_is_named_in_order() -> None:
    assert progress.ready_after(RESOURCES, BEGAN) == {"Tiltfile": 1.25, "llm-api": 4.5}


def test_the_times_are_printed_once_the_model_can_answer(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LOOK_SECONDS", 0)
    monkeypatch.setattr(progress, "_resources", lambda: RESOURCES)
    spent = {"checks and tools": 0.5, "cluster": 1.0}
    progress.announce(GatewayClient(gateway.url), spent, threading.Event())
    shown = capsys.readouterr().out
    assert re.match(r"\nready after \d+\.\d s: checks and tools 0\.5, cluster 1\.0; since Tilt", shown)
    assert ", llm-api" in shown
    assert shown.count("ready") == 1
