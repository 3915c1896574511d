"""The objects that the runtime's chart renders, for each engine."""

import pytest

from tests.charts.helm import Render, container, environment, pod

ENGINES = ["ollama", "llamacpp", "simulated"]
engines = pytest.mark.parametrize("engine", ENGINES)


@engines
def test_both_services_select_ready_pods_on_ollamas_port(render: Render, engine: str) -> None:
    objects = render("llm-runtime", f"engine={engine}")
    labels = objects["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    for name, address in [("llm-runtime", None), ("llm-runtime-pods", "None")]:
        spec = objects[f"Service/{name}"]["spec"]
        assert spec.get("clusterIP") == address
        assert spec["selector"].items() <= labels.items()
        assert spec["ports"] == [{"name": "http", "port": 11434, "targetPort": "http"}]
    assert objects["Service/llm-runtime-pods"]["spec"]["publishNotReadyAddresses"] is False
    assert objects["StatefulSet"]["spec"]["serviceName"] == "llm-runtime-pods"
    assert container(objects)["ports"] == [{"name": "http", "containerPort": 11434}]


@engines
def test_each_replica_has_its_own_volume_and_all_start_at_once(render: Render, engine: str) -> None:
    objects = render("llm-runtime", f"engine={engine}", "persistence.storageClass=standard")
    spec = objects["StatefulSet"]["spec"]
    assert spec["podManagementPolicy"] == "Parallel"
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "models"
    assert claim["spec"]["storageClassName"] == "standard"
    assert {"name": "models", "mountPath": "/models"} in container(objects)["volumeMounts"]


def test_without_persistence_the_models_live_in_the_pod(render: Render) -> None:
    objects = render("llm-runtime", "persistence.enabled=false")
    assert "volumeClaimTemplates" not in objects["StatefulSet"]["spec"]
    assert "persistentVolumeClaimRetentionPolicy" not in objects["StatefulSet"]["spec"]
    assert {"name": "models", "emptyDir": {}} in pod(objects)["volumes"]


def test_the_cluster_chooses_the_storage_class_unless_one_is_named(render: Render) -> None:
    (claim,) = render("llm-runtime")["StatefulSet"]["spec"]["volumeClaimTemplates"]
    assert "storageClassName" not in claim["spec"]


@pytest.mark.parametrize(
    ("engine", "image"),
    [
        ("ollama", "ollama/ollama:0.32.15"),
        ("llamacpp", "registry.example/llm-runtime:0.1.0"),
        ("simulated", "registry.example/llm-runtime:0.1.0"),
    ],
)
def test_each_engine_has_its_pinned_image(render: Render, engine: str, image: str) -> None:
    assert container(render("llm-runtime", f"engine={engine}"))["image"] == image


def test_a_mirror_and_a_digest_replace_the_image_in_every_container(render: Render) -> None:
    digest = "sha256:" + "a" * 64
    objects = render(
        "llm-runtime", "image.repository=mirror/ollama", "image.tag=v1", f"image.digest={digest}"
    )
    parts = pod(objects)["initContainers"] + pod(objects)["containers"]
    assert {part["image"] for part in parts} == {f"mirror/ollama:v1@{digest}"}


def test_the_embedded_runtime_gets_its_settings_from_the_values_and_pulls_nothing(render: Render) -> None:
    model = "models[0].name=a:1,models[0].path=/models/a.gguf"
    objects = render("llm-runtime", "engine=llamacpp", "slots=3", "contextLength=8192", model)
    assert "initContainers" not in pod(objects)
    assert environment(container(objects)) == {
        "RUNTIME_ENGINE": "llamacpp",
        "RUNTIME_MODEL": "a:1",
        "RUNTIME_MODEL_PATH": "/models/a.gguf",
        "RUNTIME_THREADS": "2",
        "RUNTIME_SLOTS": "3",
        "RUNTIME_CONTEXT_LENGTH": "8192",
        "UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN": "120",
    }


@pytest.mark.parametrize(
    ("limit", "threads"),
    [("2", "2"), ("3", "3"), ("1500m", "1"), ("1.5", "1"), ("250m", "1"), ("4000m", "4"), ("null", None)],
)
def test_threads_are_the_whole_cpus_of_the_limit(render: Render, limit: str, threads: str | None) -> None:
    setting = f"resources.limits.cpu={limit}"
    (pull,) = pod(render("llm-runtime", setting))["initContainers"]
    assert environment(pull)["MODEL_THREADS"] == (threads or "0")
    ours = environment(container(render("llm-runtime", setting, "engine=llamacpp")))
    assert ours.get("RUNTIME_THREADS") == threads


def test_threads_can_be_set_explicitly(render: Render) -> None:
    (pull,) = pod(render("llm-runtime", "threads=6"))["initContainers"]
    assert environment(pull)["MODEL_THREADS"] == "6"


@engines
def test_readiness_asks_for_the_model_and_liveness_for_the_server(render: Render, engine: str) -> None:
    found = container(render("llm-runtime", f"engine={engine}"))
    for probe in ("startupProbe", "readinessProbe"):
        if engine == "ollama":
            assert found[probe]["exec"]["command"][:3] == ["bash", "/scripts/ollama.sh", "ready"]
        else:
            assert found[probe]["httpGet"] == {"path": "/ready", "port": "http"}
    assert found["livenessProbe"]["httpGet"] == {"path": "/", "port": "http"}


@engines
def test_the_pod_has_no_privilege_that_it_does_not_need(render: Render, engine: str) -> None:
    spec = pod(render("llm-runtime", f"engine={engine}"))
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["fsGroup"] == spec["securityContext"]["runAsUser"] == 65532
    for part in spec["containers"] + spec.get("initContainers", []):
        assert part["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_only_a_development_image_is_writable(render: Render) -> None:
    found = container(render("llm-runtime", "engine=llamacpp", "development=true"))
    assert found["securityContext"]["readOnlyRootFilesystem"] is False


def test_additional_environment_reaches_the_pull_and_the_server(render: Render) -> None:
    proxy = "extraEnv[0].name=HTTPS_PROXY,extraEnv[0].value=http://proxy:3128"
    objects = render("llm-runtime", proxy)
    for part in pod(objects)["containers"] + pod(objects)["initContainers"]:
        assert environment(part)["HTTPS_PROXY"] == "http://proxy:3128"


@pytest.mark.parametrize(("engine", "monitors"), [("ollama", 0), ("llamacpp", 1), ("simulated", 1)])
def test_only_an_engine_with_metrics_is_scraped_and_only_once(
    render: Render, engine: str, monitors: int
) -> None:
    objects = render("llm-runtime", f"engine={engine}", "serviceMonitor.enabled=true")
    assert ("ServiceMonitor" in objects) is bool(monitors)
    if monitors:
        selector = objects["ServiceMonitor"]["spec"]["selector"]["matchLabels"]
        scraped = [
            name
            for name, manifest in objects.items()
            if name.startswith("Service/") and selector.items() <= manifest["metadata"]["labels"].items()
        ]
        assert scraped == ["Service/llm-runtime"]
