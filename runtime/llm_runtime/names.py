"""Model names, read as Ollama does: host/namespace/model:tag, compared without case."""

import re

DEFAULT_PREFIXES = ("registry.ollama.ai/library/", "library/")
NAME = re.compile(
    r"(((https?://)?\w[\w.:-]{0,349}/)?\w[\w-]{0,79}/)?\w[\w.-]{0,79}(:\w[\w.-]{0,79})?", re.ASCII
)


def is_name(text: str) -> bool:
    """Whether a model can be called so."""
    return NAME.fullmatch(text.strip()) is not None


def display_name(name: str) -> str:
    """The shortest full form of a name: `smollm2` becomes `smollm2:latest`."""
    name = name.strip()
    for prefix in DEFAULT_PREFIXES:
        if name.lower().startswith(prefix):
            name = name[len(prefix) :]
            break
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def same_model(one: str, other: str) -> bool:
    """Whether two names mean one model."""
    return display_name(one).lower() == display_name(other).lower()
