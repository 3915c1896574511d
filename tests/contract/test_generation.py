"""POST /api/generate and /api/chat, as clients of Ollama know them."""

import json
import time
from typing import Any

import httpx
import pytest

from tests.contract.conftest import Target

Body = dict[str, Any]
PROMPT = {"prompt": "Name three colours."}
MESSAGES = {"messages": [{"role": "user", "content": "Name three colours."}]}
ROUTES = pytest.mark.parametrize(("route", "ask"), [("/api/generate", PROMPT), ("/api/chat", MESSAGES)])
COUNTS = ["prompt_eval_count", "eval_count"]
DURATIONS = ["total_duration", "load_duration", "prompt_eval_duration", "eval_duration"]


def text_of(answer: Body) -> str:
    text = answer["response"] if "response" in answer else answer["message"]["content"]
    assert isinstance(text, str)
    return text


def plain(http: httpx.Client, route: str, body: Body) -> Body:
    answer = http.post(route, json=body | {"stream": False})
    assert answer.status_code == 200, answer.text
    content: Body = answer.json()
    return content


@ROUTES
def test_an_answer_streams_as_ndjson_unless_it_is_asked_not_to(
    http: httpx.Client, body: Body, route: str, ask: Body
) -> None:
    with http.stream("POST", route, json=body | ask) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        lines = [json.loads(line) for line in answer.iter_lines()]
    assert len(lines) > 2
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    assert {line["model"] for line in lines} == {body["model"]}
    assert all(line["created_at"].endswith("Z") for line in lines)
    assert all(isinstance(text_of(line), str) for line in lines)
    assert "".join(map(text_of, lines)).strip()
    assert "�" not in "".join(map(text_of, lines))


@ROUTES
def test_the_last_line_tells_where_the_time_went(
    http: httpx.Client, body: Body, route: str, ask: Body
) -> None:
    last = plain(http, route, body | ask)
    assert last["done"] is True
    assert last["done_reason"] in ("stop", "length")
    assert all(isinstance(last[name], int) and last[name] > 0 for name in COUNTS + DURATIONS)
    assert last["eval_count"] <= 12
    assert sum(last[name] for name in DURATIONS[1:]) <= last["total_duration"]


@ROUTES
def test_a_plain_answer_is_the_stream_in_one_piece(
    http: httpx.Client, body: Body, route: str, ask: Body
) -> None:
    whole = plain(http, route, body | ask)
    with http.stream("POST", route, json=body | ask) as answer:
        lines = [json.loads(line) for line in answer.iter_lines()]
    assert text_of(whole) == "".join(map(text_of, lines))
    assert whole["eval_count"] == lines[-1]["eval_count"]
    assert whole["prompt_eval_count"] == lines[-1]["prompt_eval_count"]
    assert set(whole) - {"context"} == set(lines[-1]) - {"context"}


def test_a_chat_answers_as_the_assistant(http: httpx.Client, body: Body) -> None:
    assert plain(http, "/api/chat", body | MESSAGES)["message"]["role"] == "assistant"


def test_a_chat_and_a_generation_put_the_same_question(http: httpx.Client, body: Body) -> None:
    system = {"role": "system", "content": "Be brief."}
    chat = plain(http, "/api/chat", body | {"messages": [system, *MESSAGES["messages"]]})
    generation = plain(http, "/api/generate", body | PROMPT | {"system": "Be brief."})
    assert text_of(chat) == text_of(generation)
    assert chat["prompt_eval_count"] == generation["prompt_eval_count"]


def test_a_raw_prompt_is_not_put_into_the_models_template(http: httpx.Client, body: Body) -> None:
    raw = plain(http, "/api/generate", body | PROMPT | {"raw": True})
    templated = plain(http, "/api/generate", body | PROMPT)
    assert raw["prompt_eval_count"] <= templated["prompt_eval_count"]


def test_num_predict_bounds_the_answer(http: httpx.Client, body: Body) -> None:
    answer = plain(http, "/api/generate", body | {"prompt": "Count to one hundred: 1, 2,", "raw": True})
    assert (answer["eval_count"], answer["done_reason"]) == (12, "length")


