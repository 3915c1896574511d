"""`smoke` prints a line for each check, and fails if one of them does."""

from typing import Any

import pytest

from dev.gateway import client, smoke
from tests.dev.fake_gateway import FakeGateway
from tests.waiting import SECONDS


def run(gateway: FakeGateway) -> int:
    return smoke.run(client.GatewayClient(gateway.url, timeout=SECONDS))


def test_a_working_gateway_passes_every_check(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(gateway) == 0
    out = capsys.readouterr().out.splitlines()
    assert len(out) == len(smoke.CHECKS)
    assert all(line.startswith("ok ") for line in out)


def test_an_unavailable_model_fails_its_own_checks_only(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    away = (503, {"error": {"type": "runtime_unavailable", "message": "the runtime is away"}})
    gateway.refusals = {"/ready": away, "/generate": away}
    assert run(gateway) == 4
    out = capsys.readouterr().out
    assert "FAIL  GET /ready: the gateway answered 503 runtime_unavailable: the runtime is away" in out
    assert "ok    GET /health" in out
    assert "FAIL  POST /generate, unknown model: status 503, not 404" in out


def test_an_unexpected_answer_fails(gateway: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    gateway.refusals = {"/v1/models": (200, {"models": []})}
    assert run(gateway) == 2
    assert "FAIL  GET /v1/models: unexpected answer (KeyError('data'))" in capsys.readouterr().out


def test_a_stream_in_one_piece_fails(gateway: FakeGateway) -> None:
    gateway.streamed = gateway.streamed[1:]
    assert run(gateway) == 1


def test_metrics_that_count_nothing_fail(gateway: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    gateway.refusals = {"/metrics": (200, b"llm_requests_waiting 0.0\n")}
    assert run(gateway) == 1
    assert "counts no answer" in capsys.readouterr().out


def test_the_exit_status_is_1_if_a_check_failed(dev: Any, gateway: FakeGateway) -> None:
    status, out, _ = dev("smoke", "--url", gateway.url, "--wait", "5")
    assert status == 0
    assert "all 8 checks passed" in out
    gateway.refusals = {"/health": (500, b"")}
    status, out, _ = dev("smoke", "--url", gateway.url)
    assert status == 1
    assert "1 of 8 checks failed" in out
