"""The local profile: runtime and gateway as two processes with reload, under honcho (dev/Procfile).

Settings are environment variables: API_PORT, RUNTIME_PORT, and every LLM_* and RUNTIME_* setting of the
two services. Standard library only, until honcho starts from the environment that this made.
"""

import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from types import FrameType

from dev import FixableError, doctor, venv
from dev.tools import ROOT

MODEL = "smollm2:135m"
ENGINES = {"": "llamacpp", "local": "llamacpp", "embedded": "llamacpp", "simulated": "simulated"}
READY_WITHIN = 120  # seconds until silence deserves a word


def settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of both processes; what the user set wins.

    Raises:
        FixableError: a port is none, or RUNTIME names what the local profile does not have.
    """
    wanted = environment.get("RUNTIME", "")
    if wanted not in ENGINES:
        raise FixableError(
            f"RUNTIME={wanted} needs the cluster; the local profile has embedded and simulated"
        )
    ports = doctor.local_ports(environment)
    model = environment.get("MODEL") or MODEL
    defaults = {
        "RUNTIME_ENGINE": ENGINES[wanted],
        "RUNTIME_MODEL": model,
        "LLM_MODEL": model,
        "LLM_RUNTIME_URL": f"http://127.0.0.1:{ports['RUNTIME_PORT']}",
        "LLM_LOG_FORMAT": "console",
        "PYTHONUNBUFFERED": "1",
    }
    return {**defaults, **environment, **{name: str(port) for name, port in ports.items()}}


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
        [str(ROOT / ".venv/bin/honcho"), "start", "-d", str(ROOT), "-f", str(ROOT / "dev/Procfile")],
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
    if not doctor.report(doctor.local(environment), only_trouble=True):
        raise FixableError("the checks above failed; nothing was started")
    venv.ensure("local")
    return supervise(both)
