"""Requests that Schemathesis derives from the OpenAPI document get documented responses, and never a 500."""

import json
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import given
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from api.main import create_app
from tests.api.support.fuzzing import fuzz_cases
from tests.api.support.in_process import MODEL, InProcess, Open

Case = schemathesis.Case[Any]
SCHEMA = schemathesis.openapi.from_dict(create_app().openapi())
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
CAPABILITIES = ["completion", "tools", "vision", "thinking", "insert", "embedding"]
LINE = {"done": True, "prompt_eval_count": 1, "eval_count": 1, "eval_duration": 1}


@pytest.fixture
async def app(open_gateway: Open) -> InProcess:
    """A gateway whose runtime answers everything, without the limits that the document does not state."""
    app = await open_gateway(max_output_tokens=10**400, max_prompt_chars=10**9, max_choices=2048)
    app.runtime.post("/api/generate").respond(json={"response": "Hello.", **LINE})
    app.runtime.post("/api/chat").respond(json={"message": {"content": "Hello."}, **LINE})
    app.runtime.post("/api/embed").mock(side_effect=vectors)
    app.runtime.post("/api/show").respond(json={"capabilities": CAPABILITIES})
    app.runtime.get("/api/ps").respond(json={"models": []})
    app.runtime.get("/api/version").respond(json={"version": "0.0.0"})
    return app


def vectors(request: httpx.Request) -> httpx.Response:
    """Return a vector for each text, as long as any request may want."""
    texts = json.loads(request.content)["input"]
    return httpx.Response(200, json={"embeddings": [[1.0] * 65_536 for _ in texts]})


async def send(app: InProcess, case: Case) -> httpx.Response:
    """Send a case in-process, prepared as Schemathesis would for the library requests."""
    given = case.as_transport_kwargs(base_url="http://gateway.test")
    known = {"method", "url", "headers", "files", "data", "params", "cookies", "json"}
    prepared: Any = requests.Request(**{name: given[name] for name in known & set(given)}).prepare()
    return await app.http.request(
        prepared.method, prepared.url, headers=dict(prepared.headers), content=prepared.body
    )


@fuzz_cases(0.2)
@given(case=SCHEMA.as_strategy(generation_mode=GenerationMode.POSITIVE))
async def test_valid_requests_get_documented_responses(app: InProcess, case: Case) -> None:
    if isinstance(case.body, dict) and isinstance(case.body.get("model"), str):
        case.body["model"] = MODEL
        case.body.pop("tool_choice", None)  # No schema says that it has to be one of the tools,
        case.body.pop("n", None)  # how many answers there may be,
        case.body.pop("echo", None)  # or that this excludes log probabilities.
    case.validate_response(await send(app, case), checks=[*CHECKS, positive_data_acceptance])


@fuzz_cases(0.2)
@given(case=SCHEMA.as_strategy(generation_mode=GenerationMode.NEGATIVE))
async def test_invalid_requests_are_refused_as_documented(app: InProcess, case: Case) -> None:
    response = await send(app, case)
    case.validate_response(response, checks=[*CHECKS, negative_data_rejection, unsupported_method])
