"""API keys: none are needed by default; if some are set, only probes and metrics are served without one."""

import hmac
from collections.abc import Callable

import httpx
import pytest
from llm_api.auth import Keys
from llm_api.settings import Settings
from pydantic import ValidationError

from tests.api.support.errors import error_summary
from tests.api.support.in_process import Open

KEYS = "sk-first, sk-second"
FIRST, SECOND = {"Authorization": "Bearer sk-first"}, {"Authorization": "Bearer sk-second"}


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
