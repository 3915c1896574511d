"""With API keys set, no path and no spelling of one is served without a key but those that need none."""

import httpx
import pytest
from llm_api.server.routes import paths

from api.main import create_app, probes
from tests.api.support.errors import error_summary
from tests.api.support.in_process import MODEL, Open
from tests.api.support.live import Serve
from tests.api.support.sockets import connected

KEYS = "sk-first, sk-second"
GUARDED = [
    "/generate",
    "/v1/chat/completions",
    "/v1/models",
    f"/v1/models/{MODEL}",
    "/docs",
    "/docs/swagger-ui.css",
]
UNKNOWN = ["/openapi.json", "/nothing", "/redoc", "/static/health"]
ODD = [
    "//health",
    "/health/",
    "/HEALTH",
    "/health/../generate",
    "/health%2F",
    "/health%2f..%2fv1%2fmodels",
    "/%2568ealth",
    "/health;x",
    "/health%00",
    "/health%3F",
    "/health%23",
    "/v1/models?/health",
    "/metrics/x",
    "/.//metrics",
]
# Other spellings of /health, which lead nowhere else.
HEALTH = ["/health?x", "/health?path=/generate", "/%68ealth", "/health#/generate", "/health?#"]


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS", "PUT"])
@pytest.mark.parametrize("path", GUARDED + UNKNOWN + ODD)
async def test_a_path_is_refused_without_a_key_whether_it_exists_or_not(
    open_gateway: Open, path: str, method: str
) -> None:
    app = await open_gateway(api_keys=KEYS)
    response = await app.http.request(method, httpx.URL("http://gateway.test", raw_path=path.encode()))
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert error_summary(response) == (401, "invalid_api_key", None) if response.content else method == "HEAD"


def test_all_routes_but_the_page_and_the_probes_need_a_key() -> None:
    served = {route.path for route in create_app().routes if hasattr(route, "path")}
    assert set(paths(probes)) == {"/", "/health", "/ready", "/serving", "/metrics"}
    assert served - set(paths(probes)) >= {"/generate", "/v1/chat/completions", "/v1/models", "/docs"}


@pytest.mark.parametrize("path", sorted(paths(probes)))
async def test_probes_and_metrics_need_no_key(open_gateway: Open, path: str) -> None:
    app = await open_gateway(api_keys=KEYS)
    assert (await app.http.get(path)).status_code == 200
    assert (await app.http.get(path, headers={"Authorization": "nonsense"})).status_code == 200
    assert (await app.http.post(path)).status_code == 405


TARGETS = [*ODD, "/v1/models", "http://x/v1/models", "http://x/health/../v1/models", "/v1/models#/health"]
HOSTS = ["x", "x/health?", "x/?", "x#", "x/health#", "x@/health", "\\health", ""]


async def test_no_spelling_of_a_request_bypasses_the_keys(serve: Serve) -> None:
    live = await serve(api_keys=KEYS)
    for target in TARGETS:
        for host in HOSTS:
            async with connected(live.url) as connection:
                await connection.send(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
                received = await connection.rest()
            assert received.startswith((b"HTTP/1.1 401 ", b"HTTP/1.1 400 ")), (target, host, received)


@pytest.mark.parametrize("target", [*HEALTH, "http://x/health"])
async def test_other_spellings_of_health_are_health(serve: Serve, target: str) -> None:
    live = await serve(api_keys=KEYS)
    async with connected(live.url) as connection:
        await connection.send(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = await connection.rest()
    assert received.endswith(b'\r\n\r\n{"status":"ok"}')
