"""A saved change of the gateway's source is live in its pod."""

import socket

import pytest

from bench import saves

pytestmark = pytest.mark.e2e

SAVE_SECONDS = 60
"""For a save to be live; `python -m bench.saves` measures how few it takes."""


@pytest.fixture
def tilt() -> None:
    """Skips if no Tilt watches the files: after `tilt ci`, or on a platform that GitOps installed."""
    with socket.socket() as probe:
        probe.settimeout(5)
        if probe.connect_ex(("127.0.0.1", 10350)):
            pytest.skip("no Tilt runs here (port 10350): tilt up")


@pytest.mark.timeout(6 * SAVE_SECONDS)
@pytest.mark.usefixtures("tilt")
def test_each_save_of_the_gateways_source_goes_live_and_the_file_is_restored(gateway: str) -> None:
    before = saves.MAIN.read_bytes()
    took = list(saves.saves(gateway, count=3, patience=SAVE_SECONDS))
    assert len(took) == 3
    assert saves.MAIN.read_bytes() == before
    assert saves.served(gateway) == "", "the restored file is not live"
