"""The peer beside which the gateway is measured: the LiteLLM proxy, in an environment of its own.

It speaks to the runtime as its documentation recommends for Ollama (ollama_chat/, that is /api/chat), the
gateway's own way to answer chat. One worker, no log, no retries, no callbacks, no network but the runtime.
"""

import hashlib
import json
import secrets
import subprocess
import sys
from pathlib import Path

from bench import BenchError
from bench.servers import MODEL, ROOT, Recipe

LOCK = ROOT / "bench/peers-requirements.txt"


def install(out: Path) -> Path:
    """The folder of programs of the peer's environment, made in `out` from the lock unless it is there.

    Raises:
        BenchError: it could not be made.
    """
    folder = (out / "peers").resolve()
    programs, stamp = folder / "venv/bin", folder / ".locked"
    wanted = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return programs
    print(f"the LiteLLM proxy is installed into {folder} (a minute or two)", flush=True)
    pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    commands = [
        [sys.executable, "-m", "venv", "--clear", str(folder / "venv")],
        [*pip, "--no-deps", "--require-hashes", "-r", str(LOCK)],
    ]
    for command in commands:
        if subprocess.run(command, check=False).returncode:  # noqa: S603 - our own commands
            raise BenchError(f"the peer's environment cannot be made in {folder}: see pip's words above")
    stamp.write_text(wanted)
    return programs


def configuration(runtime_url: str) -> dict[str, object]:
    """LiteLLM's configuration: one model, nothing optional."""
    model = {
        "model_name": MODEL,
        "litellm_params": {"model": f"ollama_chat/{MODEL}", "api_base": runtime_url},
    }
    return {
        "model_list": [model],
        "litellm_settings": {
            "set_verbose": False,
            "num_retries": 0,
            "request_timeout": 60,
            "telemetry": False,
        },
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
    }


def litellm(out: Path, runtime_url: str) -> tuple[Recipe, str]:
    """How to start the proxy, and the key that it wants (it does not start without one)."""
    programs = install(out)
    config = out / "peers/config.json"
    config.write_text(json.dumps(configuration(runtime_url), indent=1))  # JSON is YAML
    key = f"sk-{secrets.token_hex(8)}"
    settings = {
        "LITELLM_MASTER_KEY": key,
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
        # Its prices from the package, not from the network.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    options = [
        "--config",
        str(config.resolve()),
        "--host",
        "127.0.0.1",
        "--port",
        "{port}",
        "--num_workers",
        "1",
    ]
    command = [str(programs / "litellm"), *options]
    return Recipe("litellm", command, out.resolve(), settings, "/health/readiness"), key
