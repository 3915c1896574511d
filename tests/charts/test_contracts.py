"""The charts agree with the code that they run, with each other, and fit a machine with two cores."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts.helm import ROOT, Render, container, environment, pod

# kind's own pods request this much: API server, controllers, scheduler, etcd, DNS, network.
KIND_MILLICPU = 950
MONITORING = ["kube-prometheus-stack", "metrics-server", "keda"]


def variables(settings: type[Any]) -> set[str]:
    """Return the environment variables that a settings class reads, nested ones excluded."""
    prefix = settings.model_config["env_prefix"]
    return {f"{prefix}{field}".upper() for field in settings.model_fields}


def test_every_setting_of_the_gateway_can_be_set_in_its_chart_and_no_other(
    render: Render, tmp_path: Path
) -> None:
    from llm_api.settings import Settings

    chart = ROOT / "charts/llm-api"
    schema = json.loads((chart / "values.schema.json").read_text())["properties"]["settings"]["properties"]
    settings = yaml.safe_load((chart / "values.yaml").read_text())["settings"]
    for name in [name for name, value in settings.items() if value is None]:
        settings[name] = "a" if "string" in schema[name]["type"] else 7
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump({"settings": settings}))
    objects = render("llm-api", "apiKeys.create={key}", files=[values])
    assert set(environment(container(objects))) == variables(Settings)


def test_the_gateway_accepts_what_its_chart_sets(render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    from llm_api.settings import Settings

    for name, value in environment(container(render("llm-api"))).items():
        monkeypatch.setenv(name, value)
    assert str(Settings().runtime_url).rstrip("/") == "http://llm-runtime-pods:11434"


@pytest.mark.parametrize("engine", ["llamacpp", "simulated"])
def test_the_runtime_reads_every_variable_that_its_chart_sets(
    render: Render, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    from llm_runtime.settings import Settings

    objects = render("llm-runtime", f"engine={engine}", "models[0].name=a:1,models[0].path=/models/a.gguf")
    found = environment(container(objects))
    assert set(found) - variables(Settings) == {"UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert (settings.engine, settings.model, settings.threads) == (engine, "a:1", 2)


def requests(tree: Any) -> list[dict[str, str]]:
    """Return every `requests` that has a CPU in a tree of values."""
    if not isinstance(tree, dict):
        return []
    own = [tree["requests"]] if "cpu" in tree.get("requests", {}) else []
    return own + [found for branch in tree.values() for found in requests(branch)]


def millicpu(quantity: str) -> int:
    return int(quantity[:-1]) if quantity.endswith("m") else int(quantity) * 1000


def mebibytes(quantity: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", quantity).groups()  # type: ignore[union-attr]
    return int(number) * {"Mi": 1, "Gi": 1024}[unit]


def test_the_platform_at_its_maximum_fits_two_cores_and_eight_gibibytes() -> None:
    asked = [
        request
        for name in MONITORING
        for request in requests(yaml.safe_load((ROOT / "monitoring/values" / f"{name}.yaml").read_text()))
    ]
    for chart in ("llm-api", "llm-runtime"):
        values = yaml.safe_load((ROOT / "charts" / chart / "values.yaml").read_text())
        asked += [values["resources"]["requests"]] * values["autoscaling"]["maxReplicas"]
    assert sum(millicpu(request["cpu"]) for request in asked) + KIND_MILLICPU <= 2000
    assert sum(mebibytes(request["memory"]) for request in asked) <= 4096


def test_two_runtimes_at_their_memory_limit_fit_eight_gibibytes() -> None:
    values = yaml.safe_load((ROOT / "charts/llm-runtime/values.yaml").read_text())
    assert mebibytes(values["resources"]["limits"]["memory"]) * 2 <= 4096


def test_the_gateways_default_address_is_the_runtimes_headless_service(render: Render) -> None:
    service = render("llm-runtime")["Service/llm-runtime-pods"]
    (port,) = service["spec"]["ports"]
    url = environment(container(render("llm-api")))["LLM_RUNTIME_URL"]
    assert url == f"http://{service['metadata']['name']}:{port['port']}"


@pytest.mark.parametrize("engine", ["llamacpp", "simulated"])
def test_without_models_an_embedded_engine_serves_its_own_default(render: Render, engine: str) -> None:
    from llm_runtime.settings import Settings

    found = environment(container(render("llm-runtime", f"engine={engine}")))
    assert found["RUNTIME_MODEL"] == Settings.model_fields["model"].default


def test_without_models_ollama_pulls_and_loads_the_model_that_the_gateway_asks_for(render: Render) -> None:
    model = environment(container(render("llm-api")))["LLM_MODEL"]
    runtime = render("llm-runtime")
    (pull,) = pod(runtime)["initContainers"]
    assert pull["command"][3:] == [f"{model} {model}"]
    assert container(runtime)["readinessProbe"]["exec"]["command"][3:] == [model]
