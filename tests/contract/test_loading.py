"""Loading, keeping and unloading a model."""

from typing import Any

import httpx
import pytest

from tests.contract.support import PROMPT, Json, each_route, plain, text_of
from tests.waiting import until_sync


def test_null_messages_load_the_model(http: httpx.Client, body: Json) -> None:
    assert plain(http, "/api/chat", body | {"messages": None})["done_reason"] == "load"


@each_route
@pytest.mark.parametrize("keep_alive", ["5m", 300, -1])
def test_keep_alive_takes_a_duration_or_seconds(
    http: httpx.Client, body: Json, route: str, question: Json, keep_alive: Any
) -> None:
    assert plain(http, route, body | question | {"keep_alive": keep_alive})["done"]


@pytest.mark.parametrize("route", ["/api/generate", "/api/chat"])
def test_a_request_without_a_prompt_loads_the_model(http: httpx.Client, body: Json, route: str) -> None:
    response = http.post(route, json={"model": body["model"]})
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert (response.json()["done"], response.json()["done_reason"]) == (True, "load")
    assert text_of(response.json()) == ""


def loaded(http: httpx.Client) -> list[str]:
    return [model["name"] for model in http.get("/api/ps").json()["models"]]


@pytest.mark.parametrize("route", ["/api/generate", "/api/chat"])
@pytest.mark.parametrize("zero", [0, "0s", "0m"])
def test_a_keep_alive_of_zero_unloads_the_model_until_the_next_request(
    http: httpx.Client, body: Json, route: str, zero: Any
) -> None:
    response = http.post(route, json={"model": body["model"], "keep_alive": zero})
    assert response.json()["done_reason"] == "unload"
    assert plain(http, "/api/generate", body | PROMPT)["load_duration"] > 0
    assert body["model"] in loaded(http)


@each_route
def test_a_generation_with_a_keep_alive_of_zero_unloads_the_model_when_it_ends(
    http: httpx.Client, body: Json, route: str, question: Json
) -> None:
    assert plain(http, route, body | question | {"keep_alive": 0})["eval_count"]
    until_sync("the model to be unloaded", lambda: loaded(http), lambda names: body["model"] not in names)
