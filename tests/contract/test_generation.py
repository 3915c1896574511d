"""POST /api/generate and /api/chat, as Ollama's clients know them."""

import json

import httpx
import pytest

from tests.contract.support import MESSAGES, PROMPT, Json, each_route, plain, text_of

COUNTS = ["prompt_eval_count", "eval_count"]
DURATIONS = ["total_duration", "load_duration", "prompt_eval_duration", "eval_duration"]


@each_route
def test_a_response_streams_as_ndjson_by_default(
    http: httpx.Client, body: Json, route: str, question: Json
) -> None:
    with http.stream("POST", route, json=body | question) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("application/x-ndjson")
        lines = [json.loads(line) for line in response.iter_lines()]
    assert len(lines) > 2
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    assert {line["model"] for line in lines} == {body["model"]}
    assert all(line["created_at"].endswith("Z") for line in lines)
    assert all(isinstance(text_of(line), str) for line in lines)
    assert "".join(map(text_of, lines)).strip()
    assert "�" not in "".join(map(text_of, lines))


@each_route
def test_the_last_line_has_token_counts_and_durations(
    http: httpx.Client, body: Json, route: str, question: Json
) -> None:
    last = plain(http, route, body | question)
    assert last["done"] is True
    assert last["done_reason"] in ("stop", "length")
    assert all(isinstance(last[name], int) and last[name] > 0 for name in COUNTS + DURATIONS)
    assert last["eval_count"] <= 12
    assert sum(last[name] for name in DURATIONS[1:]) <= last["total_duration"]


@each_route
def test_a_plain_response_equals_the_joined_stream(
    http: httpx.Client, body: Json, route: str, question: Json
) -> None:
    whole = plain(http, route, body | question)
    with http.stream("POST", route, json=body | question) as response:
        lines = [json.loads(line) for line in response.iter_lines()]
    assert text_of(whole) == "".join(map(text_of, lines))
    assert whole["eval_count"] == lines[-1]["eval_count"]
    assert whole["prompt_eval_count"] == lines[-1]["prompt_eval_count"]
    assert set(whole) - {"context"} == set(lines[-1]) - {"context"}


def test_a_chat_response_has_the_role_assistant(http: httpx.Client, body: Json) -> None:
    assert plain(http, "/api/chat", body | MESSAGES)["message"]["role"] == "assistant"


def test_a_chat_and_a_generation_with_the_same_content_have_the_same_result(
    http: httpx.Client, body: Json
) -> None:
    system = {"role": "system", "content": "Be brief."}
    chat = plain(http, "/api/chat", body | {"messages": [system, *MESSAGES["messages"]]})
    generation = plain(http, "/api/generate", body | PROMPT | {"system": "Be brief."})
    assert text_of(chat) == text_of(generation)
    assert chat["prompt_eval_count"] == generation["prompt_eval_count"]


def test_a_raw_prompt_bypasses_the_models_template(http: httpx.Client, body: Json) -> None:
    raw = plain(http, "/api/generate", body | PROMPT | {"raw": True})
    templated = plain(http, "/api/generate", body | PROMPT)
    assert raw["prompt_eval_count"] <= templated["prompt_eval_count"]


def test_num_predict_limits_the_generated_tokens(http: httpx.Client, body: Json) -> None:
    response = plain(http, "/api/generate", body | {"prompt": "Count to one hundred: 1, 2,", "raw": True})
    assert (response["eval_count"], response["done_reason"]) == (12, "length")


def test_the_text_ends_before_a_stop_string(http: httpx.Client, body: Json) -> None:
    request = body | {"prompt": "Count to one hundred: 1, 2,", "raw": True}
    full = text_of(plain(http, "/api/generate", request))
    stop = full[len(full) // 2 :][:3]
    response = plain(http, "/api/generate", request | {"options": body["options"] | {"stop": [stop]}})
    assert text_of(response) == full[: full.index(stop)]
    assert response["done_reason"] == "stop"


@each_route
def test_unknown_options_are_ignored(http: httpx.Client, body: Json, route: str, question: Json) -> None:
    assert plain(http, route, body | question | {"options": body["options"] | {"no_such_option": 1}})["done"]


@pytest.mark.parametrize(
    "null", [{"prompt": None}, {"system": None}, {"raw": None}, {"suffix": None}], ids=str
)
def test_a_null_field_counts_as_missing(http: httpx.Client, body: Json, null: Json) -> None:
    reason = plain(http, "/api/generate", body | PROMPT | null)["done_reason"]
    assert (reason == "load") is ("prompt" in null)


@pytest.mark.parametrize(
    "message", [{"role": "user", "content": None}, {"role": "user"}, {"content": "Hello"}], ids=str
)
def test_a_message_may_omit_its_content_or_role(http: httpx.Client, body: Json, message: Json) -> None:
    assert plain(http, "/api/chat", body | {"messages": [message]})["eval_count"]


def test_a_conversation_longer_than_the_context_loses_its_oldest_messages(
    http: httpx.Client, body: Json
) -> None:
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "one two three four five six " * 60},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Hello"},
    ]
    request = body | {"options": body["options"] | {"num_ctx": 256}}
    response = plain(http, "/api/chat", request | {"messages": turns})
    assert response["eval_count"]
    assert response["prompt_eval_count"] < 256
    refused = http.post("/api/chat", json=request | {"messages": turns, "truncate": False})
    assert (refused.status_code, "exceeds" in refused.json()["error"]) == (400, True)
