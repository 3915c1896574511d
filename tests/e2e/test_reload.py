"""A save of the gateway's source is served by its pod."""

import socket

import pytest

from bench import saves

pytestmark = pytest.mark.e2e

PATIENCE = 60
"""Seconds for a save to be served; `python -m bench.saves` tells how few it takes."""


@pytest.fixture
def tilt() -> None:
    """Skips where no Tilt watches the files: after `tilt ci`, or beside a platform that GitOps installed."""
    with socket.socket() as asked:
        if asked.connect_ex(("127.0.0.1", 10350)):
            pytest.skip("no Tilt runs here (port 10350): tilt up")


@pytest.mark.timeout(6 * PATIENCE)
@pytest.mark.usefixtures("tilt")
def test_each_save_of_the_gateways_source_is_served_and_the_file_is_put_back(gateway: str) -> None:
    before = saves.MAIN.read_bytes()
    took = list(saves.saves(gateway, count=3, patience=PATIENCE))
    assert len(took) == 3
    assert saves.MAIN.read_bytes() == before
    assert saves.asked(gateway) == "", "the file as it was is served again"
