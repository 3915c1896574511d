"""Each request is one line, JSON or readable, with its phases but without prompts, answers and keys."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog

from tests.api.support.in_process import MODEL, InProcess, Open
from tests.api.support.requests import CHAT_LINES, DONE, chat, ndjson

PROMPT, ANSWER = "the prompt is private", "and so is the answer"
PHASES = {"queue_seconds", "load_seconds", "prefill_seconds", "decode_seconds", "total_seconds"}
HOSTILE_IDS = ["", "a b", "x" * 65, "a\x1b[31m", "{}", "é", "a/b", "%0a"]


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """Undoes what the gateway does to structlog and logging, which are global."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    server = logging.getLogger("uvicorn.error")
    server_level = server.level
    server.setLevel(logging.INFO)
    yield
    server.setLevel(server_level)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


class Log:
    """The log that the gateway writes."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def text(self) -> str:
        return self._capture.readouterr().out

    def requests(self) -> list[dict[str, Any]]:
        """Return the lines about requests; every line has to be JSON."""
        lines = [json.loads(line) for line in self.text().splitlines()]
        return [line for line in lines if line["event"] == "request"]


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Log:
    return Log(capsys)


async def generate(app: InProcess, **options: Any) -> httpx.Response:
    app.runtime.post("/api/generate").respond(json={"response": ANSWER, **DONE})
    return await app.http.post("/generate", json={"prompt": PROMPT, "system": PROMPT}, **options)


async def test_a_request_is_one_line_with_everything_known_about_it(open_gateway: Open, log: Log) -> None:
    app = await open_gateway(log_format="json", api_keys="sk-key")
    response = await generate(app, headers={"Authorization": "Bearer sk-key", "X-Request-ID": "mine-1"})
    (line,) = log.requests()
    assert (
        line.items()
        >= {
            "level": "info",
            "id": "mine-1",
            "method": "POST",
            "path": "/generate",
            "status": 200,
            "outcome": "ok",
            "model": MODEL,
            "prompt_tokens": 7,
            "generated_tokens": 2,
        }.items()
    )
    assert len(line["key"]) == 8
    assert line["timestamp"].endswith("Z")
    assert {name: line[name] for name in PHASES} == {
        name: value for name, value in response.json()["timings"].items() if name in PHASES
    }


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("stream", [True, False])
async def test_no_line_holds_a_prompt_or_an_answer(
    open_gateway: Open, log: Log, form: str, stream: bool
) -> None:
    app = await open_gateway(log_format=form, log_level="debug")
    await generate(app)
    app.runtime.post("/api/chat").respond(text=ndjson(*CHAT_LINES).replace("Hel", ANSWER))
    await chat(app, messages=[{"role": "user", "content": PROMPT}], stream=stream)
    app.runtime.post("/api/chat").respond(500, json={"error": ANSWER})
    await chat(app, messages=[{"role": "user", "content": PROMPT}], stream=stream)
    await chat(app, messages=[{"role": PROMPT, "content": PROMPT}], **{PROMPT: 1})
    written = log.text()
    assert written.count("/v1/chat/completions") == 3
    assert PROMPT not in written
    assert ANSWER not in written


@pytest.mark.parametrize("form", ["json", "console"])
async def test_a_bug_is_logged_with_its_traceback_but_without_local_variables(
    open_gateway: Open, log: Log, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = await open_gateway(log_format=form)

    async def broken(*_: object) -> None:
        secret = PROMPT  # noqa: F841 - a local variable that a traceback could show
        raise ZeroDivisionError

    monkeypatch.setattr(app.gateway, "generate", broken)
    response = await generate(app)
    assert (response.status_code, response.json()["error"]["code"]) == (500, "internal_error")
    assert response.headers["X-Request-ID"] in log.text()
    try:
        await broken()
    except ZeroDivisionError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    written = log.text()
    assert "ZeroDivisionError" in written
    assert "test_logs.py" in written
    assert PROMPT not in written


async def test_readable_lines_name_their_fields(open_gateway: Open, log: Log) -> None:
    app = await open_gateway()
    await app.http.get("/v1/models/none", headers={"X-Request-ID": "mine-2"})
    line = log.text().splitlines()[-1]
    for part in ("[info", "request", "id=mine-2", "path=/v1/models/none", "status=404", "outcome=invalid"):
        assert part in line
    assert "error=model_not_found" in line


@pytest.mark.parametrize("form", ["json", "console"])
async def test_a_path_cannot_inject_lines_or_colours(open_gateway: Open, log: Log, form: str) -> None:
    app = await open_gateway(log_format=form)
    log.text()
    for path in ("/%0Aevent=request", "/%1B%5B31m", "/%E2%80%A8x", "/%C2%9B31m", "/" + "x" * 5000):
        await app.http.get(path)
        written = log.text()
        assert written.count("\n") == 1
        assert written.removesuffix("\n").isprintable()
        assert len(written) < 1000


async def test_the_id_of_a_request_is_returned_and_logged(open_gateway: Open, log: Log) -> None:
    app = await open_gateway(log_format="json")
    paths = ["/health", "/nothing", "/v1/models", "/generate"]
    for path in paths:
        response = await app.http.get(path, headers={"X-Request-ID": "A-1.b_2"})
        assert response.headers.get_list("X-Request-ID") == ["A-1.b_2"]
    assert [line["id"] for line in log.requests()] == ["A-1.b_2"] * 3


@pytest.mark.parametrize("given", HOSTILE_IDS)
async def test_a_hostile_id_is_replaced(open_gateway: Open, log: Log, given: str) -> None:
    app = await open_gateway(log_format="json")
    headers = [(b"X-Request-ID", given.encode())]
    ids = [(await app.http.get("/nothing", headers=headers)).headers["X-Request-ID"] for _ in range(2)]
    assert [line["id"] for line in log.requests()] == ids
    assert len({given, *ids}) == 3
    assert all(len(one) == 32 and one.isalnum() for one in ids)


@pytest.mark.parametrize(("level", "lines"), [("debug", 4), ("info", 0), ("warning", 0)])
async def test_probes_are_logged_at_level_debug_only(
    open_gateway: Open, log: Log, level: str, lines: int
) -> None:
    app = await open_gateway(log_format="json", log_level=level)
    for path in ("/health", "/ready", "/serving", "/metrics"):
        assert (await app.http.get(path)).status_code == 200
    assert len(log.requests()) == lines


async def test_the_lines_of_the_server_have_the_same_format(open_gateway: Open, log: Log) -> None:
    await open_gateway(log_format="json")
    log.text()
    logging.getLogger("uvicorn.error").info("Uvicorn running on %s", "here")
    logging.getLogger("uvicorn.access").info("GET / 200")
    logging.getLogger("httpx").info("HTTP Request")
    (line,) = [json.loads(line) for line in log.text().splitlines()]
    assert line.pop("timestamp")
    assert line == {"event": "Uvicorn running on here", "level": "info"}
