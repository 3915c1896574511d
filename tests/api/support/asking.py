"""Ask for a generation in-process, and read what came of it."""

from typing import Any

import httpx

from tests.api.conftest import MODEL, InProcess


def counted(opened: InProcess, outcome: str) -> float | None:
    labels = {"model": MODEL, "route": "/generate", "outcome": outcome}
    return opened.gateway.metrics.registry.get_sample_value("llm_requests_total", labels)


def error_of(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The error that an answer tells of, in the one shape."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == ("invalid_request_error" if status < 500 else "server_error")
    assert (error["code"], bool(error["message"])) == (code, True)
    return error


async def generate(opened: InProcess, *, stream: bool = False, **more: Any) -> httpx.Response:
    answer = await opened.http.post("/generate", json={"prompt": "Hello", "stream": stream} | more)
    assert (opened.gateway.admission.running, opened.gateway.admission.waiting) == (0, 0)
    return answer
