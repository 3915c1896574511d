"""The peer that the gateway is compared with: the LiteLLM proxy (in Python).

It asks the runtime as its documentation recommends for Ollama (ollama_chat/, which is /api/chat), the way in
which the gateway asks for chats. One worker, no log, no retries, no callbacks, no network but the runtime.
"""

import json
import secrets

from bench.goals import PEER
from bench.packages import ENVIRONMENT
from bench.servers import MODEL, Recipe


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
    """Return how to start the proxy, which `packages.install` has installed, and its key: it needs one."""
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
    return Recipe(PEER, command, ENVIRONMENT, settings, "/health/readiness"), key
