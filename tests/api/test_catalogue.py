"""Which model a name means, what is listed, and what a model can do."""

import json
from typing import Any

import httpx
import pytest

from tests.api.support.errors import error_of, error_summary
from tests.api.support.in_process import CAPABILITIES, MODEL, InProcess, Open
from tests.api.support.requests import CHAT_LINES, DONE, chat, generate

TAGS = {"models": [{"name": name} for name in ("other:latest", MODEL)]}
GENERATED = {"response": "Hello.", **DONE}


@pytest.fixture
async def app(open_gateway: Open) -> InProcess:
    app = await open_gateway(model_aliases=f"gpt-4o={MODEL},claude-*=OTHER,broken=none")
    app.runtime.get("/api/tags").respond(json=TAGS)
    await app.gateway.catalogue.refresh()
    app.runtime.post("/api/generate").respond(json=GENERATED)
    return app


def asked_for(app: InProcess, path: str = "/api/generate") -> str:
    """Return the model of the last request to the runtime."""
    requests = [call.request for call in app.runtime.calls if call.request.url.path == path]
    model: str = json.loads(requests[-1].content)["model"]
    return model


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("TINY:1", MODEL),
        ("library/tiny:1", MODEL),
        ("registry.ollama.ai/library/tiny:1", MODEL),
        ("other", "other:latest"),
        ("gpt-4o", MODEL),
        ("claude-sonnet-5", "other:latest"),
    ],
)
async def test_an_answer_names_the_model_that_was_asked_for_and_the_metrics_the_real_one(
    app: InProcess, name: str, model: str
) -> None:
    assert (await generate(app, model=name)).json()["model"] == name
    assert asked_for(app) == model
    counted = app.metric("llm_requests_total", model=model, route="/generate", outcome="ok")
    assert counted == 1
    assert app.metric("llm_requests_total", model=name, route="/generate", outcome="ok") is None


@pytest.mark.parametrize("name", ["none", "tiny", "tiny:", "/tiny:1", "me/tiny:1", "gpt-4o:latest", "broken"])
async def test_any_other_name_is_not_found(app: InProcess, name: str) -> None:
    assert error_summary(await generate(app, model=name)) == (404, "model_not_found", "model")


async def test_the_default_model_is_listed_first_and_aliases_last(app: InProcess) -> None:
    listed = (await app.http.get("/v1/models")).json()["data"]
    assert [entry["id"] for entry in listed] == [MODEL, "other:latest", "gpt-4o"]
    assert (await app.http.get("/v1/models/claude-3")).json()["id"] == "claude-3"


async def test_a_model_without_a_capability_is_a_400_that_names_it(app: InProcess) -> None:
    route = app.runtime.post("/api/show").respond(json={"capabilities": ["completion"]})
    error = error_of(await generate(app, think=True), 400, "unsupported_by_model")
    assert error["message"] == f"'{MODEL}' does not support thinking"
    assert json.loads(route.calls.last.request.content) == {"model": MODEL}
    assert app.gateway.admission.running == 0


async def test_capabilities_are_asked_for_once_for_each_version_of_a_model(app: InProcess) -> None:
    route = app.runtime.post("/api/show").respond(json={"capabilities": CAPABILITIES})
    for think in (True, "low", False, None):
        assert (await generate(app, think=think)).status_code == 200
    assert route.call_count == 1
    renewed = [{"name": MODEL, "modified_at": "2027-01-01T00:00:00Z"}]
    app.runtime.get("/api/tags").respond(json={"models": renewed})
    await app.gateway.catalogue.refresh()
    route.respond(json={"capabilities": ["completion"]})
    assert (await generate(app, think=True)).status_code == 400
    assert route.call_count == 2


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404),
        httpx.Response(200, json={}),
        httpx.Response(200, json=[]),
        httpx.Response(200, text="nonsense"),
        httpx.ConnectError("refused"),
        TimeoutError(),
    ],
)
async def test_a_runtime_that_does_not_say_what_a_model_can_do_decides_itself(
    app: InProcess, answer: Any
) -> None:
    app.runtime.post("/api/show").mock(side_effect=[answer, answer])
    for _ in range(2):  # it is asked again
        assert (await generate(app, think=True)).status_code == 200
    app.runtime.post("/api/generate").respond(400, json={"error": '"tiny" does not support thinking'})
    app.runtime.post("/api/show").respond(404)
    assert "does not support thinking" in (await generate(app, think=True)).json()["error"]["message"]


async def test_a_plain_request_asks_for_no_capabilities(app: InProcess) -> None:
    app.runtime.post("/api/chat").respond(json=CHAT_LINES[0] | DONE)
    assert (await chat(app)).status_code == 200
    assert not [call for call in app.runtime.calls if call.request.url.path == "/api/show"]
