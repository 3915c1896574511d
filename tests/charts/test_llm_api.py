"""The objects that the gateway's chart renders."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.charts.helm import CHARTS, Render, container, environment, pod


@pytest.fixture(scope="module")
def objects(render: Render) -> dict[str, Any]:
    made: dict[str, Any] = render("llm-api")
    return made


def test_every_object_has_the_gateways_name_and_namespace(objects: dict[str, Any]) -> None:
    assert set(objects) == {
        "Deployment",
        "HorizontalPodAutoscaler",
        "Service",
        "ServiceAccount",
    }
    for manifest in objects.values():
        assert (manifest["metadata"]["name"], manifest["metadata"]["namespace"]) == ("llm-api", "llm")


def test_the_service_selects_the_pods(objects: dict[str, Any]) -> None:
    service = objects["Service"]["spec"]
    labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert service["selector"].items() <= labels.items()
    assert objects["Deployment"]["spec"]["selector"]["matchLabels"] == service["selector"]
    assert service["ports"] == [{"name": "http", "port": 8000, "targetPort": "http"}]
    assert container(objects)["ports"] == [{"name": "http", "containerPort": 8000}]


def test_the_gateway_balances_over_every_replica_of_the_runtime(objects: dict[str, Any]) -> None:
    assert environment(container(objects))["LLM_RUNTIME_URL"] == "http://llm-runtime-pods:11434"
    assert environment(container(objects))["LLM_RUNTIME_BALANCE"] == "dns"


def test_a_setting_becomes_an_environment_variable_unless_it_is_null(render: Render) -> None:
    objects = render(
        "llm-api",
        "settings.maxBodyBytes=1048576",
        "settings.connectTimeoutSeconds=3",
        "settings.maxRunning=null",
        "settings.keyRequestsPerMinute=0",
    )
    found = environment(container(objects))
    assert found["LLM_MAX_BODY_BYTES"] == "1048576"
    assert found["LLM_CONNECT_TIMEOUT_SECONDS"] == "3"
    assert found["LLM_KEY_REQUESTS_PER_MINUTE"] == "0"
    assert not {"LLM_MAX_RUNNING", "LLM_NUM_THREAD", "LLM_API_KEYS"} & set(found)


@pytest.mark.parametrize(
    ("probe", "path"),
    [("startupProbe", "/health"), ("livenessProbe", "/health"), ("readinessProbe", "/serving")],
)
def test_liveness_never_asks_the_runtime_and_readiness_only_at_first(
    objects: dict[str, Any], probe: str, path: str
) -> None:
    assert container(objects)[probe]["httpGet"] == {"path": path, "port": "http"}


def test_a_busy_gateway_has_at_least_thirty_seconds_to_answer_before_it_is_restarted(
    objects: dict[str, Any],
) -> None:
    probe = container(objects)["livenessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 30


def test_the_pod_has_no_privilege_that_it_does_not_need(objects: dict[str, Any]) -> None:
    assert pod(objects)["automountServiceAccountToken"] is False
    assert objects["ServiceAccount"]["automountServiceAccountToken"] is False
    assert pod(objects)["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(objects)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_only_a_development_image_is_writable(render: Render) -> None:
    context = container(render("llm-api", "development=true"))["securityContext"]
    assert context["readOnlyRootFilesystem"] is False
    assert context["allowPrivilegeEscalation"] is False


def test_an_update_never_reduces_the_number_of_ready_replicas(objects: dict[str, Any]) -> None:
    assert objects["Deployment"]["spec"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
    }


def test_an_image_can_be_pinned_by_tag_and_digest(render: Render) -> None:
    digest = "sha256:" + "0" * 64
    made = render("llm-api", "image.repository=here/api", "image.tag=v7", f"image.digest={digest}")
    assert container(made)["image"] == f"here/api:v7@{digest}"


def test_keys_come_from_the_charts_secret_and_a_new_key_restarts_the_pods(render: Render) -> None:
    one, two = (render("llm-api", f"apiKeys.create={{{keys}}}") for keys in ("a", "a,b"))
    assert two["Secret"]["stringData"] == {"api-keys": "a,b"}
    source = {"secretKeyRef": {"name": "llm-api-keys", "key": "api-keys"}}
    assert environment(container(two))["LLM_API_KEYS"] == source
    templates = [made["Deployment"]["spec"]["template"]["metadata"]["annotations"] for made in (one, two)]
    assert templates[0] != templates[1]


def test_keys_can_come_from_an_existing_secret(render: Render) -> None:
    made = render("llm-api", "apiKeys.existingSecret=mine", "apiKeys.secretKey=keys")
    assert "Secret" not in made
    source = {"secretKeyRef": {"name": "mine", "key": "keys"}}
    assert environment(container(made))["LLM_API_KEYS"] == source


def test_there_is_a_service_monitor_only_if_enabled(render: Render, objects: dict[str, Any]) -> None:
    assert "ServiceMonitor" not in objects
    made = render("llm-api", "serviceMonitor.enabled=true", "serviceMonitor.labels.team=a")
    monitor = made["ServiceMonitor"]
    assert monitor["spec"]["endpoints"] == [{"port": "http", "path": "/metrics", "interval": "5s"}]
    selector = monitor["spec"]["selector"]["matchLabels"]
    assert selector.items() <= made["Service"]["metadata"]["labels"].items()
    assert monitor["metadata"]["labels"]["team"] == "a"
    assert "jobLabel" not in monitor["spec"]


def test_a_disruption_budget_allows_a_single_replica_to_be_moved(render: Render) -> None:
    spec = render("llm-api", "podDisruptionBudget.enabled=true")["PodDisruptionBudget"]["spec"]
    assert spec["maxUnavailable"] == 1
    assert "minAvailable" not in spec


@pytest.mark.parametrize("keys", ["", "apiKeys.create={a}"])
def test_the_notes_have_one_curl_to_the_address_of_their_port_forward(
    render: Render, tmp_path: Path, keys: str
) -> None:
    chart = tmp_path / "llm-api"
    shutil.copytree(CHARTS / "llm-api", chart)
    (chart / "templates" / "NOTES.txt").rename(chart / "notes")
    notes = """{kind: Notes, text: {{ tpl (.Files.Get "notes") . | toJson }}}"""
    (chart / "templates" / "notes.yaml").write_text(notes)
    text = render("llm-api", *filter(None, [keys]), folder=tmp_path)["Notes"]["text"]
    assert text.count("curl http://localhost:8000/generate") == 1
    assert "port-forward service/llm-api 8000:8000" in text
    assert ("Authorization: Bearer" in text) is bool(keys)
