"""Model names, normalised as Ollama does: host/namespace/model:tag, compared without case."""

DEFAULT_PREFIXES = ("registry.ollama.ai/library/", "library/")


def display_name(name: str) -> str:
    """The shortest full form of a name: `smollm2` becomes `smollm2:latest`."""
    for prefix in DEFAULT_PREFIXES:
        if name.lower().startswith(prefix):
            name = name[len(prefix) :]
            break
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def same_model(one: str, other: str) -> bool:
    """Whether two names mean one model."""
    return display_name(one).lower() == display_name(other).lower()
