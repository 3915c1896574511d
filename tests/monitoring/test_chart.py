"""The chart ships every dashboard and rule file, and refuses values that it does not know."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.queries import DASHBOARDS, RULES

CHART = Path(__file__).parents[2] / "monitoring"


def render(helm: str, *settings: str) -> list[dict[str, Any]]:
    """Return the objects of the chart under --set arguments."""
    arguments = [argument for setting in settings for argument in ("--set-string", setting)]
    text = subprocess.run(
        [helm, "template", "llm-monitoring", str(CHART), "--namespace", "monitoring", *arguments],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [manifest for manifest in yaml.safe_load_all(text) if manifest]


def of_kind(manifests: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def test_every_dashboard_is_a_config_map_that_grafanas_sidecar_finds(helm: str) -> None:
    shipped = {}
    for config_map in of_kind(render(helm), "ConfigMap"):
        assert config_map["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert config_map["metadata"]["namespace"] == "monitoring"
        shipped.update(config_map["data"])
    assert {name: json.loads(text) for name, text in shipped.items()} == {
        path.name: json.loads(path.read_text()) for path in DASHBOARDS
    }


def test_every_rule_file_is_a_prometheus_rule_word_for_word(helm: str) -> None:
    shipped = [rule["spec"] for rule in of_kind(render(helm), "PrometheusRule")]
    assert shipped == [yaml.safe_load(path.read_text()) for path in RULES]


def test_runbook_links_lead_where_the_values_say(helm: str) -> None:
    manifests = render(helm, "rules.runbooksUrl=https://git.example/docs/runbooks.md")
    links = [
        rule["annotations"]["runbook_url"]
        for manifest in of_kind(manifests, "PrometheusRule")
        for group in manifest["spec"]["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    assert links
    assert all(link.startswith("https://git.example/docs/runbooks.md#llm") for link in links)


@pytest.mark.parametrize(("part", "kind"), [("dashboards", "ConfigMap"), ("rules", "PrometheusRule")])
def test_each_part_can_be_left_out(helm: str, part: str, kind: str) -> None:
    done = subprocess.run(
        [helm, "template", "x", str(CHART), "--set", f"{part}.enabled=false"],
        capture_output=True,
        text=True,
        check=True,
    )
    kinds = {manifest["kind"] for manifest in yaml.safe_load_all(done.stdout) if manifest}
    assert kinds == {"ConfigMap", "PrometheusRule"} - {kind}


@pytest.mark.parametrize(
    "setting",
    ["dashboard.enabled=true", "rules.enabeld=false", "rules.enabled=yes", "rules.runbooksUrl=docs#x"],
)
def test_a_value_that_the_chart_does_not_know_is_refused(helm: str, setting: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        render(helm, setting)
    assert "schema" in failure.value.stderr


def test_every_value_is_described() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    lines = (CHART / "values.yaml").read_text().splitlines()
    for section, content in schema["properties"].items():
        for name, value in content.get("properties", {}).items():
            assert value["description"], f"{section}.{name}"
            assert f"  {name}:" in "\n".join(lines)
