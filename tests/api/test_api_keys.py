"""API keys: none are needed by default; if some are set, only probes and metrics are served without one."""

import hmac
from collections.abc import Callable

import httpx
import pytest
from llm_api.auth import Keys
from llm_api.server.routes import paths
from llm_api.settings import Settings
from pydantic import ValidationError

from api.main import create_app, probes
from tests.api.support.errors import error_summary
from tests.api.support.in_process import MODEL, Open
from tests.api.support.live import Serve
from tests.api.support.sockets import connected

KEYS = "sk-first, sk-second"
FIRST, SECOND = {"Authorization": "Bearer sk-first"}, {"Authorization": "Bearer sk-second"}
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


@pytest.mark.parametrize("path", ["/v1/models", "/docs", "/openapi.json", "/health"])
async def test_without_keys_everyone_is_served(open_gateway: Open, path: str) -> None:
    app = await open_gateway()
    assert (await app.http.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-api-key": "sk-first"}, 200),
        ({"x-api-key": " sk-second "}, 200),
        ({"x-api-key": "sk-first", "Authorization": "Bearer unused"}, 200),
        ({"x-api-key": "unused", "Authorization": "Bearer sk-second"}, 200),
        ({"x-api-key": "wrong"}, 401),
        ({"x-api-key": ""}, 401),
        ({"x-api-key": "Bearer sk-first"}, 401),
        ({"Authorization": "sk-first"}, 401),
    ],
)
async def test_a_key_may_come_in_anthropics_header(
    open_gateway: Open, headers: dict[str, str], status: int
) -> None:
    app = await open_gateway(api_keys=KEYS)
    assert (await app.http.get("/v1/models", headers=headers)).status_code == status


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


@pytest.mark.parametrize("headers", [FIRST, SECOND, {"authorization": "bearer  sk-first "}])
async def test_each_key_opens_every_route(open_gateway: Open, headers: dict[str, str]) -> None:
    app = await open_gateway(api_keys=KEYS)
    app.runtime.post("/api/generate").respond(json={"response": "x", "done": True})
    assert (await app.http.post("/generate", json={"prompt": "x"}, headers=headers)).status_code == 200
    assert (await app.http.get("/v1/models", headers=headers)).status_code == 200
    assert (await app.http.get("/nothing", headers=headers)).status_code == 404


@pytest.mark.parametrize(
    "given",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Bearer sk-first,",
        "Bearer sk-first, sk-second",
        "Bearer sk-first sk-second",
        "Bearersk-first",
        "Bearer SK-FIRST",
        "Bearer sk-firs",
        "Basic sk-first",
        "sk-first",
    ],
)
async def test_any_other_header_is_refused(open_gateway: Open, given: str) -> None:
    app = await open_gateway(api_keys=KEYS)
    response = await app.http.get("/v1/models", headers={"Authorization": given})
    assert error_summary(response) == (401, "invalid_api_key", None)
    assert "sk-" not in response.text


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


async def test_each_key_has_its_own_limit(open_gateway: Open) -> None:
    app = await open_gateway(api_keys=KEYS, key_requests_per_minute=2)
    app.runtime.post("/api/generate").respond(json={"response": "x", "done": True})

    async def ask(headers: dict[str, str]) -> httpx.Response:
        return await app.http.post("/generate", json={"prompt": "x"}, headers=headers)

    assert [(await ask(FIRST)).status_code for _ in range(3)] == [200, 200, 429]
    refused = await ask(FIRST)
    assert error_summary(refused) == (429, "rate_limit_exceeded", None)
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert [(await ask(SECOND)).status_code for _ in range(3)] == [200, 200, 429]
    assert (await app.http.get("/v1/models", headers=FIRST)).status_code == 200


async def test_the_log_holds_the_id_of_a_key_and_nothing_else_of_it(
    open_gateway: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    app = await open_gateway(api_keys=KEYS, log_level="debug")
    for headers in (FIRST, SECOND, {"Authorization": "Bearer sk-wrong"}):
        await app.http.get("/v1/models", headers=headers)
    logged = capsys.readouterr().out
    assert "sk-" not in logged
    keys = [line.rpartition("key=")[2].split()[0] for line in logged.splitlines() if "key=" in line]
    assert len(set(keys)) == len(keys) == 2


def test_every_key_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    real: Callable[[bytes, bytes], bool] = hmac.compare_digest

    def compare(known: bytes, given: bytes) -> bool:
        compared.append((known, given))
        return real(known, given)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    keys = Keys(Settings.model_validate({"api_keys": "a,b,c"}))
    for given in ("a", "b", "c"):
        compared.clear()
        assert keys.check({"authorization": f"Bearer {given}"})
        assert len({known for known, _ in compared}) == 3
        assert {len(known) for pair in compared for known in pair} == {32}


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (",", "contains no key"),
        (" ", "contains no key"),
        (" , ,", "contains no key"),
        ("clé", "ASCII"),
        ("a\x00", "ASCII"),
    ],
)
def test_keys_that_cannot_be_sent_are_invalid_instead_of_opening_the_gateway(given: str, fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Settings.model_validate({"api_keys": given})
