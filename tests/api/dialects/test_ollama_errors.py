"""Errors of Ollama's own API, in its shape."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.api.support.in_process import MODEL, InProcess, Open
from tests.api.support.ollama import TOOL, answering, error, lines, post
from tests.api.support.requests import CHAT_LINES, HELLO, ndjson


@pytest.fixture
async def app(open_gateway: Open) -> InProcess:
    return answering(await open_gateway())


@pytest.mark.parametrize(
    ("path", "fields", "named"),
    [
        ("/api/generate", {"template": "{{ .Prompt }}"}, "template"),
        ("/api/generate", {"context": [1]}, "context"),
        ("/api/generate", {"_debug_render_only": True}, "_debug_render_only"),
        ("/api/generate", {"think": "much"}, "think"),
        ("/api/generate", {"format": "xml"}, "format"),
        ("/api/chat", {"messages": [{"role": "robot", "content": ""}]}, "messages.0.role"),
        ("/api/chat", {"messages": HELLO, "options": {"temperature": "hot"}}, "options.temperature"),
        ("/api/chat", {"top_logprobs": 21}, "top_logprobs"),
        ("/api/embed", {"input": [1]}, "input"),
        ("/api/show", {"model": ""}, "model"),
    ],
)  # fmt: skip
async def test_what_is_not_supported_is_refused_by_name(
    app: InProcess, path: str, fields: dict[str, Any], named: str
) -> None:
    assert error(await post(app, path, **{"prompt": "x", **fields}), 400).startswith(f"{named}")


@pytest.mark.parametrize(
    ("path", "fields", "words"),
    [
        ("/api/chat", {"messages": HELLO, "tools": [TOOL]}, "does not support tools"),
        ("/api/chat", {"messages": [HELLO[0] | {"images": ["aGk="]}]}, "does not support images"),
        ("/api/generate", {"prompt": "x", "think": True}, "does not support thinking"),
        ("/api/generate", {"prompt": "x", "suffix": "y"}, "does not support insert"),
        ("/api/embed", {"input": "x"}, "does not support embeddings"),
    ],
)
async def test_what_the_model_cannot_do_is_an_error_that_names_it(
    app: InProcess, path: str, fields: dict[str, Any], words: str
) -> None:
    app.runtime.post("/api/show").respond(json={"capabilities": ["completion"]})
    assert error(await post(app, path, **fields), 400).startswith(f"{MODEL!r} {words}")


async def test_other_errors_have_ollamas_shape_too(open_gateway: Open) -> None:
    app = await open_gateway(api_keys="right", max_body_bytes=100)
    assert "no API key" in error(await app.http.get("/api/tags"), 401)
    app.http.headers["Authorization"] = "Bearer right"
    assert "not found" in error(await post(app, "/api/chat", model="none:1"), 404)
    assert "there is nothing at" in error(await app.http.get("/api/nothing"), 404)
    assert "takes POST" in error(await app.http.get("/api/chat"), 405)
    assert "larger than" in error(await post(app, "/api/chat", prompt="x" * 100), 413)
    app.runtime.post("/api/chat").respond(500, json={"error": "broken"})
    assert "broken" in error(await post(app, "/api/chat"), 502)


async def test_an_error_in_a_stream_is_a_line_of_its_own(app: InProcess) -> None:
    async def received() -> AsyncIterator[bytes]:
        yield ndjson(CHAT_LINES[0]).encode()
        yield ndjson({"error": "out of memory"}).encode()

    app.runtime.post("/api/chat").mock(return_value=httpx.Response(200, content=received()))
    _, last = lines(await post(app, "/api/chat", messages=HELLO))
    assert last == {"error": "the runtime failed: out of memory"}
