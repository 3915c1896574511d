"""Tools, structured output, thinking, log probabilities and fill-in-the-middle, as far as the model can."""

import json
from typing import Any

import httpx
import jsonschema_rs
import pytest

from tests.contract.support import MESSAGES, PROMPT, Json, Target, each_route, lines, plain, text_of

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "Name of the city"}},
            "required": ["city"],
        },
    },
}
WEATHER = {"role": "user", "content": "Call the tool get_weather for Paris."}
SCHEMA = {
    "type": "object",
    "properties": {
        "colour": {"enum": ["red", "green", "blue"]},
        "warm": {"type": "boolean"},
        "shades": {"type": "array", "items": {"enum": ["light", "dark"]}, "minItems": 1, "maxItems": 2},
    },
    "required": ["colour", "warm", "shades"],
    "additionalProperties": False,
}
IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
NEEDS: list[tuple[str, str, Json]] = [
    ("insert", "/api/generate", {"prompt": "a", "suffix": "b"}),
    ("thinking", "/api/generate", {"prompt": "a", "think": True}),
    ("thinking", "/api/chat", MESSAGES | {"think": "high"}),
    ("tools", "/api/chat", MESSAGES | {"tools": [TOOL]}),
    ("vision", "/api/chat", {"messages": [{"role": "user", "content": "What is it?", "images": [IMAGE]}]}),
    ("vision", "/api/generate", {"prompt": "What is it?", "images": [IMAGE]}),
]


@pytest.fixture
def capabilities(http: httpx.Client, target: Target) -> list[str]:
    shown = http.post("/api/show", json={"model": target.model}).json()
    listed: list[str] = shown["capabilities"]
    return listed


@pytest.mark.parametrize(("capability", "route", "question"), NEEDS)
def test_a_request_is_refused_exactly_if_the_model_lacks_the_capability(
    http: httpx.Client, body: Json, capabilities: list[str], capability: str, route: str, question: Json
) -> None:
    response = http.post(route, json=body | question | {"stream": False})
    if capability in capabilities:
        assert response.status_code == 200, response.text
    else:
        # Ollama leaves an image that its model cannot see to llama.cpp, which fails.
        assert response.status_code in ((400, 500) if capability == "vision" else (400,))
        assert "support" in response.json()["error"]


@each_route
def test_think_false_is_accepted_by_every_model(
    http: httpx.Client, body: Json, route: str, question: Json
) -> None:
    response = plain(http, route, body | question | {"think": False})
    assert not response.get("thinking")
    assert not response.get("message", {}).get("thinking")


@each_route
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_conforms_to_the_schema_of_its_format(
    http: httpx.Client, body: Json, route: str, question: Json, stream: bool
) -> None:
    request = body | question | {"format": SCHEMA, "options": body["options"] | {"num_predict": 100}}
    answers = lines(http, route, request) if stream else [plain(http, route, request)]
    assert answers[-1]["done_reason"] == "stop"
    jsonschema_rs.validate(SCHEMA, json.loads("".join(map(text_of, answers))))


@each_route
def test_format_json_gives_an_object(http: httpx.Client, body: Json, route: str, question: Json) -> None:
    answer = plain(http, route, body | question | {"format": "json"})
    assert text_of(answer).lstrip().startswith("{")
    if answer["done_reason"] == "stop":
        assert isinstance(json.loads(text_of(answer)), dict)


@each_route
@pytest.mark.parametrize("neutral", [None, ""])
def test_an_empty_format_is_no_format(
    http: httpx.Client, body: Json, route: str, question: Json, neutral: Any
) -> None:
    with_format = plain(http, route, body | question | {"format": neutral})
    assert text_of(with_format) == text_of(plain(http, route, body | question))


@each_route
@pytest.mark.parametrize("wrong", ["yaml", 5, ["json"]])
def test_another_format_is_refused(
    http: httpx.Client, body: Json, route: str, question: Json, wrong: Any
) -> None:
    response = http.post(route, json=body | question | {"format": wrong, "stream": False})
    assert response.status_code in (400, 500)  # 500 is Ollama's choice
    assert "format" in response.json()["error"]


@pytest.mark.parametrize("think", ["a lot", 1, []])
def test_a_value_of_think_that_does_not_exist_is_refused(http: httpx.Client, body: Json, think: Any) -> None:
    response = http.post("/api/chat", json=body | MESSAGES | {"think": think})
    assert response.status_code == 400
    assert "think" in response.json()["error"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_call_is_parsed_and_its_result_answered(
    http: httpx.Client, body: Json, target: Target, capabilities: list[str], stream: bool
) -> None:
    if "tools" not in capabilities:
        pytest.skip(f"{target.model} cannot call tools")
    request = body | {"messages": [WEATHER], "tools": [TOOL], "options": {"temperature": 0}}
    answers = lines(http, "/api/chat", request) if stream else [plain(http, "/api/chat", request)]
    (call,) = [call for answer in answers for call in answer["message"].get("tool_calls", [])]
    assert call["function"]["name"] == "get_weather"
    assert call["function"]["index"] == 0
    assert isinstance(call["function"]["arguments"]["city"], str)
    assert call["id"]
    assert answers[-1]["done_reason"] == "stop"
    assert answers[-1]["eval_count"] > 0
    result = {
        "role": "tool",
        "tool_name": "get_weather",
        "tool_call_id": call["id"],
        "content": "Sunny, 21 °C",
    }
    turn = {"role": "assistant", "content": "", "tool_calls": [call]}
    final = plain(http, "/api/chat", request | body | {"messages": [WEATHER, turn, result]})
    assert final["message"]["content"]
    assert not final["message"].get("tool_calls")


@pytest.mark.parametrize("stream", [False, True])
@each_route
def test_a_model_that_can_think_thinks_before_it_answers(
    http: httpx.Client,
    body: Json,
    target: Target,
    capabilities: list[str],
    route: str,
    question: Json,
    stream: bool,
) -> None:
    if "thinking" not in capabilities:
        pytest.skip(f"{target.model} cannot think")
    request = body | question
    answers = lines(http, route, request) if stream else [plain(http, route, request)]
    parts = [answer.get("message", answer) for answer in answers]
    assert parts[0]["thinking"]
    assert "<think>" not in "".join(map(text_of, answers))
    unthinking = plain(http, route, request | {"think": False})
    assert not unthinking.get("message", unthinking).get("thinking")


def test_an_image_that_is_not_base64_is_refused(http: httpx.Client, body: Json) -> None:
    response = http.post("/api/generate", json=body | PROMPT | {"images": ["not base64!"]})
    assert response.status_code == 400
