"""Requests that are refused, with Ollama's statuses and messages."""

from typing import Any

import httpx
import pytest

from tests.contract.support import Json

both_routes = pytest.mark.parametrize("route", ["/api/generate", "/api/chat"])
MESSAGES = [{"role": "user", "content": "Hello"}]


def refusal(http: httpx.Client, route: str, **request: Any) -> tuple[int, str]:
    response = http.post(route, **request)
    content = response.json()
    assert set(content) == {"error"}
    assert isinstance(content["error"], str)
    return response.status_code, content["error"]


@both_routes
def test_an_unknown_model_is_not_found(http: httpx.Client, route: str) -> None:
    request_body = {"model": "no-such-model", "prompt": "Hello", "messages": MESSAGES}
    assert refusal(http, route, json=request_body) == (404, "model 'no-such-model' not found")


def test_showing_an_unknown_model_fails_with_its_full_name(http: httpx.Client) -> None:
    response = refusal(http, "/api/show", json={"model": "no-such-model"})
    assert response == (404, "model 'no-such-model:latest' not found")


@pytest.mark.parametrize("route", ["/api/generate", "/api/chat", "/api/show"])
@pytest.mark.parametrize("name", ["a b", "-x", ".x", "x:", "x:y:z", "/x", "a/b/c/d/e", "a@b", "x" * 81])
def test_an_invalid_model_name_is_refused(http: httpx.Client, route: str, name: str) -> None:
    request_body = {"model": name, "prompt": "Hello", "messages": MESSAGES}
    assert refusal(http, route, json=request_body) == (400, "invalid model name")


@pytest.mark.parametrize("route", ["/api/show", "/api/chat"])
def test_a_request_without_a_model_is_refused(http: httpx.Client, route: str) -> None:
    assert refusal(http, route, json={"messages": MESSAGES})[0] == 400


@pytest.mark.parametrize("route", ["/api/generate", "/api/chat", "/api/show"])
def test_a_missing_body_is_refused(http: httpx.Client, route: str) -> None:
    assert refusal(http, route) == (400, "missing request body")


@pytest.mark.parametrize("route", ["/api/generate", "/api/chat", "/api/show"])
@pytest.mark.parametrize("content", ["{", "[]", '"text"', '{"model": 1}'])
def test_a_malformed_body_is_refused(http: httpx.Client, route: str, content: str) -> None:
    assert refusal(http, route, content=content)[0] == 400


@both_routes
@pytest.mark.parametrize("wrong", [{"stream": "maybe"}, {"keep_alive": "soon"}, {"options": 5}])
def test_a_field_of_the_wrong_type_is_refused(
    http: httpx.Client, body: Json, route: str, wrong: Json
) -> None:
    assert refusal(http, route, json=body | {"prompt": "Hello", "messages": MESSAGES} | wrong)[0] == 400


@both_routes
@pytest.mark.parametrize("wrong", [{"num_predict": "many"}, {"temperature": "hot"}, {"stop": [1]}])
def test_an_option_of_the_wrong_type_is_named_in_the_error(
    http: httpx.Client, body: Json, route: str, wrong: Json
) -> None:
    request_body = body | {"prompt": "Hello", "messages": MESSAGES, "options": wrong}
    status, message = refusal(http, route, json=request_body)
    assert status in (400, 500)  # 500 is Ollama's choice
    assert next(iter(wrong)) in message


@pytest.mark.parametrize("prompt", ["Hello", ""])
@pytest.mark.parametrize(
    "other", [{"system": "Be brief."}, {"template": "{{ .Prompt }}"}, {"context": [1]}], ids=str
)
def test_raw_mode_refuses_a_system_prompt_a_template_and_a_context(
    http: httpx.Client, body: Json, prompt: str, other: Json
) -> None:
    request_body = body | {"prompt": prompt, "raw": True} | other
    message = "raw mode does not support template, system, or context"
    assert refusal(http, "/api/generate", json=request_body) == (400, message)


def test_other_methods_and_paths_are_refused(http: httpx.Client) -> None:
    assert http.get("/api/generate").status_code == 405
    assert http.get("/api/no-such-route").status_code == 404
