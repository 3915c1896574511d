"""The images' commands listen on IPv4 and IPv6: the kubelet probes an IPv6-only pod at its IPv6 address."""

import socket
import sys
from pathlib import Path

import httpx
import pytest

from tests.charts.helm import ROOT
from tests.charts.images import commands
from tests.processes import free_port, running

PORTS = {"api": "8000", "runtime": "11434"}


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("target", ["dev", "prod"])
@pytest.mark.parametrize("folder", PORTS)
def test_an_image_listens_on_both_families(tmp_path: Path, folder: str, target: str) -> None:
    dev, prod = commands(folder)
    port = str(free_port())
    command = [port if word == PORTS[folder] else word for word in (dev if target == "dev" else prod)]
    path = {"api": "/health", "runtime": "/"}[folder]
    addresses = [f"http://{host}:{port}{path}" for host in ("127.0.0.1", "[::1]")]
    start = [sys.executable, "-m", *command]
    settings = {"RUNTIME_ENGINE": "simulated", "PYTHONPATH": str(ROOT)}
    with running(start, ROOT / folder, addresses[0], tmp_path / "log", **settings):
        assert httpx.get(addresses[1], timeout=60, trust_env=False).status_code == 200
