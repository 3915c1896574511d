"""The peer that the gateway is compared with: the LiteLLM proxy, in an environment of its own.

It asks the runtime as its documentation recommends for Ollama (ollama_chat/, which is /api/chat), the way in
which the gateway asks for chats. One worker, no log, no retries, no callbacks, no network but the runtime.
"""

import json
import secrets
import subprocess
import sys

from bench import BenchError
from bench.servers import MODEL, ROOT, Recipe

PROJECT = ROOT / "bench/peers"
ENVIRONMENT = PROJECT / ".venv"
UV = ("sh", "dev/bootstrap", "uv")
PYPI = "https://pypi.org/simple"  # the lock names this index, whichever one its user installs from


def install() -> None:
    """Make the peer's environment as bench/peers/uv.lock says, from the user's package index.

    Raises:
        BenchError: uv failed; its own message is printed.
    """
    export = ["export", "--quiet", "--locked", "--project", str(PROJECT), "--default-index", PYPI]
    locked = _uv(*export)
    _uv("venv", "--quiet", "--allow-existing", "--python", sys.executable, str(ENVIRONMENT))
    _uv("pip", "sync", "--quiet", "--python", str(ENVIRONMENT), "--require-hashes", "-", given=locked)


def _uv(*arguments: str, given: str = "") -> str:
    done = subprocess.run(  # noqa: S603 - our own command
        [*UV, *arguments], cwd=ROOT, input=given, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise BenchError(f"the peer's environment {ENVIRONMENT} cannot be made: see uv's message above")
    return done.stdout


def configuration(runtime_url: str) -> dict[str, object]:
    """Return LiteLLM's configuration: one model, and everything optional off."""
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


def recipe(runtime_url: str) -> tuple[Recipe, str]:
    """Install the proxy; return how to start it, and its key (it does not start without one).

    Raises:
        BenchError: it cannot be installed.
    """
    install()
    config = ENVIRONMENT / "config.json"
    config.write_text(json.dumps(configuration(runtime_url), indent=1))  # JSON is YAML
    key = f"sk-{secrets.token_hex(8)}"
    settings = {
        "LITELLM_MASTER_KEY": key,
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
        # Prices from the package rather than the network.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    options = ["--config", str(config), "--host", "127.0.0.1", "--port", "{port}", "--num_workers", "1"]
    command = [str(ENVIRONMENT / "bin/litellm"), *options]
    return Recipe("litellm", command, ENVIRONMENT, settings, "/health/readiness"), key
