"""GET /metrics."""

import asyncio

from tests.runtime.serving import Serve

BODY = {"model": "smollm2:135m", "prompt": "Hello"}


async def test_running_waiting_and_cancelled_requests_are_reported(serve: Serve) -> None:
    service = await serve(token_seconds=3600)
    requests = [asyncio.create_task(service.http.post("/api/generate", json=BODY)) for _ in range(3)]
    await service.reaches(running=1, waiting=2)
    requests[2].cancel()
    await service.reaches(waiting=1)
    lines = (await service.http.get("/metrics")).text.splitlines()
    assert "llm_runtime_requests_running 1.0" in lines
    assert "llm_runtime_requests_waiting 1.0" in lines
    assert "llm_runtime_cancelled_total 1.0" in lines
    for request in requests:
        request.cancel()
    await service.reaches(running=0, waiting=0)
