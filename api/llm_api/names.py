"""Names of models: Ollama's rule for when two mean the same model, and aliases.

https://github.com/ollama/ollama/blob/main/types/model/name.go
"""

MISSING = "!"  # a part that a separator promises; no valid name has it


def canonical(name: str) -> str:
    """Return the full name in lower case, which is equal for all names of one model.

    The defaults are `registry.ollama.ai` for the host, `library` for the namespace and `latest` for the tag.
    """
    tag = host = namespace = ""
    if name.rfind(":") > name.rfind("/"):
        name, tag = _cut(name, ":")
    if "/" in name:
        namespace, name = _cut(name, "/")
    if "/" in namespace:
        host, namespace = _cut(namespace, "/")
        host = host.rpartition("://")[2]
    host, namespace, tag = host or "registry.ollama.ai", namespace or "library", tag or "latest"
    return f"{host}/{namespace}/{name}:{tag}".lower()


def _cut(name: str, separator: str) -> tuple[str, str]:
    before, _, after = name.rpartition(separator)
    return before or MISSING, after or MISSING


def parse_aliases(text: str) -> dict[str, str]:
    """Return the model of each alias in a text such as `gpt-4o=gemma3:270m,claude-*=gemma3:270m`.

    Raises:
        ValueError: A part is not of the form ALIAS=MODEL, an alias is given twice, or has a `*` that is not
            its last character.
    """
    aliases: dict[str, str] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        alias, _, model = map(str.strip, part.partition("="))
        if not alias or not model:
            raise ValueError(f"{part!r} is not of the form ALIAS=MODEL")
        if "*" in alias[:-1] or "*" in model:
            raise ValueError(f"{part!r}: only the last character of an alias may be *")
        if alias in aliases:
            raise ValueError(f"{alias!r} is given twice")
        aliases[alias] = model
    return aliases


def match(name: str, aliases: dict[str, str]) -> str | None:
    """Return the model of the alias that fits a name best: an exact one, else the longest with a `*`."""
    if name in aliases:
        return aliases[name]
    fitting = [alias for alias in aliases if alias.endswith("*") and name.startswith(alias[:-1])]
    return aliases[max(fitting, key=len)] if fitting else None
