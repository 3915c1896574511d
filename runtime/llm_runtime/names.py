"""Model names as Ollama reads them: host/namespace/model:tag, compared without regard to case."""

import re

DEFAULT_PREFIXES = ("registry.ollama.ai/library/", "library/")
NAME = re.compile(
    r"(((https?://)?\w[\w.:-]{0,349}/)?\w[\w-]{0,79}/)?\w[\w.-]{0,79}(:\w[\w.-]{0,79})?", re.ASCII
)


def is_name(text: str) -> bool:
    """Return whether the text is a valid model name."""
    return NAME.fullmatch(text.strip()) is not None


def display_name(name: str) -> str:
    """Return a name with its tag, without default prefixes: `library/smollm2` gives `smollm2:latest`."""
    name = name.strip()
    for prefix in DEFAULT_PREFIXES:
        if name.lower().startswith(prefix):
            name = name[len(prefix) :]
            break
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def same_model(one: str, other: str) -> bool:
    """Return whether two names refer to the same model."""
    return display_name(one).lower() == display_name(other).lower()
