"""Who reaches the services: HTTPRoutes and NetworkPolicies."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts.helm import CHARTS, NAMES, ROOT, Helm, Render, by_kind, container, with_image

charts = pytest.mark.parametrize("chart", NAMES)
ROUTE = "httpRoute.enabled=true,httpRoute.parentRefs[0].name=llm,httpRoute.parentRefs[0].namespace=gateways"
DNS = {
    "to": [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ],
    "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
}


@charts
def test_a_route_leads_from_its_gateway_to_the_service(render: Render, chart: str) -> None:
    objects = render(chart, ROUTE, "httpRoute.hostnames={llm.example}", "service.port=80")
    spec = objects["HTTPRoute"]["spec"]
    assert spec["parentRefs"] == [{"name": "llm", "namespace": "gateways"}]
    assert spec["hostnames"] == ["llm.example"]
    (rule,) = spec["rules"]
    assert rule["backendRefs"] == [{"name": chart, "port": 80}]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/"}}]


def test_a_route_can_leave_out_metrics_and_the_documentation(render: Render) -> None:
    (rule,) = render("llm-api", ROUTE, "httpRoute.paths={/v1,/api}")["HTTPRoute"]["spec"]["rules"]
    assert [match["path"]["value"] for match in rule["matches"]] == ["/v1", "/api"]


@pytest.mark.parametrize(
    ("chart", "setting", "timeout"),
    [
        ("llm-api", "preStopSeconds=1", "125s"),
        ("llm-api", "settings.requestTimeoutSeconds=300", "305s"),
        ("llm-api", "httpRoute.timeouts.request=10m", "10m"),
        ("llm-runtime", "preStopSeconds=1", "0s"),
    ],
)
def test_the_gateway_api_ends_no_request_before_the_gateway_does(
    render: Render, chart: str, setting: str, timeout: str
) -> None:
    (rule,) = render(chart, ROUTE, setting)["HTTPRoute"]["spec"]["rules"]
    assert rule["timeouts"] == {"request": timeout}


@charts
def test_there_is_neither_a_route_nor_a_policy_by_default(render: Render, chart: str) -> None:
    assert not {"HTTPRoute", "NetworkPolicy"} & set(render(chart))


def policy(render: Render, chart: str, *settings: str, files: Sequence[Path] = ()) -> dict[str, Any]:
    objects = render(chart, "networkPolicy.enabled=true", *settings, files=files)
    spec: dict[str, Any] = objects["NetworkPolicy"]["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    return spec


def sources(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Return who may connect, but for the pods of `helm test`."""
    (rule,) = spec["ingress"]
    assert rule["ports"] == [{"port": "http"}]
    return [peer for peer in rule["from"] if not is_test_pod(peer)]


def is_test_pod(peer: dict[str, Any]) -> bool:
    name = peer.get("podSelector", {}).get("matchLabels", {}).get("app.kubernetes.io/name", "")
    return str(name).endswith("-test")


def test_the_gateway_is_reached_by_whom_the_values_name_and_by_prometheus_if_it_scrapes(
    render: Render,
) -> None:
    assert sources(policy(render, "llm-api")) == []
    peer = "networkPolicy.from[0].namespaceSelector.matchLabels.name=gateways"
    gateway, prometheus = sources(policy(render, "llm-api", peer, "serviceMonitor.enabled=true"))
    assert gateway == {"namespaceSelector": {"matchLabels": {"name": "gateways"}}}
    assert prometheus == {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
    }


def test_the_runtime_is_reached_by_the_gateway(render: Render) -> None:
    (gateway,) = sources(
        policy(render, "llm-runtime", "serviceMonitor.enabled=true")
    )  # Ollama has no metrics
    template = render("llm-api")["Deployment"]["spec"]["template"]["metadata"]
    assert gateway["podSelector"]["matchLabels"].items() <= template["labels"].items()
    assert len(sources(policy(render, "llm-runtime", "engine=llamacpp", "serviceMonitor.enabled=true"))) == 2


