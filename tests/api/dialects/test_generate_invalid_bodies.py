"""Invalid bodies of POST /generate, and unusual ones that are valid."""

import json
from typing import Any

import pytest

from tests.api.support.errors import error_summary
from tests.api.support.in_process import InProcess, Open


async def post(app: InProcess, content: bytes) -> tuple[int, str, Any]:
    return error_summary(await app.http.post("/generate", content=content))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[" * 20_000,
        b'{"a":' * 5_000,
        b'{"prompt":' + b"[" * 20_000,
        b"\xff\xfe",
        '{"prompt": "x"}'.encode("utf-16"),
        b'\xef\xbb\xbf{"prompt": "x"}',
        b'{"prompt": "\xed\xa0\x80"}',
        b'{"prompt": "\\ud800"}',
        b'{"prompt": "\x00"}',
        b'{"prompt": "x"}\x00',
        b'{"prompt": "x", "options": {"seed": ' + b"9" * 5000 + b"}}",
    ],
    ids=lambda content: repr(content[:24]),
)
async def test_a_body_that_is_not_json_is_a_400(open_gateway: Open, content: bytes) -> None:
    assert await post(await open_gateway(), content) == (400, "invalid_value", None)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ("null", None),
        ("[]", None),
        ('"prompt"', None),
        ("{}", "prompt"),
        ('{"prompt": ""}', "prompt"),
        ('{"prompt": 5}', "prompt"),
        ('{"prompt": ["x"]}', "prompt"),
        ('{"prompt": "x", "stream": "true"}', "stream"),
        ('{"prompt": "x", "stream": null}', "stream"),
        ('{"prompt": "x", "images": []}', "images"),
        ('{"prompt": "x", "keep_alive": -1}', "keep_alive"),
        ('{"prompt": "x", "options": {"num_ctx": 1000000}}', "options.num_ctx"),
        ('{"prompt": "x", "options": {"num_predict": 0}}', "options.num_predict"),
        ('{"prompt": "x", "options": {"num_predict": 4097}}', "options.num_predict"),
        ('{"prompt": "x", "options": {"num_predict": 3.5}}', "options.num_predict"),
        ('{"prompt": "x", "options": {"num_predict": -2}}', "options.num_predict"),
        ('{"prompt": "x", "options": {"seed": 1.5}}', "options.seed"),
        ('{"prompt": "x", "options": {"seed": true}}', "options.seed"),
        ('{"prompt": "x", "options": {"seed": 1e999}}', "options.seed"),
        ('{"prompt": "x", "options": {"seed": 1e300}}', "options.seed"),
        ('{"prompt": "x", "options": {"temperature": NaN}}', "options.temperature"),
        ('{"prompt": "x", "options": {"temperature": Infinity}}', "options.temperature"),
        ('{"prompt": "x", "options": {"temperature": -1e999}}', "options.temperature"),
        ('{"prompt": "x", "options": {"temperature": 1' + "0" * 400 + "}}", "options.temperature"),
        ('{"prompt": "x", "options": {"stop": ["", 5]}}', "options.stop.0"),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_an_invalid_value_is_a_422_that_names_the_parameter(
    open_gateway: Open, body: str, param: str
) -> None:
    assert await post(await open_gateway(), body.encode()) == (422, "invalid_value", param)


async def test_the_error_for_a_hostile_body_is_short(open_gateway: Open) -> None:
    app = await open_gateway()
    fields = json.dumps({"prompt": "x"} | {f"field{number}": 1 for number in range(1000)}).encode()
    assert await post(app, fields) == (422, "invalid_value", None)
    name = json.dumps({"prompt": "x", "y" * 100_000: 1}).encode()
    assert len((await app.http.post("/generate", content=name)).content) < 1000


async def test_an_integer_may_be_written_as_a_float(open_gateway: Open) -> None:
    app = await open_gateway()
    route = app.runtime.post("/api/generate").respond(json={"response": "x", "done": True})
    content = b'{"prompt": "x", "options": {"seed": 3.0, "num_predict": 1e1}}'
    assert (await app.http.post("/generate", content=content)).status_code == 200
    assert json.loads(route.calls.last.request.content)["options"] == {"seed": 3, "num_predict": 10}


async def test_a_prompt_may_contain_nul(open_gateway: Open) -> None:
    app = await open_gateway()
    route = app.runtime.post("/api/generate").respond(json={"response": "\x00", "done": True})
    response = await app.http.post("/generate", json={"prompt": "a\x00b"})
    assert response.json()["response"] == "\x00"
    assert json.loads(route.calls.last.request.content)["prompt"] == "a\x00b"
