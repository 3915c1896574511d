"""Lines of a stream of bytes."""

from collections.abc import Iterable, Iterator


def split(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a stream as they arrive, without their newline.

    Only a newline ends a line. str.splitlines, and with it httpx's iter_lines, would also cut at U+2028 and
    other separators that a model may write.
    """
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        yield rest