def test_the_gateway_reaches_the_runtime_and_resolves_names(render: Render) -> None:
    runtime, dns = policy(render, "llm-api")["egress"]
    labels = render("llm-runtime")["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    (peer,) = runtime["to"]
    assert peer["podSelector"]["matchLabels"].items() <= labels.items()
    assert runtime["ports"] == [{"port": 11434}]
    assert dns == DNS


@pytest.mark.parametrize(
    ("url", "port"),
    [("http://ollama.example:8080", 8080), ("https://ollama.example", 443), ("http://10.0.0.1", 80)],
)
def test_a_policy_follows_the_port_of_another_runtime(render: Render, url: str, port: int) -> None:
    runtime, _ = policy(render, "llm-api", f"runtime.url={url}")["egress"]
    assert runtime["ports"] == [{"port": port}]


@pytest.mark.parametrize(
    ("url", "port"), [("http://jaeger.monitoring:4318", 4318), ("https://a.example", 443)]
)
def test_a_policy_lets_traces_out_to_their_collector_if_there_is_one(
    render: Render, url: str, port: int
) -> None:
    _, traces, dns = policy(render, "llm-api", f"settings.otlpEndpoint={url}")["egress"]
    assert traces["ports"] == [{"port": port}]
    assert traces["to"][0]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "jaeger"}
    assert dns == DNS


def test_the_runtime_reaches_nothing_but_where_ollama_pulls_its_models(
    render: Render, tmp_path: Path
) -> None:
    dns, models = policy(render, "llm-runtime")["egress"]
    assert dns == DNS
    assert models["ports"] == [{"port": 443}]
    assert "10.0.0.0/8" in models["to"][0]["ipBlock"]["except"]
    offline = tmp_path / "values.yaml"
    offline.write_text("networkPolicy: {pullFrom: []}\n")
    assert policy(render, "llm-runtime", files=[offline])["egress"] == [DNS]
    assert policy(render, "llm-runtime", "engine=llamacpp")["egress"] == [DNS]


@charts
def test_the_values_can_add_egress(render: Render, chart: str) -> None:
    rule = "networkPolicy.egress[0].ports[0].port=4317"
    assert {"ports": [{"port": 4317}]} in policy(render, chart, rule)["egress"]


@charts
def test_the_pod_of_helm_test_reaches_the_service_and_is_not_one_of_its_pods(helm: Helm, chart: str) -> None:
    manifests = helm.template(CHARTS / chart, *with_image(chart, ("networkPolicy.enabled=true",)))
    (tester,) = [manifest for manifest in manifests if manifest["kind"] == "Pod"]
    labels = tester["metadata"]["labels"]
    specs = {m["metadata"]["name"]: m["spec"] for m in manifests if m["kind"] == "NetworkPolicy"}
    spec = specs[chart]
    assert spec["ingress"][0]["from"][0]["podSelector"]["matchLabels"].items() <= labels.items()
    assert not spec["podSelector"]["matchLabels"].items() <= labels.items()
    assert tester["metadata"]["annotations"]["helm.sh/hook"] == "test"
    own = specs[f"{chart}-test"]
    assert own["podSelector"]["matchLabels"].items() <= labels.items()
    assert own["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in own
    service, dns = own["egress"]
    assert service["to"] == [{"podSelector": spec["podSelector"]}]
    workload = container(by_kind(manifests))
    assert service["ports"] == [{"port": workload["ports"][0]["containerPort"]}]
    assert dns == DNS


def test_a_namespace_denies_by_default_what_no_policy_allows() -> None:
    spec = yaml.safe_load((CHARTS / "default-deny.yaml").read_text())["spec"]
    assert spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_the_load_reaches_the_gateway_and_resolves_names(render: Render) -> None:
    load = yaml.safe_load((ROOT / "load/job.yaml").read_text())["spec"]["template"]["metadata"]["labels"]
    spec = yaml.safe_load((ROOT / "load/networkpolicy.yaml").read_text())["spec"]
    assert spec["podSelector"]["matchLabels"].items() <= load.items()
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in spec
    gateway, dns = spec["egress"]
    objects = render("llm-api")
    labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert gateway["to"][0]["podSelector"]["matchLabels"].items() <= labels.items()
    assert gateway["ports"] == [{"port": container(objects)["ports"][0]["containerPort"]}]
    assert dns == DNS
