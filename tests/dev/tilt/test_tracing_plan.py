"""What follows from TRACING, before anything is applied."""

from typing import Any

import pytest
import yaml

from dev import FixableError
from dev.settings import ROOT
from dev.tilt import plan as tilt_plan


def plan(**settings: Any) -> dict[str, Any]:
    return tilt_plan.plan({"tracing": True, "engine": "simulated", "gateway": "none", **settings}, {})


def kinds(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {manifest["kind"]: manifest for manifest in made["tracing"]["manifests"]}


def test_without_tracing_nothing_of_it_is_installed() -> None:
    made = plan(tracing=False)
    assert made["tracing"] == {}
    assert not any("otlp" in value for value in made["api_values"])
    assert not any("exemplar" in flag for flag in made["charts"]["kube-prometheus-stack"]["flags"])


def test_the_gateway_sends_its_traces_to_the_port_at_which_jaegers_service_takes_them() -> None:
    made = plan()
    service, pod = kinds(made)["Service"], kinds(made)["Deployment"]["spec"]["template"]
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    port = next(port for port in service["spec"]["ports"] if port["name"] == "otlp")
    assert f"settings.otlpEndpoint=http://{name}.{namespace}:{port['port']}" in made["api_values"]
    assert namespace in made["namespaces"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    (container,) = pod["spec"]["containers"]
    named = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert named[port["targetPort"]] == 4318
    assert named["ui"] == made["ports"]["jaeger"] == 16686


def test_where_policies_deny_the_rest_the_gateways_chart_lets_its_traces_out_to_jaeger() -> None:
    values = yaml.safe_load((ROOT / "charts/llm-api/values.yaml").read_text())
    (peer,) = values["networkPolicy"]["tracesTo"]
    jaeger = kinds(plan(policies=True))["Deployment"]
    namespace = {"kubernetes.io/metadata.name": jaeger["metadata"]["namespace"]}
    assert peer["namespaceSelector"]["matchLabels"] == namespace
    labels = jaeger["spec"]["template"]["metadata"]["labels"]
    assert peer["podSelector"]["matchLabels"].items() <= labels.items()


def test_jaeger_is_pinned_and_may_come_from_a_mirror() -> None:
    def image(**settings: Any) -> str:
        pod = kinds(plan(**settings))["Deployment"]["spec"]["template"]["spec"]
        return str(pod["containers"][0]["image"])

    assert image().rpartition(":")[2].count(".") == 2
    assert image(image_registry="mirror.example:5000") == f"mirror.example:5000/{image()}"
    assert image(jaeger_image="elsewhere/jaeger:1") == "elsewhere/jaeger:1"


def test_prometheus_keeps_the_exemplars_and_grafana_opens_their_traces() -> None:
    made = plan()
    flags = made["charts"]["kube-prometheus-stack"]["flags"]
    assert "prometheus.prometheusSpec.enableFeatures[0]=exemplar-storage" in flags
    place = "grafana.sidecar.datasources.exemplarTraceIdDestinations"
    config = kinds(made)["ConfigMap"]
    assert config["metadata"]["labels"]["grafana_datasource"] == "1"
    (source,) = yaml.safe_load(config["data"]["jaeger.yaml"])["datasources"]
    assert {f"{place}.datasourceUid={source['uid']}", f"{place}.traceIdLabelName=trace_id"} <= set(flags)
    assert source["url"] == "http://jaeger.monitoring:16686"


def test_without_grafana_there_is_no_data_source() -> None:
    for settings in ({"grafana": False}, {"monitoring": False, "autoscaler": "none"}):
        made = plan(**settings)
        assert "ConfigMap" not in kinds(made)
        assert "monitoring" in made["namespaces"]
    assert not any(
        "grafana.sidecar" in flag for flag in plan(grafana=False)["charts"]["kube-prometheus-stack"]["flags"]
    )


def test_the_local_profile_has_no_jaeger_and_says_where_else_traces_can_go() -> None:
    with pytest.raises(FixableError, match=r"(?s)TRACING=true needs the cluster.*LLM_OTLP_ENDPOINT="):
        plan(profile="local")
