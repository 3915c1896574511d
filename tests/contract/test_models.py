"""The routes that tell what is served."""

import httpx
import pytest

from tests.contract.conftest import OLLAMA_URL, Target

DETAILS = {"parent_model", "format", "family", "families", "parameter_size", "quantization_level"}


@pytest.mark.parametrize("path", ["/", "/api/version", "/api/tags"])
def test_a_head_request_is_enough_to_see_it_live(http: httpx.Client, path: str) -> None:
    answer = http.head(path)
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_root_says_that_ollama_is_running(http: httpx.Client) -> None:
    answer = http.get("/")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.startswith("Ollama is running")


def test_the_version_is_a_text(http: httpx.Client, target: Target) -> None:
    version = http.get("/api/version").json()
    assert version["version"]
    assert version.get("simulated", False) is (target.kind == "simulated")


def test_the_list_has_the_model_under_its_full_name(http: httpx.Client, target: Target) -> None:
    models = {model["name"]: model for model in http.get("/api/tags").json()["models"]}
    model = models[target.model]
    assert model["model"] == target.model
    assert {"modified_at", "size", "digest", "details"} <= set(model)
    assert set(model["details"]) >= DETAILS
    assert len(model["digest"]) == 64
    assert model["details"].get("simulated", False) is (target.kind == "simulated")


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


def test_names_are_compared_without_case_or_default_parts(http: httpx.Client, target: Target) -> None:
    for name in (
        target.model.upper(),
        f"library/{target.model}",
        f"registry.ollama.ai/library/{target.model}",
    ):
        answer = http.post("/api/generate", json={"model": name})
        assert (answer.status_code, answer.json()["model"]) == (200, name)


def test_a_name_without_a_tag_means_the_latest(http: httpx.Client, target: Target) -> None:
    answer = http.post("/api/generate", json={"model": target.model.partition(":")[0]})
    assert answer.status_code == 404


def test_a_real_ollama_was_asked_the_same() -> None:
    if not OLLAMA_URL:
        pytest.skip("OLLAMA_URL is not set: these cases ran against the project's own runtime only")
