"""Unknown or contradictory values are errors, and every value is described."""

import json
import subprocess
from typing import Any

import pytest
import yaml

from tests.charts.helm import CHARTS, NAMES, Helm, Render

OPEN = {"affinity", "global"}


@pytest.mark.parametrize(
    ("chart", "setting"),
    [
        ("llm-api", "autoscalling.mode=cpu"),
        ("llm-api", "autoscaling.minReplica=1"),
        ("llm-api", "autoscaling.behavior.scaleDown.stabilisationWindowSeconds=1"),
        ("llm-api", "autoscaling.queue.treshold=1"),
        ("llm-api", "image.name=x"),
        ("llm-api", "image.digest=latest"),
        ("llm-api", "settings.maxRuning=1"),
        ("llm-api", "settings.maxRunning=0"),
        ("llm-api", "settings.logLevel=loud"),
        ("llm-api", "settings.shutdownGraceSeconds=null"),
        ("llm-api", "runtime.balance=random"),
        ("llm-api", "runtime.url=llm-runtime:11434"),
        ("llm-api", "apiKeys.create={one\\,two}"),
        ("llm-api", "apiKeys.create={one},apiKeys.existingSecret=two"),
        ("llm-api", "resources.request.cpu=1"),
        ("llm-api", "probes.readyness.periodSeconds=1"),
        ("llm-runtime", "engine=vllm"),
        ("llm-runtime", "models={gemma3:270m}"),
        ("llm-runtime", "models[0].source=a"),
        ("llm-runtime", "models[0].name=a,models[0].nam=b"),
        ("llm-runtime", 'models[0].name=a"b'),
        ("llm-runtime", "models[0].name=a b"),
        ("llm-runtime", "models[0].name=,models[0].insecure=true"),
        ("llm-runtime", "models[0].name=a,models[1].name=a"),
        ("llm-runtime", "models[0].name=a,models[0].source=http://mirror:5000/library/a"),
        ("llm-runtime", "models[0].name=a,models[0].path=/models/a.gguf"),
        ("llm-runtime", "engine=llamacpp,models[0].name=a,models[0].source=b"),
        ("llm-runtime", "engine=llamacpp,models[0].name=a,models[1].name=b"),
        ("llm-runtime", "engine=simulated,models[0].name=a,models[1].name=b"),
        ("llm-runtime", "persistence.retention.whenDeleted=Keep"),
        ("llm-runtime", "ollama.keepAlive=forever"),
        ("llm-runtime", "slots=0"),
        ("llm-runtime", "extraEnv[0].nam=c"),
    ],
)
def test_an_invalid_value_is_rejected(render: Render, chart: str, setting: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        render(chart, setting)
    assert "schema" in failure.value.stderr


@pytest.mark.parametrize("chart", NAMES)
def test_the_charts_pass_helms_lint(helm: Helm, chart: str) -> None:
    done = subprocess.run(
        [helm.path, "lint", "--strict", str(CHARTS / chart)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("chart", NAMES)
def test_misspelt_keys_are_rejected_everywhere(chart: str) -> None:
    schema = json.loads((CHARTS / chart / "values.schema.json").read_text())
    parts = {**schema["properties"], **schema["definitions"]}
    loose = [
        path
        for name, part in [("", schema), *parts.items()]
        if name not in OPEN
        for path in open_objects(name, part)
    ]
    assert loose == []


def open_objects(path: str, schema: Any) -> list[str]:
    """Return the paths of objects in a schema that accept any key."""
    if not isinstance(schema, dict):
        return []
    found = [path] if schema.get("type") == "object" and "additionalProperties" not in schema else []
    inner = schema.get("properties", {}) if path else {}
    return found + [hit for key, value in inner.items() for hit in open_objects(f"{path}.{key}", value)]


@pytest.mark.parametrize("chart", NAMES)
def test_every_value_of_the_schema_is_in_the_values_file(chart: str) -> None:
    schema = json.loads((CHARTS / chart / "values.schema.json").read_text())
    values = yaml.safe_load((CHARTS / chart / "values.yaml").read_text())
    assert set(schema["properties"]) - {"global"} == set(values)
    for name, part in schema["properties"].items():
        if reference := part.get("$ref"):
            part = schema["definitions"][reference.rpartition("/")[2]]
        if part.get("properties") and name != "resources":
            assert set(part["properties"]) == set(values[name]), name
