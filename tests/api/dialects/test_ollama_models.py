"""What Ollama's own API says of the models."""

import json

import pytest

from tests.api.support.in_process import MODEL, InProcess, Open
from tests.api.support.ollama import ALL, answering, error, post
from tests.api.support.requests import DONE


@pytest.fixture
async def app(open_gateway: Open) -> InProcess:
    return answering(await open_gateway())


async def test_aliases_are_listed_and_shown(open_gateway: Open) -> None:
    app = await open_gateway(model_aliases=f"gpt-4o={MODEL},claude-*={MODEL}")
    app.runtime.post("/api/show").respond(json={"capabilities": ALL})
    tags = (await app.http.get("/api/tags")).json()["models"]
    assert [(entry["name"], entry.get("model")) for entry in tags] == [(MODEL, None), ("gpt-4o", "gpt-4o")]
    shown = [capability for capability in ALL if capability != "embedding"]
    assert (await app.http.post("/api/show", json={"name": "claude-x"})).json() == {"capabilities": shown}
    assert json.loads(app.runtime.calls.last.request.content) == {"model": MODEL, "verbose": False}
    app.runtime.post("/api/generate").respond(json={"response": "", **DONE})
    assert (await post(app, "/api/generate", model="gpt-4o", stream=False)).json()["model"] == "gpt-4o"


@pytest.mark.parametrize("shown", [{}, {"capabilities": None}, {"capabilities": ["embedding"]}, []])
async def test_anything_else_is_shown_as_the_runtime_shows_it(open_gateway: Open, shown: object) -> None:
    app = await open_gateway()
    app.runtime.post("/api/show").respond(json=shown)
    assert (await app.http.post("/api/show", json={"model": MODEL})).json() == shown


async def test_version_and_loaded_models_come_from_the_runtime(app: InProcess) -> None:
    app.runtime.get("/api/version").respond(json={"version": "1.2.3"})
    app.runtime.get("/api/ps").respond(json={"models": [{"name": MODEL}]})
    assert (await app.http.get("/api/version")).json() == {"version": "1.2.3"}
    assert (await app.http.get("/api/ps")).json() == {"models": [{"name": MODEL}]}
    assert (await app.http.head("/")).status_code == 200
    assert (await app.http.head("/api/version")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/pull"),
        ("POST", "/api/push"),
        ("POST", "/api/create"),
        ("POST", "/api/copy"),
        ("DELETE", "/api/delete"),
        ("POST", "/api/blobs/sha256:1"),
        ("HEAD", "/api/blobs/sha256:1"),
    ],
)
async def test_clients_may_not_change_the_models(app: InProcess, method: str, path: str) -> None:
    response = await app.http.request(method, path, content=b"{}")
    assert response.status_code == 403
    if method != "HEAD":
        assert "LLM_ALLOW_MODEL_CHANGES" in error(response, 403)
