"""What the gateway's CPU time is compared with does the work that it is compared for."""

from collections.abc import Callable

import httpx
import pytest
from starlette.types import ASGIApp

from bench import passing
from bench.cost import PASSING
from bench.cost import passing as recipe


@pytest.mark.parametrize("make", [passing.asgi, passing.fast])
@pytest.mark.parametrize("status", [200, 503])
async def test_a_chat_is_passed_on_and_its_answer_back(
    make: Callable[[], ASGIApp], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        asked = f"{request.method} {request.url.path} ".encode()
        return httpx.Response(status, content=asked + request.read())

    monkeypatch.setenv("PASSING_TO", "http://runtime.test")
    monkeypatch.setattr(passing, "collect_less", lambda: None)
    monkeypatch.setattr(passing, "Transport", lambda keep_alive_seconds: httpx.MockTransport(answer))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(make()), base_url="http://x.test") as http:
        assert (await http.get("/ready")).status_code == 200
        response = await http.post("/api/chat", content=b"Hello")
    assert (response.status_code, response.content) == (status, b"POST /api/chat Hello")


@pytest.mark.parametrize("name", PASSING)
def test_such_an_app_has_the_gateways_server_and_the_runtimes_address(name: str) -> None:
    found = recipe(name, "http://127.0.0.1:1234")
    assert PASSING[name] in found.command
    assert found.settings["PASSING_TO"] == "http://127.0.0.1:1234"
