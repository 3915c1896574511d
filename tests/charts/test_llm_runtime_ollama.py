"""What the runtime's chart renders for Ollama alone."""

import shutil
from pathlib import Path

import pytest

from tests.charts.helm import CHARTS, Render, container, environment, pod


def test_ollama_pulls_its_models_before_it_serves_and_reports_a_failure(render: Render) -> None:
    source = "http://mirror:5000/library/qwen:1b"
    objects = render(
        "llm-runtime",
        f"models[0].name=qwen:1b,models[0].source={source},models[0].insecure=true",
        "models[1].name=gemma3:270m",
    )
    (pull,) = pod(objects)["initContainers"]
    models = [f"qwen:1b {source} --insecure", "gemma3:270m gemma3:270m"]
    assert pull["command"] == ["bash", "/scripts/ollama.sh", "pull", *models]
    assert pull["terminationMessagePolicy"] == "FallbackToLogsOnError"
    assert environment(pull)["OLLAMA_NOPRUNE"] == "1"
    assert {"name": "models", "mountPath": "/models"} in pull["volumeMounts"]
    assert pull["resources"] == container(objects)["resources"]


def test_the_first_model_is_the_one_that_a_pod_loads_before_it_is_ready(render: Render) -> None:
    found = container(render("llm-runtime", "models[0].name=qwen:1b,models[1].name=gemma3:270m"))
    for probe in ("startupProbe", "readinessProbe"):
        assert found[probe]["exec"]["command"] == ["bash", "/scripts/ollama.sh", "ready", "qwen:1b"]


def test_ollama_gets_its_settings_from_the_values(render: Render) -> None:
    found = environment(
        container(render("llm-runtime", "slots=3", "contextLength=8192", "ollama.maxLoadedModels=2"))
    )
    assert found["OLLAMA_NUM_PARALLEL"] == "3"
    assert found["OLLAMA_CONTEXT_LENGTH"] == "8192"
    assert found["OLLAMA_MAX_LOADED_MODELS"] == "2"
    assert found["OLLAMA_KEEP_ALIVE"] == "-1"
    assert found["OLLAMA_MODELS"] == found["HOME"] == "/models"


@pytest.mark.parametrize("engine", ["ollama", "llamacpp", "simulated"])
def test_only_ollama_has_a_script_and_a_new_script_restarts_the_pods(
    render: Render, tmp_path: Path, engine: str
) -> None:
    shutil.copytree(CHARTS / "llm-runtime", tmp_path / "llm-runtime")
    (tmp_path / "llm-runtime/files/ollama.sh").write_text("echo changed\n")
    one = render("llm-runtime", f"engine={engine}")
    two = render("llm-runtime", f"engine={engine}", folder=tmp_path)
    volume = {"name": "scripts", "configMap": {"name": "llm-runtime"}}
    if engine == "ollama":
        assert volume in pod(one)["volumes"]
        assert two["ConfigMap"]["data"] == {"ollama.sh": "echo changed\n"}
    else:
        assert volume not in pod(one)["volumes"]
        assert "ConfigMap" not in one
    templates = [made["StatefulSet"]["spec"]["template"] for made in (one, two)]
    assert (templates[0] == templates[1]) is (engine != "ollama")
