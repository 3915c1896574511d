"""GPUs, and volumes that are not the StatefulSet's own."""

from tests.charts.helm import Render, container, environment, pod

TAINT = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}


def test_a_gpu_is_a_limit_of_the_server_alone_and_its_taint_is_tolerated(render: Render) -> None:
    objects = render("llm-runtime", "gpu.count=2", "tolerations[0].key=mine")
    assert container(objects)["resources"]["limits"] == {"cpu": "2", "memory": "2Gi", "nvidia.com/gpu": 2}
    (pull,) = pod(objects)["initContainers"]
    assert pull["resources"]["limits"] == {"cpu": "2", "memory": "2Gi"}
    assert pod(objects)["tolerations"] == [{"key": "mine"}, TAINT]


def test_a_gpu_can_have_another_name(render: Render) -> None:
    limits = container(render("llm-runtime", "gpu.count=1", "gpu.resource=amd.com/gpu"))["resources"][
        "limits"
    ]
    assert limits["amd.com/gpu"] == 1


def test_a_gpu_can_be_claimed(render: Render) -> None:
    objects = render("llm-runtime", "gpu.resourceClaimTemplate=one-gpu")
    claim = {"name": "gpu", "resourceClaimTemplateName": "one-gpu"}
    assert pod(objects)["resourceClaims"] == [claim]
    assert container(objects)["resources"]["claims"] == [{"name": "gpu"}]
    assert container(objects)["resources"]["limits"] == {"cpu": "2", "memory": "2Gi"}
    assert pod(objects)["tolerations"] == [TAINT]


def test_without_a_gpu_nothing_asks_for_one(render: Render) -> None:
    objects = render("llm-runtime")
    assert "resourceClaims" not in pod(objects)
    assert "tolerations" not in pod(objects)


def test_an_existing_claim_replaces_the_volumes_of_the_statefulset(render: Render) -> None:
    objects = render("llm-runtime", "persistence.existingClaim=mine", "autoscaling.maxReplicas=1")
    assert "volumeClaimTemplates" not in objects["StatefulSet"]["spec"]
    assert {"name": "models", "persistentVolumeClaim": {"claimName": "mine"}} in pod(objects)["volumes"]


def test_replicas_can_share_a_claim_that_can_be_shared(render: Render) -> None:
    shared = "persistence.existingClaim=mine,persistence.accessModes={ReadWriteMany}"
    assert {"name": "models", "persistentVolumeClaim": {"claimName": "mine"}} in pod(
        render("llm-runtime", shared)
    )["volumes"]


def test_the_access_modes_are_those_of_the_values(render: Render) -> None:
    objects = render("llm-runtime", "persistence.accessModes={ReadWriteOncePod}")
    (claim,) = objects["StatefulSet"]["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]


def test_ollama_trusts_a_companys_authority_in_addition_to_the_public_ones(render: Render) -> None:
    """Go reads SSL_CERT_DIR and the system's bundle; SSL_CERT_FILE would replace the bundle."""
    objects = render("llm-runtime", "ollama.caConfigMap=company-ca")
    assert {"name": "ca", "configMap": {"name": "company-ca"}} in pod(objects)["volumes"]
    for part in pod(objects)["containers"] + pod(objects)["initContainers"]:
        assert {"name": "ca", "mountPath": "/ca", "readOnly": True} in part["volumeMounts"]
        assert environment(part)["SSL_CERT_DIR"] == "/ca"
        assert "SSL_CERT_FILE" not in environment(part)