def test_a_stop_string_ends_the_answer_before_it(http: httpx.Client, body: Body) -> None:
    ask = body | {"prompt": "Count to one hundred: 1, 2,", "raw": True}
    full = text_of(plain(http, "/api/generate", ask))
    stop = full[len(full) // 2 :][:3]
    answer = plain(http, "/api/generate", ask | {"options": body["options"] | {"stop": [stop]}})
    assert text_of(answer) == full[: full.index(stop)]
    assert answer["done_reason"] == "stop"


@ROUTES
def test_options_that_nobody_knows_are_ignored(http: httpx.Client, body: Body, route: str, ask: Body) -> None:
    assert plain(http, route, body | ask | {"options": body["options"] | {"no_such_option": 1}})["done"]


@pytest.mark.parametrize(
    "nothing", [{"prompt": None}, {"system": None}, {"raw": None}, {"suffix": None}], ids=str
)
def test_null_in_a_generation_means_not_given(http: httpx.Client, body: Body, nothing: Body) -> None:
    reason = plain(http, "/api/generate", body | PROMPT | nothing)["done_reason"]
    assert (reason == "load") is ("prompt" in nothing)


@pytest.mark.parametrize(
    "message", [{"role": "user", "content": None}, {"role": "user"}, {"content": "Hello"}], ids=str
)
def test_a_message_may_lack_its_content_or_role(http: httpx.Client, body: Body, message: Body) -> None:
    assert plain(http, "/api/chat", body | {"messages": [message]})["eval_count"]


def test_a_conversation_too_long_for_the_context_loses_its_oldest_turns(
    http: httpx.Client, body: Body, target: Target
) -> None:
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "one two three four five six " * 60},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Hello"},
    ]
    ask = body | {"options": body["options"] | {"num_ctx": 256}}
    answer = plain(http, "/api/chat", ask | {"messages": turns})
    assert answer["eval_count"]
    assert answer["prompt_eval_count"] < 256 or target.kind == "simulated"


def test_null_messages_load_the_model(http: httpx.Client, body: Body) -> None:
    assert plain(http, "/api/chat", body | {"messages": None})["done_reason"] == "load"


@ROUTES
@pytest.mark.parametrize("keep_alive", ["5m", 300, -1])
def test_keep_alive_is_a_duration_or_seconds(
    http: httpx.Client, body: Body, route: str, ask: Body, keep_alive: Any
) -> None:
    assert plain(http, route, body | ask | {"keep_alive": keep_alive})["done"]


@pytest.mark.parametrize("route", ["/api/generate", "/api/chat"])
def test_nothing_to_say_loads_the_model(http: httpx.Client, body: Body, route: str) -> None:
    answer = http.post(route, json={"model": body["model"]})
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert (answer.json()["done"], answer.json()["done_reason"]) == (True, "load")
    assert text_of(answer.json()) == ""


def is_loaded(http: httpx.Client, body: Body) -> bool:
    return body["model"] in [model["name"] for model in http.get("/api/ps").json()["models"]]


@pytest.mark.parametrize("route", ["/api/generate", "/api/chat"])
@pytest.mark.parametrize("nothing", [0, "0s", "0m"])
def test_a_keep_alive_of_nothing_unloads_the_model_until_it_is_asked_again(
    http: httpx.Client, body: Body, route: str, nothing: Any
) -> None:
    answer = http.post(route, json={"model": body["model"], "keep_alive": nothing})
    assert answer.json()["done_reason"] == "unload"
    assert plain(http, "/api/generate", body | PROMPT)["load_duration"] > 0
    assert is_loaded(http, body)


@ROUTES
def test_an_answer_with_a_keep_alive_of_nothing_is_the_models_last(
    http: httpx.Client, body: Body, route: str, ask: Body
) -> None:
    assert plain(http, route, body | ask | {"keep_alive": 0})["eval_count"]
    while is_loaded(http, body):
        time.sleep(0.05)
