"""The chart installs every dashboard and rule file, and rejects unknown values."""

import json
import subprocess

import pytest
import yaml

from tests.charts.helm import Helm, Manifest
from tests.monitoring.queries import CHART, DASHBOARDS, DRILL_RULES, RULES


def render(helm: str, *settings: str) -> list[Manifest]:
    return Helm(helm).template(CHART, *settings, release="llm-monitoring", namespace="monitoring")


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
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


def test_every_rule_file_becomes_a_prometheus_rule_unchanged(helm: str) -> None:
    shipped = [rule["spec"] for rule in of_kind(render(helm), "PrometheusRule")]
    assert shipped == [yaml.safe_load(path.read_text()) for path in RULES]


def test_runbook_links_use_the_url_from_the_values(helm: str) -> None:
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


def test_a_drills_rules_take_the_place_of_the_others(helm: str) -> None:
    shipped = [rule["spec"] for rule in of_kind(render(helm, "rules.windows=drill"), "PrometheusRule")]
    assert shipped == [yaml.safe_load(path.read_text()) for path in DRILL_RULES]


@pytest.mark.parametrize(("part", "kind"), [("dashboards", "ConfigMap"), ("rules", "PrometheusRule")])
def test_dashboards_and_rules_can_each_be_disabled(helm: str, part: str, kind: str) -> None:
    kinds = {manifest["kind"] for manifest in render(helm, f"{part}.enabled=false")}
    assert kinds == {"ConfigMap", "PrometheusRule"} - {kind}


@pytest.mark.parametrize(
    "setting",
    [
        "dashboard.enabled=true",
        "rules.enabeld=false",
        "rules.enabled=yes",
        "rules.windows=short",
        "rules.runbooksUrl=docs#x",
    ],
)
def test_an_unknown_or_invalid_value_is_rejected(helm: str, setting: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        render(helm, setting)
    assert "schema" in failure.value.stderr


def test_every_value_has_a_description() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    lines = (CHART / "values.yaml").read_text().splitlines()
    for section, content in schema["properties"].items():
        for name, value in content.get("properties", {}).items():
            assert value["description"], f"{section}.{name}"
            assert f"  {name}:" in "\n".join(lines)
