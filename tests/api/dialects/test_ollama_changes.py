"""What changes the runtime's models goes to the runtime as it is, where LLM_ALLOW_MODEL_CHANGES is set."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import ollama
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from llm_api.server.limits import Protocol
from llm_api.settings import Settings

from api.main import create_app
from tests.api.support.in_process import MODEL, TAGS
from tests.api.support.live import listen
from tests.api.support.sockets import connected
from tests.waiting import until


class Recorder:
    """A runtime that records changes, and ends a pull only when it is told to."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str, bytes]] = []
        self.finish = asyncio.Event()
        self.app = FastAPI()
        self.app.get("/api/tags")(lambda: TAGS)
        self.app.post("/api/pull")(self.pull)
        self.app.api_route("/api/{rest:path}", methods=["POST", "DELETE", "HEAD"])(self.change)

    async def pull(self, request: Request) -> Response:
        self.received.append((request.method, request.url.path, await request.body()))

        async def progress() -> AsyncIterator[bytes]:
            yield b'{"status":"pulling"}\n'
            await self.finish.wait()
            yield b'{"status":"success"}\n'

        return StreamingResponse(progress(), media_type="application/x-ndjson")

    async def change(self, request: Request) -> Response:
        self.received.append((request.method, request.url.path, await request.body()))
        if request.url.path == "/api/copy":
            return Response('{"error":"model not found"}', 404, media_type="application/json")
        return Response(status_code=200)


async def start(stack: AsyncExitStack) -> tuple[Recorder, str]:
    """Start a recorder and a gateway in front of it; return the recorder and the gateway's address."""
    runtime = Recorder()
    url, _ = await listen(stack, runtime.app)
    given = {"runtime_url": url, "model": MODEL, "allow_model_changes": True, "max_body_bytes": 100}
    gateway, _ = await listen(stack, create_app(Settings.model_validate(given)), http=Protocol)
    return runtime, gateway


@pytest.fixture
async def served() -> AsyncIterator[tuple[Recorder, ollama.AsyncClient]]:
    """A recorder, and a client of a gateway in front of it."""
    async with AsyncExitStack() as stack:
        runtime, gateway = await start(stack)
        async with ollama.AsyncClient(host=gateway, trust_env=False, timeout=60) as client:
            yield runtime, client


async def test_a_pull_reports_its_progress_while_it_runs(served: tuple[Recorder, ollama.AsyncClient]) -> None:
    runtime, client = served
    progress = await client.pull("other", stream=True)
    assert (await anext(progress)).status == "pulling"
    runtime.finish.set()
    assert [piece.status async for piece in progress] == ["success"]
    ((method, path, body),) = runtime.received
    assert (method, path, json.loads(body)["model"]) == ("POST", "/api/pull", "other")


async def test_files_of_any_size_pass(served: tuple[Recorder, ollama.AsyncClient]) -> None:
    runtime, client = served
    blob = b"x" * 3_000_000
    http = client._client
    assert (await http.post("/api/blobs/sha256:1", content=blob)).status_code == 200
    assert (await http.head("/api/blobs/sha256:1")).status_code == 200
    assert (await client.delete("x")).status == "success"
    assert [(method, path) for method, path, _ in runtime.received] == [
        ("POST", "/api/blobs/sha256:1"),
        ("HEAD", "/api/blobs/sha256:1"),
        ("DELETE", "/api/delete"),
    ]
    assert runtime.received[0][2] == blob


async def test_a_client_that_leaves_while_it_sends_a_file_is_cancelled_and_no_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen: list[str] = []

    def logged() -> list[str]:
        seen.extend(line for line in capsys.readouterr().out.splitlines() if "/api/blobs" in line)
        return seen

    async with AsyncExitStack() as stack:
        _, gateway = await start(stack)
        async with connected(gateway) as leaving:
            head = "POST /api/blobs/sha256:1 HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n"
            await leaving.send(head + "four")
        (line,) = await until("the request's line in the log", logged)
    assert "outcome=cancelled" in line
    assert "error=client_left" in line


async def test_the_runtimes_errors_pass_too(served: tuple[Recorder, ollama.AsyncClient]) -> None:
    _, client = served
    with pytest.raises(ollama.ResponseError, match="model not found") as caught:
        await client.copy("a", "b")
    assert caught.value.status_code == 404
