"""The routes that generate nothing."""

from tests.runtime.serving import Serve


async def test_the_runtime_is_alive_but_not_ready_while_the_model_loads(serve: Serve) -> None:
    service = await serve(wait=False, load_seconds=3600)
    assert (await service.http.get("/")).status_code == 200
    response = await service.http.get("/ready")
    assert (response.status_code, response.json()) == (503, {"error": "the model is loading"})
    assert (await service.http.get("/api/ps")).json() == {"models": []}
