"""A platform of processes for the drill: gateway, simulated runtime, and a Prometheus with the real rules."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import httpx

from dev import FixableError
from dev.doctor import tools
from dev.fault.fault import Fault
from dev.fault.place import BEHAVIOR, GATEWAY_SETTINGS, HANG_SECONDS, HEALTHY, simulated
from dev.fault.process import START_SECONDS, STOP_SECONDS, Process, free_port
from dev.fault.prometheus import Prometheus, command
from dev.settings import PROTOCOLS, ROOT
from monitoring.source.drill import shortened

SCRAPE_SECONDS = 1
QUERY_SECONDS = 10
MODEL = "simulated:tiny"
RULES = ROOT / "monitoring" / "rules"


class Local:
    """A Place of processes; ports and folder are its own, so it can run beside any other platform."""

    def __init__(
        self,
        folder: Path,
        program: str,
        settings: Mapping[str, str],
        scrape_seconds: float,
        alerts: bool,
    ) -> None:
        """Prepare the processes; nothing is started yet."""
        self.scrape_seconds = scrape_seconds
        self._url = f"http://127.0.0.1:{free_port()}"
        self._runtime_url = f"http://127.0.0.1:{free_port()}"
        self._simulator = f"{self._runtime_url}/simulator"
        self.runtime = self._service(
            "runtime",
            self._runtime_url,
            folder,
            {"RUNTIME_ENGINE": "simulated", "RUNTIME_MODEL": MODEL, **simulated(BEHAVIOR)},
        )
        self.gateway = self._service(
            "api",
            self._url,
            folder,
            {"LLM_MODEL": MODEL, "LLM_RUNTIME_URL": self._runtime_url, **GATEWAY_SETTINGS, **settings},
        )
        self._prometheus, url = prometheus(program, self._url, folder, scrape_seconds, alerts)
        self._http = httpx.Client(base_url=url, timeout=QUERY_SECONDS, trust_env=False)
        self.prometheus = Prometheus(self._http)

    @contextmanager
    def running(self) -> Iterator["Local"]:
        """Run the platform during the block."""
        with ExitStack() as stack:
            stack.callback(self._http.close)
            processes = (self.runtime, self.gateway, self._prometheus)
            for process in processes:
                stack.callback(process.stop)
                process.launch()
            for process in processes:
                process.wait()
            deadline = time.monotonic() + START_SECONDS
            while not self.prometheus.scraped():
                if time.monotonic() > deadline:
                    raise FixableError("Prometheus did not scrape the gateway")
                time.sleep(0.1)
            yield self

    @contextmanager
    def calls(self, lane: str, rate: float, keys: tuple[str, ...]) -> Iterator[Iterator[str]]:
        """Run dev/fault/calls.py during the block."""
        settings = {
            "CALLS_URL": self._url,
            "CALLS_RATE": f"{rate:g}",
            "CALLS_KEYS": ",".join(keys),
            "CALLS_LANE": lane,
            "CALLS_DEADLINE": f"{HANG_SECONDS:g}",
        }
        command = [sys.executable, str(ROOT / "dev/fault/calls.py")]
        child = subprocess.Popen(
            command, env={**os.environ, **settings}, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        assert child.stdout  # noqa: S101 - for the type checker
        try:
            yield _lines(child.stdout)
        finally:
            child.terminate()
            try:
                child.wait(HANG_SECONDS + STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    @contextmanager
    def inject(self, fault: Fault) -> Iterator[None]:
        """Break the platform during the block, and repair it."""
        if fault.action == "simulate":
            self._simulate(fault.change)
        elif fault.action == "stop_runtime":
            self.runtime.kill()
        elif fault.action == "freeze_runtime":
            self.runtime.signal(signal.SIGSTOP)
        elif fault.action == "kill_gateway":
            self.gateway.kill()
        try:
            yield
        finally:
            if fault.action == "simulate":
                self._simulate(HEALTHY)
            elif fault.action == "stop_runtime":
                self.runtime.start()
            elif fault.action == "freeze_runtime":
                self.runtime.signal(signal.SIGCONT)
            elif fault.action == "kill_gateway":
                self.gateway.start()

    def _simulate(self, change: object) -> None:
        httpx.post(self._simulator, json=change, timeout=30, trust_env=False).raise_for_status()

    @staticmethod
    def _service(name: str, url: str, folder: Path, environment: dict[str, str]) -> Process:
        port = url.rpartition(":")[2]
        command = [sys.executable, "-m", "uvicorn", "main:app", "--host", "127.0.0.1", "--port", port]
        command += ["--http", PROTOCOLS[name], "--log-level", "warning"]
        return Process(command, ROOT / name, f"{url}/ready", folder / f"{name}.log", environment)


def _lines(stream: IO[str]) -> Iterator[str]:
    with stream:
        yield from stream


def prometheus(
    program: str, gateway: str, folder: Path, scrape_seconds: float, alerts: bool
) -> tuple[Process, str]:
    """Write the configuration with the shortened rules; return the process and its address."""
    rules = []
    for path in RULES.glob("*.yaml"):
        rules.append(folder / path.name)
        rules[-1].write_text(shortened(path.read_text(), scrape_seconds, alerts=alerts))
    address = f"127.0.0.1:{free_port()}"
    run = command(program, address, folder, gateway, rules, scrape_seconds)
    return Process(run, folder, f"http://{address}/-/ready", folder / "prometheus.log"), f"http://{address}"


def find_prometheus() -> str | None:
    """Return the path of Prometheus: on the PATH, or beside promtool, with which it is released."""
    beside = tools.find("promtool")
    folder = str(Path(beside[0]).resolve().parent) if beside else ""
    return shutil.which("prometheus") or shutil.which("prometheus", path=folder)


@contextmanager
def platform(
    *, scrape_seconds: float = SCRAPE_SECONDS, alerts: bool = True, **settings: str
) -> Iterator[Local]:
    """Run a platform of processes during the block.

    Args:
        scrape_seconds: Between two scrapes; the windows of the alerts are as much shorter.
        alerts: Whether Prometheus has the alerts.
        settings: Of the gateway, beside or in place of the drill's.

    Raises:
        FixableError: there is no Prometheus, or a process does not start.
    """
    tools.ensure(["promtool"])
    program = find_prometheus()
    if program is None:
        raise FixableError(
            "prometheus is neither on the PATH nor beside promtool",
            "put it there, from https://prometheus.io/download/",
        )
    with (
        tempfile.TemporaryDirectory(prefix="llm-fault-") as folder,
        Local(Path(folder), program, settings, scrape_seconds, alerts).running() as local,
    ):
        yield local
