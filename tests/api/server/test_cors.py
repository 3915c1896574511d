"""Web pages of other origins: LLM_CORS_ORIGINS says which may call the API; by default none may."""

import httpx
import pytest

from tests.api.support.in_process import InProcess, Open
from tests.api.support.requests import BODIES

APP = "https://app.example"
CHAT = "/v1/chat/completions"


async def preflight(app: InProcess, origin: str) -> httpx.Response:
    """Ask what a browser asks before it sends the page's own request."""
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-stainless-os",
    }
    return await app.http.options(CHAT, headers=headers)


def allowed(response: httpx.Response) -> str | None:
    origin: str | None = response.headers.get("access-control-allow-origin")
    return origin


@pytest.mark.parametrize(
    ("origins", "admitted", "refused"),
    [
        (APP, [APP], ["https://app.example.evil", "http://app.example", "https://app.example:8443", "null"]),
        (f" {APP} , app://obsidian.md ", [APP, "app://obsidian.md"], ["app://other"]),
        (
            "localhost",
            ["http://localhost", "http://localhost:3000", "https://127.0.0.1:8443", "http://[::1]:5173"],
            ["http://localhost.evil", "http://evil/localhost", "http://127.0.0.1.evil", APP, "null"],
        ),
        (f"localhost,{APP}", ["http://localhost:3000", APP], ["https://other.example"]),
    ],
)
async def test_only_pages_of_these_origins_may_call(
    open_gateway: Open, origins: str, admitted: list[str], refused: list[str]
) -> None:
    app = await open_gateway(cors_origins=origins)
    for origin in admitted:
        response = await preflight(app, origin)
        assert (response.status_code, allowed(response)) == (200, origin)
        assert allowed(await app.http.get("/v1/models", headers={"Origin": origin})) == origin
    for origin in refused:
        response = await preflight(app, origin)
        assert (response.status_code, allowed(response)) == (400, None)
        assert allowed(await app.http.get("/v1/models", headers={"Origin": origin})) is None


async def test_all_pages_may_call_if_the_setting_says_so(open_gateway: Open) -> None:
    app = await open_gateway(cors_origins="*")
    assert allowed(await preflight(app, APP)) == "*"
    assert allowed(await app.http.get("/v1/models", headers={"Origin": APP})) == "*"


async def test_by_default_no_page_of_another_origin_may_call(open_gateway: Open) -> None:
    app = await open_gateway()
    assert allowed(await preflight(app, "http://localhost:3000")) is None
    response = await app.http.get("/v1/models", headers={"Origin": "http://localhost:3000"})
    assert not any(name.startswith("access-control") for name in response.headers)


async def test_a_preflight_needs_no_key_and_the_request_after_it_does(open_gateway: Open) -> None:
    app = await open_gateway(cors_origins=APP, api_keys="sk-right")
    response = await preflight(app, APP)
    assert response.status_code == 200
    assert "authorization" in response.headers["access-control-allow-headers"].split(",")
    refused = await app.http.post(CHAT, json=BODIES[CHAT], headers={"Origin": APP})
    assert (refused.status_code, allowed(refused)) == (401, APP)  # so the page can read the error


async def test_pages_may_read_the_headers_that_explain_a_response(open_gateway: Open) -> None:
    app = await open_gateway(cors_origins=APP)
    response = await app.http.get("/v1/models", headers={"Origin": APP})
    exposed = response.headers["access-control-expose-headers"].split(", ")
    assert {"x-request-id", "retry-after"} <= set(exposed)
