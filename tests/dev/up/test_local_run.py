"""The local profile as a user runs it: real processes on loopback, started and stopped."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dev.gateway.client import GatewayClient
from dev.settings import ROOT, SETTINGS
from tests.dev.host_ollama import MODEL, host_ollama
from tests.processes import free_port
from tests.waiting import until_sync

SECONDS = 60
DEAD_PROXY = "http://127.0.0.1:9"

pytestmark = pytest.mark.skipif(
    not (ROOT / ".venv/bin/python").exists(), reason="dev/Procfile runs .venv, which make creates"
)


@contextmanager
def up(log: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m dev up` in the local profile until the block ends."""
    names = {setting.variable for setting in SETTINGS.values()}
    inherited = {
        n: v for n, v in os.environ.items() if n not in names and not n.startswith(("LLM_", "RUNTIME"))
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "dev", "up"],
            cwd=ROOT,
            env={**inherited, "PROFILE": "local", "PYTHONUNBUFFERED": "1", **variables},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(SECONDS)
        finally:
            process.kill()


def answering_model(port: str) -> str:
    """Return the model that the gateway's answer to a prompt names."""
    return str(GatewayClient(f"http://127.0.0.1:{port}").json("/generate", {"prompt": "Hello"})["model"])


def wait_for(text: str, log: Path) -> str:
    """Wait until the log has a text, and return the log."""
    return until_sync(f"{text!r} in the log", log.read_text, lambda seen: text in seen, seconds=SECONDS)


def test_make_local_engine_simulated_runs_the_simulated_engine_also_behind_a_proxy(tmp_path: Path) -> None:
    log, api = tmp_path / "log", str(free_port())
    proxies = {"HTTP_PROXY": DEAD_PROXY, "http_proxy": DEAD_PROXY, "NO_PROXY": "", "no_proxy": ""}
    with up(log, ENGINE="simulated", API_PORT=api, RUNTIME_PORT=str(free_port()), **proxies) as process:
        shown = wait_for("ready after", log)
        assert "PROFILE=local ENGINE=simulated MODEL=smollm2:135m" in shown
        assert "(ENGINE=simulated)" in shown
        assert answering_model(api) == "smollm2:135m"
    assert process.returncode == 0
    assert "stopped: runtime and gateway" in log.read_text()


def test_before_an_ollama_of_the_host_the_gateway_runs_alone(tmp_path: Path) -> None:
    log, api = tmp_path / "log", str(free_port())
    with host_ollama() as port:
        with up(log, OLLAMA_HOST=f"0.0.0.0:{port}", API_PORT=api) as process:
            shown = wait_for("ready after", log)
            assert f"PROFILE=local ENGINE=host MODEL={MODEL}" in shown
            assert f"at http://127.0.0.1:{port} has {MODEL}" in shown
            assert "runtime.1" not in shown
            assert answering_model(api) == MODEL
        assert process.returncode == 0
    assert "stopped: gateway" in log.read_text()


def test_a_variable_that_contradicts_the_settings_starts_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with up(log, ENGINE="simulated", LLM_MODEL="other", API_PORT=str(free_port())) as process:
        assert process.wait(SECONDS) == 1
    shown = log.read_text()
    assert "LLM_MODEL=other" in shown
    assert "fix: unset LLM_MODEL" in shown
    assert "gateway" not in shown
