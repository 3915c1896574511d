"""The processes of the local profile (dev/Procfile), and the environment that they run in."""

import os
from collections.abc import Mapping

from dev import FixableError
from dev.doctor import ollama
from dev.doctor.choice import ENGINES
from dev.settings import ROOT, SETTINGS, Values

# The variables of the services that a setting decides, and how it is set in their place.
DECIDED_BY = {
    "LLM_MODEL": "MODEL=...",
    "RUNTIME_MODEL": "MODEL=...",
    "RUNTIME_ENGINE": "ENGINE=...",
    "LLM_RUNTIME_URL": "RUNTIME_PORT=..., or ENGINE=host OLLAMA_HOST=...",
}


def commands(values: Values) -> dict[str, str]:
    """Return the command of each process that runs, by its name in dev/Procfile."""
    lines = (ROOT / "dev/Procfile").read_text().splitlines()
    found = dict(line.split(": ", 1) for line in lines if ": " in line)
    return {name: found[name] for name in names(values)}


def names(values: Values) -> list[str]:
    """Return the processes that run: an engine outside this project needs no runtime."""
    return ["runtime", "gateway"] if ENGINES[values["engine"]].embedded else ["gateway"]


def decided(values: Values) -> dict[str, str]:
    """Return the variables of both services that the settings decide."""
    model, engine = values["model"].split(",")[0], values["engine"]
    if not ENGINES[engine].embedded:
        return {"LLM_MODEL": model, "LLM_RUNTIME_URL": ollama.parse_address(values["ollama_host"]).url()}
    return {
        "LLM_MODEL": model,
        "LLM_RUNTIME_URL": f"http://127.0.0.1:{values['runtime_port']}",
        "RUNTIME_ENGINE": engine,
        "RUNTIME_MODEL": model,
    }


def environment(values: Values, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of both processes: what is inherited, and what the settings decide.

    Raises:
        FixableError: an inherited variable contradicts a setting.
    """
    fixed = decided(values)
    for name, value in fixed.items():
        if inherited.get(name) not in (None, "", value):
            raise FixableError(
                f"{name}={inherited[name]} in the environment contradicts the settings, which give {value}",
                f"unset {name}; to choose another value: {DECIDED_BY[name]}",
            )
    ports = {SETTINGS[name].variable: str(values[name]) for name in ("api_port", "runtime_port")}
    defaults = {
        "LLM_CORS_ORIGINS": "localhost",
        "LLM_LOG_FORMAT": "console",
        "LLM_WAIT_FOR_RUNTIME_SECONDS": "60",
        "PYTHONUNBUFFERED": "1",
        # llama.cpp's threads wait for each other by spinning, which takes the cores from the gateway's start
        # and from themselves. Shorter than libgomp's own 300,000; with 1,000, answers would be slower.
        "GOMP_SPINCOUNT": "10000",
    }
    both = {**defaults, **inherited, **fixed, **ports}
    for name in ("RUNTIME_MODEL_PATH", "RUNTIME_CHAT_TEMPLATE_PATH"):
        if path := inherited.get(name):
            both[name] = os.path.abspath(path)  # the runtime starts in a folder of its own
    return both


def passed_on(inherited: Mapping[str, str]) -> list[str]:
    """Return the names of the services' variables that come from the environment, not from the settings."""
    own = {setting.variable for setting in SETTINGS.values()} | DECIDED_BY.keys()
    return sorted(n for n in inherited if n.startswith(("LLM_", "RUNTIME_")) and n not in own)
