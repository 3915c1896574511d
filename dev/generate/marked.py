"""Parts of files between two marks, the rest of which is written by hand."""


def replace(text: str, begin: str, end: str, block: str) -> str:
    """Return `text` with `block` between the marks.

    Raises:
        ValueError: The text lacks one of them.
    """
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"found no {begin.strip()!r} followed by {end.strip()!r}")
    return before + begin + block + end + after
