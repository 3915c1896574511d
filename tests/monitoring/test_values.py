"""The values of the monitoring stack suit a small development cluster."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

VALUES = Path(__file__).parents[2] / "monitoring" / "values"


def values(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((VALUES / f"{name}.yaml").read_text())
    return content


@pytest.fixture
def stack() -> dict[str, Any]:
    return values("kube-prometheus-stack")


@pytest.mark.parametrize("kind", ["serviceMonitor", "podMonitor", "probe", "rule", "scrapeConfig"])
def test_monitors_and_rules_are_selected_whatever_their_release(stack: dict[str, Any], kind: str) -> None:
    assert stack["prometheus"]["prometheusSpec"][f"{kind}SelectorNilUsesHelmValues"] is False


@pytest.mark.parametrize("part", ["kubeEtcd", "kubeScheduler", "kubeControllerManager", "kubeProxy"])
def test_components_that_cannot_be_scraped_in_kind_are_off(stack: dict[str, Any], part: str) -> None:
    assert stack[part]["enabled"] is False


def test_the_operator_runs_without_its_webhook_and_so_without_its_certificate(
    stack: dict[str, Any],
) -> None:
    assert stack["prometheusOperator"]["admissionWebhooks"]["enabled"] is False
    assert stack["prometheusOperator"]["tls"]["enabled"] is False


def test_grafana_is_on_by_default(stack: dict[str, Any]) -> None:
    assert stack["grafana"].get("enabled", True) is True


def test_grafana_finds_the_charts_dashboards_in_every_namespace(stack: dict[str, Any]) -> None:
    sidecar = stack["grafana"]["sidecar"]["dashboards"]
    shipped = yaml.safe_load((VALUES.parent / "values.yaml").read_text())["dashboards"]["labels"]
    assert {sidecar["label"]: sidecar["labelValue"]} == shipped
    assert sidecar["searchNamespace"] == "ALL"


def test_cadvisor_and_kube_state_metrics_keep_the_metrics_that_queries_read(stack: dict[str, Any]) -> None:
    table = yaml.safe_load((VALUES.parent / "metrics.yaml").read_text())
    keep = stack["kubelet"]["serviceMonitor"]["cAdvisorMetricRelabelings"][0]["regex"]
    for metric in table["cadvisor"]:
        assert metric.removeprefix("container_") in keep
    collectors = stack["kube-state-metrics"]["collectors"]
    for metric in table["kube-state-metrics"]:
        assert f"{metric.split('_')[1]}s" in collectors


def test_the_whole_stack_requests_at_most_a_fifth_of_a_cpu_and_700_mib() -> None:
    requests = list(resources(values("kube-prometheus-stack"))) + list(resources(values("metrics-server")))
    assert sum(int(r["cpu"].removesuffix("m")) for r in requests) <= 200
    assert sum(int(r["memory"].removesuffix("Mi")) for r in requests) <= 700


def resources(tree: Any) -> list[dict[str, str]]:
    """Return every `requests` in a tree of values."""
    if not isinstance(tree, dict):
        return []
    found = [tree["requests"]] if "requests" in tree else []
    return found + [r for branch in tree.values() for r in resources(branch)]


def test_metrics_server_accepts_kinds_kubelets_and_scrapes_as_often_as_an_hpa_reads() -> None:
    assert {"--kubelet-insecure-tls", "--metric-resolution=15s"} <= set(values("metrics-server")["args"])


def test_alertmanager_is_off_and_so_are_the_rules_about_it(stack: dict[str, Any]) -> None:
    assert stack["alertmanager"]["enabled"] is False
    assert stack["defaultRules"]["rules"]["alertmanager"] is False
    assert "Watchdog" in json.dumps(stack["defaultRules"]["disabled"])


def test_no_relabeling_of_cadvisor_has_an_empty_regex_which_would_match_every_series(
    stack: dict[str, Any],
) -> None:
    rules = stack["kubelet"]["serviceMonitor"]["cAdvisorMetricRelabelings"]
    assert all(rule["regex"] for rule in rules)
