"""The local profile: runtime and gateway as two processes with reload, under honcho (dev/Procfile).

Settings are environment variables: API_PORT, RUNTIME_PORT, and every LLM_* and RUNTIME_* setting of the
two services. Standard library only, until honcho starts from the environment that this made.
"""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from dev import FixableError
from dev.doctor import probe
from dev.doctor import report as doctor
from dev.tools import ROOT

MODEL = "smollm2:135m"
ENGINES = {"": "llamacpp", "local": "llamacpp", "embedded": "llamacpp", "simulated": "simulated"}
READY_WITHIN = 120  # seconds until silence deserves a word


def settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of both processes; what the user set wins.

    Raises:
        FixableError: a port is none or not free for both, or RUNTIME names what is not here.
    """
    wanted = environment.get("RUNTIME", "")
    if wanted not in ENGINES:
        raise FixableError(
            f"RUNTIME={wanted} is nothing that the local profile has",
            "make up RUNTIME=embedded, or RUNTIME=simulated; ollama runs in the cluster",
        )
    ports = doctor.local_ports(environment)
    if len(set(ports.values())) < len(ports):
        raise FixableError(
            f"API_PORT and RUNTIME_PORT are both {ports['API_PORT']}", "give each a port of its own"
        )
    model = environment.get("MODEL") or MODEL
    defaults = {
        "RUNTIME_ENGINE": ENGINES[wanted],
        "RUNTIME_MODEL": model,
        "LLM_MODEL": model,
        "LLM_RUNTIME_URL": f"http://127.0.0.1:{ports['RUNTIME_PORT']}",
        "LLM_LOG_FORMAT": "console",
        "PYTHONUNBUFFERED": "1",
    }
    both = {**defaults, **environment, **{name: str(port) for name, port in ports.items()}}
    if path := environment.get("RUNTIME_MODEL_PATH"):
        both["RUNTIME_MODEL_PATH"] = os.path.abspath(path)  # the runtime starts in a folder of its own
    return both


def check_model(both: Mapping[str, str]) -> None:
    """See that the model asked for is one that is here.

    Raises:
        FixableError: its file cannot be read, or its name is that of a model that nobody has.
    """
    path, model = both.get("RUNTIME_MODEL_PATH"), both["RUNTIME_MODEL"]
    if both["RUNTIME_ENGINE"] != "llamacpp":
        return
    if not path:
        if model == MODEL:
            return
        raise FixableError(
            f"MODEL={model} is not here: the local profile has {MODEL}, from a Python package",
            "leave MODEL out, or bring its file: make up MODEL=... RUNTIME_MODEL_PATH=FILE.gguf;\n"
            "Ollama's library is for the cluster",
        )
    try:
        with Path(path).open("rb") as file:
            trouble = "" if file.read(4) == b"GGUF" else "it is no GGUF file"
    except OSError as error:
        trouble = error.strerror or str(error)
    if trouble:
        raise FixableError(
            f"RUNTIME_MODEL_PATH={path}: {trouble}", f"name a GGUF file, or leave it out for {MODEL}"
        )


def check_engine(both: Mapping[str, str], root: Path = ROOT) -> None:
    """See that llama.cpp can be loaded, where it is wanted.

    Raises:
        FixableError: its wheel or a library that it needs is missing or broken.
    """
    if both["RUNTIME_ENGINE"] != "llamacpp":
        return
    status, _, problem = probe.run(str(root / ".venv/bin/python"), "-c", "import xllamacpp")
    if status:
        reason = probe.last_line(problem) if problem else f"its import ends with status {status}"
        raise FixableError(
            f"llama.cpp cannot be loaded: {reason}",
            "where libgomp is missing, install it (apt install libgomp1; dnf install libgomp);\n"
            "else remove .venv and try again; or without weights: make up RUNTIME=simulated",
        )


def is_ready(url: str) -> bool:
    """Whether the gateway says that its model can answer."""
    try:
        with urllib.request.urlopen(f"{url}/ready", timeout=2) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except OSError:
        return False


def announce(environment: Mapping[str, str], seconds: float) -> None:
    """Say where things are."""
    api, runtime = environment["API_PORT"], environment["RUNTIME_PORT"]
    engine = environment["RUNTIME_ENGINE"]
    port = "" if api == "8000" else f" API_PORT={api}"
    print(
        f"\nready after {seconds:.1f} s: {environment['LLM_MODEL']} ({engine})\n"
        f"  API      http://localhost:{api}   try it: http://localhost:{api}/docs\n"
        f"  runtime  http://localhost:{runtime}   Ollama's API\n"
        f'  ask      make ask{port} PROMPT="Why is the sky blue?"   (in another terminal)\n'
        "  edit     api/main.py, or anything in api/ and runtime/: a save is live in about a second\n"
        "  stop     Ctrl-C\n",
        flush=True,
    )


def supervise(environment: dict[str, str]) -> int:
    """Run the two under honcho until one ends or a signal comes; the exit status (0 after a signal)."""
    began = time.monotonic()
    honcho = subprocess.Popen(
        [sys.executable, "-m", "honcho", "start", "-d", str(ROOT), "-f", str(ROOT / "dev/Procfile")],
        env=environment,
        cwd=ROOT,
        start_new_session=True,  # the terminal's Ctrl-C reaches it once, through us
    )
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        honcho.terminate()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    url = f"http://127.0.0.1:{environment['API_PORT']}"
    said = False
    while honcho.poll() is None:
        if not said and not stopping:
            seconds = time.monotonic() - began
            if is_ready(url):
                announce(environment, seconds)
                said = True
            elif seconds > READY_WITHIN:
                print(f"note: {url}/ready does not say ready after {READY_WITHIN} s; see the lines above")
                said = True
        time.sleep(0.2)
    if stopping:
        print("stopped: runtime and gateway have ended")
    return 0 if stopping else honcho.returncode or 1


def start(environment: Mapping[str, str]) -> int:
    """Check, set up, run; the exit status.

    Raises:
        FixableError: a check or the set-up failed; nothing was started.
    """
    both = settings(environment)
    check_model(both)
    if not doctor.report(doctor.local(environment), only_trouble=True):
        raise FixableError("the checks above failed; nothing was started")
    check_engine(both)
    return supervise(both)
