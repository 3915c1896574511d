"""What is refused, and in which words."""

from typing import Any

import httpx
import pytest

Body = dict[str, Any]
BOTH = pytest.mark.parametrize("route", ["/api/generate", "/api/chat"])
MESSAGES = [{"role": "user", "content": "Hello"}]


def refusal(http: httpx.Client, route: str, **request: Any) -> tuple[int, str]:
    answer = http.post(route, **request)
    content = answer.json()
    assert set(content) == {"error"}
    assert isinstance(content["error"], str)
    return answer.status_code, content["error"]


@BOTH
def test_an_unknown_model_is_not_found(http: httpx.Client, route: str) -> None:
    wish = {"model": "no-such-model", "prompt": "Hello", "messages": MESSAGES}
    assert refusal(http, route, json=wish) == (404, "model 'no-such-model' not found")


def test_an_unknown_model_has_nothing_to_show(http: httpx.Client) -> None:
    answer = refusal(http, "/api/show", json={"model": "no-such-model"})
    assert answer == (404, "model 'no-such-model:latest' not found")


@pytest.mark.parametrize("route", ["/api/generate", "/api/chat", "/api/show"])
@pytest.mark.parametrize("name", ["a b", "-x", ".x", "x:", "x:y:z", "/x", "a/b/c/d/e", "a@b", "x" * 81])
def test_a_name_that_no_model_can_have_is_refused(http: httpx.Client, route: str, name: str) -> None:
    wish = {"model": name, "prompt": "Hello", "messages": MESSAGES}
    assert refusal(http, route, json=wish) == (400, "invalid model name")


@pytest.mark.parametrize("route", ["/api/show", "/api/chat"])
def test_a_model_must_be_named(http: httpx.Client, route: str) -> None:
    assert refusal(http, route, json={"messages": MESSAGES})[0] == 400


@pytest.mark.parametrize("route", ["/api/generate", "/api/chat", "/api/show"])
def test_a_body_must_be_there(http: httpx.Client, route: str) -> None:
    assert refusal(http, route) == (400, "missing request body")


@pytest.mark.parametrize("route", ["/api/generate", "/api/chat", "/api/show"])
@pytest.mark.parametrize("content", ["{", "[]", '"text"', '{"model": 1}'])
def test_a_body_must_be_a_request(http: httpx.Client, route: str, content: str) -> None:
    assert refusal(http, route, content=content)[0] == 400


@BOTH
@pytest.mark.parametrize("wrong", [{"stream": "maybe"}, {"keep_alive": "soon"}, {"options": 5}])
def test_fields_must_be_of_their_types(http: httpx.Client, body: Body, route: str, wrong: Body) -> None:
    assert refusal(http, route, json=body | {"prompt": "Hello", "messages": MESSAGES} | wrong)[0] == 400


@BOTH
@pytest.mark.parametrize("wrong", [{"num_predict": "many"}, {"temperature": "hot"}, {"stop": [1]}])
def test_options_must_be_of_their_types(http: httpx.Client, body: Body, route: str, wrong: Body) -> None:
    wish = body | {"prompt": "Hello", "messages": MESSAGES, "options": wrong}
    status, message = refusal(http, route, json=wish)
    assert status in (400, 500)  # Ollama calls it its own fault.
    assert next(iter(wrong)) in message


@pytest.mark.parametrize("prompt", ["Hello", ""])
@pytest.mark.parametrize(
    "other", [{"system": "Be brief."}, {"template": "{{ .Prompt }}"}, {"context": [1]}], ids=str
)
def test_a_raw_prompt_stands_alone(http: httpx.Client, body: Body, prompt: str, other: Body) -> None:
    wish = body | {"prompt": prompt, "raw": True} | other
    message = "raw mode does not support template, system, or context"
    assert refusal(http, "/api/generate", json=wish) == (400, message)


@pytest.mark.parametrize(
    ("route", "wish"),
    [
        ("/api/generate", {"prompt": "a", "suffix": "b"}),
        ("/api/generate", {"prompt": "a", "think": True}),
        ("/api/chat", {"messages": MESSAGES, "think": True}),
        ("/api/chat", {"messages": MESSAGES, "tools": [{"type": "function", "function": {"name": "f"}}]}),
    ],
)
def test_what_the_model_cannot_do_is_said(http: httpx.Client, body: Body, route: str, wish: Body) -> None:
    status, message = refusal(http, route, json=body | wish)
    assert (status, "does not support" in message) == (400, True)


def test_other_methods_and_paths_are_refused(http: httpx.Client) -> None:
    assert http.get("/api/generate").status_code == 405
    assert http.get("/api/no-such-route").status_code == 404
