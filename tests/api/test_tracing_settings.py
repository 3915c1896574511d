"""How traces are turned on and named, and that without them nothing of OpenTelemetry's SDK is there."""

import subprocess
import sys

import pytest
from llm_api import lifecycle
from llm_api.settings import Settings, SettingsError

from tests.api.support.collector import Collector
from tests.api.support.in_process import Open
from tests.api.support.requests import CHAT_LINES, chat, ndjson
from tests.processes import ROOT


async def test_opentelemetrys_own_variables_name_the_service_and_choose_what_is_kept(
    open_gateway: Open, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resource(**variables: str) -> object:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        app = await open_gateway(otlp_endpoint=collector.url)
        app.runtime.post("/api/chat").respond(text=ndjson(*CHAT_LINES))
        before = len(collector.requests())
        await chat(app)
        await collector.wait_for(before + 1)
        return collector.resource["service.name"], collector.resource.get("team")

    assert await resource() == ("llm-api", None)
    assert await resource(OTEL_RESOURCE_ATTRIBUTES="team=search") == ("llm-api", "search")
    assert await resource(OTEL_SERVICE_NAME="gateway") == ("gateway", "search")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    app = await open_gateway(otlp_endpoint=collector.url)
    app.runtime.post("/api/chat").respond(text=ndjson(*CHAT_LINES))
    await chat(app)
    flags = app.runtime.calls.last.request.headers["traceparent"].rpartition("-")[2]
    assert int(flags, 16) & 1 == 0


async def test_traces_without_the_packages_for_them_are_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "llm_api.tracing", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingsError, match="LLM_OTLP_ENDPOINT needs the packages of the extra `tracing`"):
        async with lifecycle.tracing(Settings(otlp_endpoint="http://localhost:4318")):
            pass


SERVE = """
import asyncio, sys
import httpx
from llm_api.settings import Settings
from main import create_app

async def main():
    runtime = httpx.MockTransport(lambda request: httpx.Response(200, json=
        {"models": [{"name": "m"}]} if request.url.path == "/api/tags" else {"response": "Hi", "done": True}))
    app = create_app(Settings(model="m"), runtime)
    async with app.router.lifespan_context(app) as state:
        async def with_state(scope, receive, send):
            await app({**scope, "state": dict(state)}, receive, send)
        http = httpx.AsyncClient(transport=httpx.ASGITransport(with_state), base_url="http://gateway.test")
        while (await http.get("/ready")).status_code != 200:
            await asyncio.sleep(0.01)
        response = await http.post("/generate", json={"prompt": "Hi"}, headers={"traceparent": TRACEPARENT})
        assert response.status_code == 200, response.text

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
asyncio.run(main())
print(*sorted(sys.modules))
"""


def test_without_a_collector_nothing_of_the_sdk_is_imported() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVE],
        cwd=ROOT / "api",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    modules = done.stdout.splitlines()[-1].split()
    assert "llm_api.lifecycle" in modules
    unwanted = (
        "llm_api.tracing",
        "opentelemetry.sdk",
        "opentelemetry.exporter",
        "google.protobuf",
        "requests",
    )
    assert [name for name in modules if name.startswith(unwanted)] == []
