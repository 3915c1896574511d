"""The routes that list and describe models, and those that say what is running."""

import httpx
import pytest

from tests.contract.support import OLLAMA_URL, Target

DETAILS = {"parent_model", "format", "family", "families", "parameter_size", "quantization_level"}


@pytest.mark.parametrize("path", ["/", "/api/version", "/api/tags"])
def test_a_head_request_is_answered_without_a_body(http: httpx.Client, path: str) -> None:
    response = http.head(path)
    assert (response.status_code, response.content) == (200, b"")


def test_the_root_says_that_ollama_is_running(http: httpx.Client) -> None:
    response = http.get("/")
    assert response.headers["content-type"].startswith("text/plain")
    assert response.text.startswith("Ollama is running")


def test_the_version_says_whether_the_runtime_is_simulated(http: httpx.Client, target: Target) -> None:
    version = http.get("/api/version").json()
    assert version["version"]
    assert version.get("simulated", False) is (target.engine == "simulated")


def test_a_model_is_listed_under_its_full_name(http: httpx.Client, target: Target) -> None:
    models = {model["name"]: model for model in http.get("/api/tags").json()["models"]}
    model = models[target.model]
    assert model["model"] == target.model
    assert {"modified_at", "size", "digest", "details"} <= set(model)
    assert set(model["details"]) >= DETAILS
    assert len(model["digest"]) == 64
    assert model["details"].get("simulated", False) is (target.engine == "simulated")


def test_a_loaded_model_is_listed_as_running(http: httpx.Client, target: Target) -> None:
    http.post("/api/generate", json={"model": target.model})
    model = {model["name"]: model for model in http.get("/api/ps").json()["models"]}[target.model]
    assert model["model"] == target.model
    assert {"size", "digest", "expires_at", "size_vram", "context_length"} <= set(model)
    assert set(model["details"]) >= DETAILS


@pytest.mark.parametrize("field", ["model", "name"])
def test_a_models_details_are_shown(http: httpx.Client, target: Target, field: str) -> None:
    shown = http.post("/api/show", json={field: target.model}).json()
    assert set(shown["details"]) >= DETAILS
    assert "completion" in shown["capabilities"]
    assert shown["model_info"]["general.architecture"]
    assert "template" in shown
    assert "modified_at" in shown


def test_model_names_ignore_case_and_default_parts(http: httpx.Client, target: Target) -> None:
    for name in (
        target.model.upper(),
        f"library/{target.model}",
        f"registry.ollama.ai/library/{target.model}",
    ):
        response = http.post("/api/generate", json={"model": name})
        assert (response.status_code, response.json()["model"]) == (200, name)


def test_a_name_without_a_tag_means_the_latest(http: httpx.Client, target: Target) -> None:
    response = http.post("/api/generate", json={"model": target.model.partition(":")[0]})
    assert response.status_code == 404


def test_a_real_ollama_passes_the_same_tests() -> None:
    if not OLLAMA_URL:
        pytest.skip("OLLAMA_URL is not set: these cases ran against the project's own runtime only")
