"""Whatever the runtime responds, the gateway's own response is documented and well formed."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.api.support.fuzzing import fuzz_cases
from tests.api.support.in_process import MODEL, InProcess, Open
from tests.api.support.requests import BODIES, RUNTIME_PATHS

STATUSES = {200, 400, 404, 502, 503, 504}
EMBEDDINGS: dict[str, dict[str, Any]] = {
    "/v1/embeddings": {"model": MODEL, "input": ["a", "b"]},
    "/api/embed": {"model": MODEL, "input": ["a", "b"]},
    "/api/embeddings": {"model": MODEL, "prompt": "a"},
}
ROUTES = st.sampled_from([*BODIES])
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([10**30, 10**400, -1, 1e308, float("inf"), float("nan")]),
)
# Lone surrogates included.
TEXTS = st.text(st.characters(exclude_categories=()), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=4,
)
FIELDS = ("response", "message", "done", "done_reason", "error")
COUNTS = ("prompt_eval_count", "eval_count", "load_duration", "eval_duration", "total_duration")
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(FIELDS, VALUES | TEXTS),
        "message": st.fixed_dictionaries({"content": TEXTS | VALUES}) | VALUES,
        "done": st.booleans(),
        **dict.fromkeys(COUNTS, NUMBERS | VALUES),
    },
)
LINES = st.one_of(
    EVENTS.map(lambda event: json.dumps(event).encode()),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=50),
)
DONE = {"response": "x", "message": {"content": "x"}, "done": True}


@pytest.fixture
async def app(open_gateway: Open) -> InProcess:
    return await open_gateway()


def refuse_constant(number: str) -> None:
    """Refuse NaN and infinity, which Python's parser accepts and JSON does not have."""
    raise AssertionError(f"not JSON: {number}")


def objects(response: httpx.Response) -> list[Any]:
    """Return all JSON values in a response, plain or streamed."""
    kind = response.headers["content-type"]
    texts = [response.text]
    if kind == "application/x-ndjson":
        texts = response.text.splitlines()
    elif kind.startswith("text/event-stream"):
        # An event is its data alone, or a line with its name and the data.
        texts = [event.rpartition("\n")[2].removeprefix("data: ") for event in response.text.split("\n\n")]
    return [json.loads(text, parse_constant=refuse_constant) for text in texts if text not in ("", "[DONE]")]


async def check(app: InProcess, route: str, stream: bool, runtime_response: httpx.Response) -> None:
    """Send a request that gets this response from the runtime, and check the gateway's response."""
    app.runtime.post(RUNTIME_PATHS[route]).mock(return_value=runtime_response)
    response = await app.http.post(route, json=BODIES[route] | {"stream": stream})
    assert response.status_code in STATUSES, response.text
    found = objects(response)
    if response.status_code != 200:
        check_error(route, found[0]["error"])
    assert app.gateway.admission.running == 0
    assert (await app.http.get("/metrics")).status_code == 200


def check_error(route: str, error: Any) -> None:
    if route.startswith("/api/"):
        assert isinstance(error, str)
    else:
        assert set(error) == {"message", "type", "param", "code"}


def lines(*events: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps(event).encode() for event in events)


@fuzz_cases(0.15)
@given(ROUTES, st.booleans(), st.lists(LINES, max_size=4).map(b"\n".join))
@example("/generate", False, b"[" * 100_000)
@example("/generate", True, lines({"response": 5, "done": True}))
@example("/v1/chat/completions", False, lines({"message": {"content": [1]}, "done": True}))
@example("/generate", False, lines(DONE | {"eval_count": float("inf")}))
@example("/generate", False, lines(DONE | {"eval_count": 10**400}))
@example("/generate", False, lines(DONE | {"eval_count": -1}))
@example("/generate", True, lines(DONE | {"load_duration": float("nan")}))
@example("/generate", False, lines(DONE | {"eval_duration": 10**400}))
@example("/generate", False, lines(DONE | {"eval_duration": -1e30}))
@example("/generate", True, lines(DONE | {"response": "\ud800"}))
@example("/v1/responses", True, lines(DONE))
@example("/v1/responses", True, lines(DONE | {"done": False}, {"error": "x"}))
async def test_any_lines_from_the_runtime_lead_to_a_well_formed_response(
    app: InProcess, route: str, stream: bool, content: bytes
) -> None:
    await check(app, route, stream, httpx.Response(200, content=content))


@fuzz_cases(0.1)
@given(
    ROUTES,
    st.booleans(),
    st.integers(200, 599),
    st.dictionaries(
        st.sampled_from(["content-encoding", "content-type", "location", "retry-after"]),
        st.sampled_from(["gzip", "br", "deflate", "text/html; charset=none", "http://[", "-1"]),
    ),
    LINES,
)
@example("/generate", True, 200, {"content-encoding": "gzip"}, b"no gzip")
@example("/generate", False, 500, {"content-encoding": "gzip"}, b"no gzip")
@example("/generate", False, 500, {}, b'{"error": "\\ud800"}')
@example("/generate", False, 500, {}, b"[" * 100_000)
async def test_any_status_and_headers_from_the_runtime_lead_to_a_well_formed_response(
    app: InProcess, route: str, stream: bool, status: int, headers: dict[str, str], content: bytes
) -> None:
    await check(app, route, stream, httpx.Response(status, headers=headers, stream=httpx.ByteStream(content)))


@fuzz_cases(0.1)
@given(
    st.lists(LINES, max_size=2).map(b"\n".join)
    | st.builds(lambda v: json.dumps({"models": v}).encode(), VALUES)
)
@example(b"[" * 100_000)
@example(b'{"models": [{"name": "\\ud800", "modified_at": 1e999}]}')
async def test_the_gateway_keeps_answering_after_any_list_of_models(app: InProcess, content: bytes) -> None:
    app.runtime.get("/api/tags").mock(return_value=httpx.Response(200, content=content))
    await app.gateway.catalogue.refresh()
    for path, statuses in {"/ready": {200, 503}, "/v1/models": {200, 503}, "/metrics": {200}}.items():
        response = await app.http.get(path)
        assert response.status_code in statuses, response.text
        if path == "/v1/models" and response.status_code == 200:
            for entry in response.json()["data"]:
                assert entry["created"] >= 0


@fuzz_cases(0.15)
@given(
    route=st.sampled_from([*EMBEDDINGS]),
    encoding=st.sampled_from(["float", "base64"]),
    event=st.fixed_dictionaries(
        {"embeddings": VALUES | st.lists(st.lists(NUMBERS))}, optional={"done": VALUES}
    ),
)
@example("/v1/embeddings", "base64", {"embeddings": [[1e308], [-1e308]]})
@example("/v1/embeddings", "float", {"embeddings": [[1.0]]})
async def test_whatever_vectors_the_runtime_sends(
    app: InProcess, route: str, encoding: str, event: dict[str, Any]
) -> None:
    app.runtime.post("/api/show").respond(json={"capabilities": ["embedding"]})
    app.runtime.post("/api/embed").respond(content=json.dumps(event).encode())
    response = await app.http.post(route, json=EMBEDDINGS[route] | {"encoding_format": encoding})
    assert response.status_code in STATUSES, response.text
    (found,) = objects(response)
    if response.status_code != 200:
        check_error(route, found["error"])
    elif route == "/api/embeddings":
        assert isinstance(found["embedding"], list)
    else:
        assert len(found.get("data", found.get("embeddings"))) == 2
