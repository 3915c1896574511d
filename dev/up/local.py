"""The local profile: runtime and gateway as processes with reload, under honcho (dev/Procfile)."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType

from dev import FixableError
from dev.doctor import probe
from dev.doctor import report as doctor
from dev.doctor.choice import ENGINES
from dev.gateway.client import GatewayClient
from dev.settings import API_PORT, ROOT, Values
from dev.up import processes

PACKAGED = ENGINES["llamacpp"].model
READY_WITHIN = 120  # seconds until the wait is explained
CHECK_SECONDS = 0.1


def check_model(values: Values, environment: Mapping[str, str]) -> None:
    """Check that llama.cpp has the weights of the model.

    Raises:
        FixableError: the model's file cannot be read, or the model is not the packaged one and has no file.
    """
    path, model = environment.get("RUNTIME_MODEL_PATH"), values["model"]
    if values["engine"] != "llamacpp":
        return
    if not path:
        if model == PACKAGED:
            return
        raise FixableError(
            f"MODEL={model} is not here: ENGINE=llamacpp has {PACKAGED}, from a Python package",
            "leave MODEL out; or bring its file: make local MODEL=... RUNTIME_MODEL_PATH=FILE.gguf;\n"
            "or use an Ollama: ENGINE=ollama in the cluster, ENGINE=host with your own",
        )
    try:
        with Path(path).open("rb") as file:
            problem = "" if file.read(4) == b"GGUF" else "not a GGUF file"
    except OSError as error:
        problem = error.strerror or str(error)
    if problem:
        raise FixableError(
            f"RUNTIME_MODEL_PATH={path}: {problem}", f"name a GGUF file, or leave it out for {PACKAGED}"
        )


def check_engine(values: Values, root: Path = ROOT) -> None:
    """Check that llama.cpp can be loaded, where it is needed.

    Raises:
        FixableError: its wheel, or a library that it needs, is missing or broken.
    """
    if values["engine"] != "llamacpp":
        return
    status, _, problem = probe.run(str(root / ".venv/bin/python"), "-c", "import xllamacpp")
    if status:
        reason = probe.last_line(problem) if problem else f"its import ends with status {status}"
        raise FixableError(
            f"llama.cpp cannot be loaded: {reason}",
            "where libgomp is missing, install it (apt install libgomp1; dnf install libgomp);\n"
            "else remove .venv and try again; or without a model: make local ENGINE=simulated",
        )


def why_not_ready(gateway: GatewayClient) -> str:
    """Return the gateway's reason why its model cannot answer; empty when it can."""
    try:
        gateway.text("/ready")
    except FixableError as error:
        return error.problem
    return ""


class Milestones:
    """Seconds from the beginning until each part of the platform was first seen to answer."""

    def __init__(self, values: Values, environment: Mapping[str, str], began: float) -> None:
        self._began = began
        self.reached = {"checks": time.monotonic() - began}
        self._gateway = GatewayClient(f"http://127.0.0.1:{values['api_port']}", timeout=2)
        runtime = GatewayClient(environment["LLM_RUNTIME_URL"], timeout=2)
        self._parts = {"runtime": (runtime, "/api/version"), "gateway": (self._gateway, "/health")}

    def look(self) -> str:
        """Take note of what answers by now; return why the model cannot answer yet, empty when it can."""
        for name, (client, path) in list(self._parts.items()):
            with suppress(FixableError):
                client.text(path)
                del self._parts[name]
                self._reach(name)
        if not (reason := why_not_ready(self._gateway)):
            self._reach("model")
        return reason

    def _reach(self, name: str) -> None:
        self.reached[name] = time.monotonic() - self._began

    def __str__(self) -> str:
        return ", ".join(f"{name} {seconds:.1f}" for name, seconds in self.reached.items())


def announce(values: Values, environment: Mapping[str, str], milestones: Milestones) -> None:
    """Print where everything is, and where the time went."""
    seconds = milestones.reached["model"]
    api, engine = values["api_port"], values["engine"]
    port = "" if api == API_PORT else f" API_PORT={api}"
    print(
        f"\nready after {seconds:.1f} s: {values['model']} (ENGINE={engine})\n"
        f"  seconds  {milestones}\n"
        f"  chat     http://localhost:{api}   API: http://localhost:{api}/docs\n"
        f"  runtime  {environment['LLM_RUNTIME_URL']}   Ollama's API\n"
        f'  ask      make ask{port} PROMPT="Why is the sky blue?"   (in another terminal)\n'
        "  edit     api/main.py, or anything in api/ and runtime/: a save is live in less than a second\n"
        "  stop     Ctrl-C\n",
        flush=True,
    )


def follow(values: Values, environment: Mapping[str, str], started: float) -> Iterator[None]:
    """Each time this is resumed, ask whether the gateway is ready; print when it is, or why it is late.

    The times that it prints count from `started`, by time.monotonic.
    """
    began = time.monotonic()
    explained = False
    milestones = Milestones(values, environment, started)
    while reason := milestones.look():
        if not explained and time.monotonic() - began > READY_WITHIN:
            variables = ", ".join(processes.passed_on(environment)) or "none"
            print(
                f"note: not ready after {READY_WITHIN} s: {reason}\n"
                f"  passed on from the environment: {variables}",
                flush=True,
            )
            explained = True
        yield
    announce(values, environment, milestones)


def supervise(values: Values, environment: dict[str, str], started: float) -> int:
    """Run the processes under honcho until one ends or a signal comes.

    Returns:
        The exit status, 0 after a signal.
    """
    names = processes.names(values)
    procfile = str(ROOT / "dev/Procfile")
    honcho = subprocess.Popen(
        [sys.executable, "-m", "honcho", "start", "-d", str(ROOT), "-f", procfile, *names],
        env=environment,
        cwd=ROOT,
        start_new_session=True,  # so that the terminal's Ctrl-C reaches it once, through us
    )
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        honcho.terminate()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    progress = follow(values, environment, started)
    while honcho.poll() is None:
        if not stopping:
            next(progress, None)
        time.sleep(CHECK_SECONDS)
    if stopping:
        print(f"stopped: {' and '.join(names)}")
    return 0 if stopping else honcho.returncode or 1


def start(values: Values, inherited: Mapping[str, str]) -> int:
    """Check, set up and run; return the exit status.

    Raises:
        FixableError: a check or the set-up failed; nothing was started.
    """
    started = time.monotonic()
    environment = processes.environment(values, inherited)
    check_model(values, inherited)
    if not doctor.print_checks(doctor.local(values), only_problems=True):
        raise FixableError("the checks above failed; nothing was started")
    check_engine(values)
    if variables := processes.passed_on(inherited):
        print(f"passed on from the environment: {', '.join(variables)}", flush=True)
    return supervise(values, environment, started)
