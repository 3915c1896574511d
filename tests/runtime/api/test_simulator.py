"""POST /simulator."""

import pytest

from tests.runtime.serving import Serve


async def test_only_the_behavior_that_is_named_changes(serve: Serve) -> None:
    service = await serve(tokens=9)
    behavior = (await service.simulate(behavior={"slots": 5}))["behavior"]
    assert (behavior["slots"], behavior["tokens"]) == (5, 9)


@pytest.mark.parametrize(
    "change", [{"behavior": {"slots": 0}}, {"behavior": {"no": 1}}, {"fault": {"kind": "no"}}, {"no": 1}]
)
async def test_an_invalid_change_is_refused(serve: Serve, change: dict[str, object]) -> None:
    service = await serve()
    assert (await service.http.post("/simulator", json=change)).status_code == 422


async def test_a_fault_stays_until_it_is_set_to_null(serve: Serve) -> None:
    service = await serve()
    await service.simulate(fault={"kind": "busy", "times": None})
    assert (await service.simulate(behavior={}))["fault"]["kind"] == "busy"
    assert (await service.simulate(fault=None))["fault"] is None


async def test_a_model_that_is_not_listed_is_not_found_until_it_is_listed_again(serve: Serve) -> None:
    service = await serve()
    model = (await service.http.get("/api/tags")).json()["models"][0]["name"]
    body = {"model": model, "prompt": "hello", "stream": False}
    for listed in (False, True):
        await service.simulate(behavior={"listed": listed})
        tags = (await service.http.get("/api/tags")).json()["models"]
        statuses = [
            (await service.http.post(path, json=body)).status_code for path in ("/api/generate", "/api/show")
        ]
        assert (bool(tags), statuses) == (listed, [200, 200] if listed else [404, 404])
