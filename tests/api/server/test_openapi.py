"""The OpenAPI document, and the page that shows it."""

import re
from typing import Any

import pytest
import schemathesis

from api.main import create_app
from tests.api.support.in_process import Open

SHAPES = {"/api/": "OllamaErrorResponse", "/v1/messages": "AnthropicErrorResponse"}  # by a path's beginning
GENERATION = {200, 400, 401, 404, 408, 413, 429, 502, 503, 504}
CHANGE = {200, 400, 401, 403, 502, 503}
STATUSES = {
    ("/generate", "post"): GENERATION | {422},
    ("/v1/chat/completions", "post"): GENERATION,
    ("/v1/responses", "post"): GENERATION,
    ("/v1/completions", "post"): GENERATION,
    ("/v1/embeddings", "post"): GENERATION,
    ("/v1/messages", "post"): GENERATION,
    ("/v1/messages/count_tokens", "post"): GENERATION,
    ("/api/chat", "post"): GENERATION,
    ("/api/generate", "post"): GENERATION,
    ("/api/embed", "post"): GENERATION,
    ("/api/embeddings", "post"): GENERATION,
    ("/api/version", "get"): {200, 401, 502, 503},
    ("/api/tags", "get"): {200, 401, 502, 503},
    ("/api/ps", "get"): {200, 401, 502, 503},
    ("/api/show", "post"): {200, 400, 401, 404, 408, 413, 502, 503},
    ("/api/pull", "post"): CHANGE,
    ("/api/push", "post"): CHANGE,
    ("/api/create", "post"): CHANGE,
    ("/api/copy", "post"): CHANGE,
    ("/api/delete", "delete"): CHANGE,
    ("/api/blobs/{digest}", "get"): CHANGE,
    ("/api/blobs/{digest}", "post"): CHANGE,
    ("/v1/models", "get"): {200, 401, 503},
    ("/v1/models/{name}", "get"): {200, 401, 404, 503},
    ("/health", "get"): {200},
    ("/ready", "get"): {200, 503},
    ("/serving", "get"): {200, 503},
    ("/metrics", "get"): {200},
}
MEDIA = {
    "/v1/responses": {"application/json", "text/event-stream"},
    "/v1/completions": {"application/json", "text/event-stream"},
    "/v1/embeddings": {"application/json"},
    "/v1/messages": {"application/json", "text/event-stream"},
    "/v1/messages/count_tokens": {"application/json"},
    "/api/chat": {"application/json", "application/x-ndjson"},
    "/generate": {"application/json", "application/x-ndjson"},
    "/v1/chat/completions": {"application/json", "text/event-stream"},
    "/v1/models": {"application/json"},
    "/metrics": {"text/plain"},
}


@pytest.fixture
def document() -> dict[str, Any]:
    return create_app().openapi()


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    schemathesis.openapi.from_dict(document).validate()
    with pytest.raises(ValueError, match="is not of type"):
        schemathesis.openapi.from_dict(document | {"paths": {"/x": {"get": 5}}}).validate()


def test_every_route_documents_its_statuses(document: dict[str, Any]) -> None:
    documented = {
        (path, method): set(map(int, operation["responses"]))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert documented == STATUSES


def test_every_error_has_the_shape_of_its_api(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        name = next((name for start, name in SHAPES.items() if path.startswith(start)), "ErrorResponse")
        shape = {"$ref": f"#/components/schemas/{name}"}
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status != "200":
                    assert response["content"] == {"application/json": {"schema": shape}}


def test_streams_and_metrics_have_their_own_media_types(document: dict[str, Any]) -> None:
    for path, media in MEDIA.items():
        (operation,) = document["paths"][path].values()
        assert set(operation["responses"]["200"]["content"]) == media


def test_every_schema_is_used_and_every_reference_resolves(document: dict[str, Any]) -> None:
    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            inner = set().union(*map(references, value.values()))
            return inner | ({value["$ref"]} if isinstance(value.get("$ref"), str) else set())
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) == schemas


def test_bodies_are_described_with_their_limits(document: dict[str, Any]) -> None:
    options = document["components"]["schemas"]["Options"]
    assert options["additionalProperties"] is False
    assert {"type": "integer", "minimum": -1, "not": {"const": 0}} in options["properties"]["num_predict"][
        "anyOf"
    ]
    for path in ("/generate", "/v1/chat/completions"):
        body = document["paths"][path]["post"]["requestBody"]
        assert body["required"] is True
        assert body["content"]["application/json"]["schema"]["$ref"].startswith("#/components/schemas/")


async def test_the_document_and_its_page_are_served(open_gateway: Open) -> None:
    app = await open_gateway()
    page = await app.http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "openapi.json" in page.text
    assert (await app.http.get("/openapi.json")).json()["info"]["title"] == "llm-api"


async def test_the_page_and_its_files_come_from_the_gateway_alone(open_gateway: Open) -> None:
    app = await open_gateway()
    page = await app.http.get("/docs")
    addresses = re.findall(r"""(?:href|src)=["']([^"']+)["']""", page.text)
    loaded = [address for address in addresses if not address.startswith("data:")]
    assert loaded == ["docs/swagger-ui.css", "docs/swagger-ui-bundle.js"]
    assert "//" not in re.sub(r"<!--.*?-->", "", page.text, flags=re.DOTALL).replace("dom_id", "")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for address, kind in zip(loaded, ("text/css", "text/javascript"), strict=True):
        file = await app.http.get("/" + address)
        assert (file.status_code, file.headers["content-type"].split(";")[0]) == (200, kind)
        assert len(file.content) > 100_000


@pytest.mark.parametrize("path", ["/docs/other.js", "/docs/../main.py", "/docs/%2e%2e/main.py", "/redoc"])
async def test_there_are_no_other_files(open_gateway: Open, path: str) -> None:
    app = await open_gateway()
    assert (await app.http.get(path)).status_code == 404
