"""Whatever the runtime answers, the gateway's own answer is one of those that it documents, and whole."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.api.conftest import MODEL, InProcess, Open
from tests.api.support.fuzzing import cases

STATUSES = {200, 400, 404, 502, 503, 504}
ROUTES: dict[str, tuple[str, dict[str, Any]]] = {
    "/generate": ("/api/generate", {"prompt": "x"}),
    "/v1/chat/completions": (
        "/api/chat",
        {"model": MODEL, "messages": [{"role": "user", "content": "x"}]},
    ),
}
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([10**30, 10**400, -1, 1e308, float("inf"), float("nan")]),
)
# Lone surrogates, too.
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
async def opened(open_gateway: Open) -> InProcess:
    return await open_gateway()


def sound(number: str) -> None:
    """JSON has no such numbers."""
    raise AssertionError(f"not JSON: {number}")


def objects(answer: httpx.Response) -> list[Any]:
    """All JSON in an answer, whichever form it has."""
    kind = answer.headers["content-type"]
    texts = [answer.text]
    if kind == "application/x-ndjson":
        texts = answer.text.splitlines()
    elif kind.startswith("text/event-stream"):
        texts = [event.removeprefix("data: ") for event in answer.text.split("\n\n")]
    return [json.loads(text, parse_constant=sound) for text in texts if text not in ("", "[DONE]")]


async def ask(opened: InProcess, route: str, stream: bool, told: httpx.Response) -> None:
    """Ask while the runtime answers with `told`; hold the gateway's answer to what it promises."""
    path, body = ROUTES[route]
    opened.runtime.post(path).mock(return_value=told)
    answer = await opened.http.post(route, json={**body, "stream": stream})
    assert answer.status_code in STATUSES, answer.text
    found = objects(answer)
    if answer.status_code != 200:
        assert set(found[0]["error"]) == {"message", "type", "param", "code"}
    assert opened.gateway.admission.running == 0
    assert (await opened.http.get("/metrics")).status_code == 200


def streams(*events: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps(event).encode() for event in events)


@cases(0.15)
@given(st.sampled_from([*ROUTES]), st.booleans(), st.lists(LINES, max_size=4).map(b"\n".join))
@example("/generate", False, b"[" * 100_000)
@example("/generate", True, streams({"response": 5, "done": True}))
@example("/v1/chat/completions", False, streams({"message": {"content": [1]}, "done": True}))
@example("/generate", False, streams(DONE | {"eval_count": float("inf")}))
@example("/generate", False, streams(DONE | {"eval_count": 10**400}))
@example("/generate", False, streams(DONE | {"eval_count": -1}))
@example("/generate", True, streams(DONE | {"load_duration": float("nan")}))
@example("/generate", False, streams(DONE | {"eval_duration": 10**400}))
@example("/generate", False, streams(DONE | {"eval_duration": -1e30}))
@example("/generate", True, streams(DONE | {"response": "\ud800"}))
async def test_any_lines_of_the_runtime_make_a_sound_answer(
    opened: InProcess, route: str, stream: bool, content: bytes
) -> None:
    await ask(opened, route, stream, httpx.Response(200, content=content))


@cases(0.1)
@given(
    st.sampled_from([*ROUTES]),
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
async def test_any_status_and_headers_of_the_runtime_make_a_sound_answer(
    opened: InProcess, route: str, stream: bool, status: int, headers: dict[str, str], content: bytes
) -> None:
    await ask(
        opened, route, stream, httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))
    )


@cases(0.1)
@given(
    st.lists(LINES, max_size=2).map(b"\n".join)
    | st.builds(lambda v: json.dumps({"models": v}).encode(), VALUES)
)
@example(b"[" * 100_000)
@example(b'{"models": [{"name": "\\ud800", "modified_at": 1e999}]}')
async def test_any_list_of_models_leaves_the_gateway_answering(opened: InProcess, content: bytes) -> None:
    opened.runtime.get("/api/tags").mock(return_value=httpx.Response(200, content=content))
    await opened.gateway.catalogue.refresh()
    for path, statuses in {"/ready": {200, 503}, "/v1/models": {200, 503}, "/metrics": {200}}.items():
        answer = await opened.http.get(path)
        assert answer.status_code in statuses, answer.text
        if path == "/v1/models" and answer.status_code == 200:
            for entry in answer.json()["data"]:
                assert entry["created"] >= 0
