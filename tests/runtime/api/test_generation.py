"""POST /api/generate and /api/chat as their clients see them: answers, faults, disconnects, shutdown."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.runtime.serving import Serve
from tests.waiting import within

BODY = {"model": "smollm2:135m", "prompt": "Hello"}
PLAIN = BODY | {"stream": False}
SLOW = {"token_seconds": 3600}


async def lines(response: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) async for line in response.aiter_lines()]


@pytest.mark.parametrize(
    ("kind", "status"), [("not_found", 404), ("cancelled", 499), ("busy", 503), ("error", 500)]
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_fault_before_the_first_token_is_a_status(
    serve: Serve, kind: str, status: int, stream: bool
) -> None:
    service = await serve()
    await service.simulate(fault={"kind": kind})
    response = await service.http.post("/api/generate", json=BODY | {"stream": stream})
    assert response.status_code == status
    assert set(response.json()) == {"error"}
    assert (await service.http.post("/api/generate", json=PLAIN)).status_code == 200


async def test_a_fault_in_a_stream_that_has_begun_is_its_last_line(serve: Serve) -> None:
    service = await serve()
    await service.simulate(fault={"kind": "error", "after_tokens": 3})
    async with service.http.stream("POST", "/api/generate", json=BODY) as response:
        assert response.status_code == 200
        received = await lines(response)
    assert [set(line) == {"error"} for line in received] == [False, False, False, True]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("after", [0, 3])
async def test_a_dropped_connection_leaves_the_response_incomplete(
    serve: Serve, stream: bool, after: int
) -> None:
    service = await serve()
    await service.simulate(fault={"kind": "drop", "after_tokens": after})
    with pytest.raises(httpx.RemoteProtocolError):
        await service.http.post("/api/generate", json=BODY | {"stream": stream})
    await service.reaches(failed=1, running=0)


@pytest.mark.parametrize("stream", [False, True])
async def test_an_unfinished_answer_ends_properly_but_without_its_last_line(
    serve: Serve, stream: bool
) -> None:
    service = await serve()
    await service.simulate(fault={"kind": "unfinished", "after_tokens": 3})
    response = await service.http.post("/api/generate", json=BODY | {"stream": stream})
    received = await lines(response)
    assert response.status_code == 200
    assert [line["done"] for line in received] == [False] * (3 if stream else 1)
    assert "".join(line["response"] for line in received)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_hang_lasts_until_the_client_leaves(serve: Serve, stream: bool) -> None:
    service = await serve()
    await service.simulate(fault={"kind": "hang", "after_tokens": 2})
    with pytest.raises(httpx.ReadTimeout):
        await service.http.post("/api/generate", json=BODY | {"stream": stream}, timeout=0.2)
    state = await service.reaches(cancelled=1, running=0)
    assert [(entry["phase"], entry["generated_tokens"]) for entry in state["record"]] == [("decode", 2)]


@pytest.mark.parametrize("route", ["/api/generate", "/api/chat"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_ends_the_generation_and_frees_its_slot(
    serve: Serve, route: str, stream: bool
) -> None:
    service = await serve(**SLOW)
    body = BODY | {"stream": stream, "messages": [{"role": "user", "content": "Hello"}]}
    first, second = [asyncio.create_task(service.http.post(route, json=body)) for _ in range(2)]
    await service.reaches(running=1, waiting=1)
    first.cancel()
    await service.reaches(running=1, waiting=0, cancelled=1)
    second.cancel()
    state = await service.reaches(running=0, waiting=0, cancelled=2)
    assert [entry["phase"] for entry in state["record"]] == ["decode", "decode"]


async def test_a_server_that_stops_ends_its_streams_with_an_error(serve: Serve) -> None:
    service = await serve(**SLOW)
    async with service.http.stream("POST", "/api/generate", json=BODY) as response:
        service.server.should_exit = True
        received = await within("the stream's last line", lines(response))
        assert received[-1] == {"error": "the runtime is stopping"}


async def test_a_server_that_stops_returns_503_where_no_response_has_begun(serve: Serve) -> None:
    service = await serve(**SLOW)
    request = asyncio.create_task(service.http.post("/api/generate", json=PLAIN))
    await service.reaches(running=1)
    service.server.should_exit = True
    response = await within("the response", request)
    assert (response.status_code, response.json()) == (503, {"error": "the runtime is stopping"})


async def test_a_hundred_clients_that_leave_leave_nothing_behind(serve: Serve) -> None:
    service = await serve(slots=4, **SLOW)
    requests = [asyncio.create_task(service.http.post("/api/generate", json=BODY)) for _ in range(100)]
    await service.reaches(running=4, waiting=96)
    for request in requests:
        request.cancel()
    state = await service.reaches(running=0, waiting=0, cancelled=100)
    assert {entry["phase"] for entry in state["record"]} == {"decode", "waiting"}


async def test_64_streams_of_100_tokens_arrive_complete(serve: Serve) -> None:
    service = await serve(slots=64)

    async def stream() -> int:
        body = BODY | {"options": {"num_predict": 100}}
        async with service.http.stream("POST", "/api/generate", json=body) as response:
            return len(await lines(response))

    streams = asyncio.gather(*[stream() for _ in range(64)])
    assert await within("64 streams", streams, seconds=60) == [101] * 64
    assert (await service.state())["generated_tokens"] == 6400


async def test_every_chunk_of_a_stream_is_valid_utf_8(serve: Serve) -> None:
    service = await serve()
    async with service.http.stream("POST", "/api/generate", json=BODY) as response:
        chunks = [chunk.decode() async for chunk in response.aiter_raw()]
    assert "🙂" in "".join(chunks)


@pytest.mark.parametrize(
    ("fields", "feature"),
    [
        ({"images": ["aGk="]}, "images"),
        ({"think": True}, "thinking"),
        ({"context": [1]}, "the context field"),
        ({"template": "{{ .Prompt }}"}, "a template in the request"),
    ],
)
async def test_a_feature_that_the_model_lacks_is_refused(
    serve: Serve, fields: dict[str, Any], feature: str
) -> None:
    service = await serve()
    response = await service.http.post("/api/generate", json=BODY | fields)
    assert (response.status_code, response.json()) == (
        400,
        {"error": f'"smollm2:135m" does not support {feature}'},
    )
