"""Follows the pulls of models that clients start through the gateway, for those who wait for the model.

https://github.com/ollama/ollama/blob/main/docs/api.md#pull-a-model
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable

from llm_api.names import canonical
from llm_api.upstream.ollama import MALFORMED

# The most of a request or a line that is looked at; both are some hundred bytes.
MAX_BYTES = 65_536


class Pulls:
    """How far each pull is.

    Args:
        refresh: Lists the models again.
    """

    def __init__(self, refresh: Callable[[], Awaitable[None]]) -> None:
        # Completed and total bytes of each layer, by the model's canonical name.
        self._layers: dict[str, dict[str, tuple[int, int]]] = {}
        self._refresh = refresh

    def progress(self, model: str) -> str | None:
        """Return such as `pulling 40 %`, or None if the model is not being pulled."""
        layers = self._layers.get(canonical(model))
        if layers is None:
            return None
        completed, total = (sum(sizes) for sizes in zip(*layers.values(), strict=True)) if layers else (0, 0)
        return f"pulling {100 * completed // total} %" if total else "pulling"

    async def request(self, content: AsyncIterator[bytes], seen: bytearray) -> AsyncIterator[bytes]:
        """Pass on the body of a request, keeping its beginning in `seen`."""
        async for piece in content:
            seen += piece[: MAX_BYTES - len(seen)]
            yield piece

    async def response(self, content: AsyncIterator[bytes], request: bytes) -> AsyncIterator[bytes]:
        """Pass on the body of the response to a request, and take note of the progress that it reports."""
        model = _model(request)
        if model is None:
            async for piece in content:
                yield piece
            return
        layers = self._layers.setdefault(model, {})
        rest = b""
        try:
            async for piece in content:
                *lines, rest = (rest + piece).split(b"\n")
                rest = rest[:MAX_BYTES]
                for line in lines:
                    _note(line, layers)
                yield piece
            await self._refresh()  # or those who wait would find the model neither pulled nor listed
        finally:
            if self._layers.get(model) is layers:
                del self._layers[model]


def _model(request: bytes) -> str | None:
    try:
        body = json.loads(request)
        return canonical(str(body.get("model") or body["name"]))
    except MALFORMED:
        return None  # the runtime's to refuse


def _note(line: bytes, layers: dict[str, tuple[int, int]]) -> None:
    try:
        event = json.loads(line)
        layers[str(event["digest"])] = (int(event.get("completed", 0)), int(event["total"]))
    except MALFORMED:
        pass  # a step without a size
