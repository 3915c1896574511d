"""What is concluded from what Argo CD and the cluster say."""

from typing import Any

import pytest

from dev import FixableError, configuration, kubectl
from dev.doctor import probe, tools
from dev.gitops import argo, manifests, proof
from dev.gitops.manifests import Release
from dev.tilt import owner
from dev.up import cluster as provisioner
from dev.up import down
from tests.dev.gitops.conftest import Cluster

RELEASE = Release("llm-api", "0.1.0-h1", '{"image": {"digest": "sha256:1"}}')
OLD = Release("llm-api", "0.1.0-h0", "{}")


def application(sync: str = "Synced", health: str = "Healthy", release: Release = RELEASE) -> dict[str, Any]:
    source = {"targetRevision": release.version, "helm": {"values": release.values}}
    return {
        "metadata": {},
        "status": {"sync": {"status": sync, "comparedTo": {"source": source}}, "health": {"status": health}},
    }


def test_a_release_is_there_when_argo_cd_says_synced_and_healthy_of_that_one(
    cluster: Cluster,
) -> None:
    cluster.objects["application/llm-api"] = application()
    assert argo.synced([RELEASE]) == "Synced Healthy"
    cluster.objects["application/llm-api"] = application(release=OLD)
    with pytest.raises(FixableError, match=r"has not compared llm-api 0\.1\.0-h1 yet"):
        argo.synced([RELEASE])


@pytest.mark.parametrize(("sync", "health"), [("OutOfSync", "Healthy"), ("Synced", "Degraded")])
def test_anything_else_is_not(cluster: Cluster, sync: str, health: str) -> None:
    found = application(sync, health)
    found["status"]["conditions"] = [{"message": "the reason"}]
    cluster.objects["application/llm-api"] = found
    with pytest.raises(FixableError, match=f"llm-api is {sync} {health} the reason"):
        argo.synced([RELEASE])


def test_objects_that_tilt_applied_are_refused_with_the_way_to_remove_them(cluster: Cluster) -> None:
    cluster.objects["deployments,statefulsets"] = "deployment.apps/llm-api\n"
    with pytest.raises(
        FixableError, match=r"(?s)Tilt has applied deployment.apps/llm-api.*make down KEEP=cluster"
    ):
        argo.check_tilt()
    cluster.objects["deployments,statefulsets"] = "\n"
    argo.check_tilt()


def test_tilt_refuses_objects_that_argo_cd_manages_and_may_always_take_its_own_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(argo, "is_installed", lambda: True)
    with pytest.raises(FixableError, match=r"(?s)Argo CD manages.*make gitops ARGS=remove"):
        owner.check(configuration.parse({}), "up", "kind-llm")
    owner.check(configuration.parse({}), "down", "kind-llm")
    owner.check(configuration.parse({}), "up", "another")
    owner.check(configuration.parse({"gitops": "true"}), "up", "kind-llm")  # which applies nothing


def test_without_kubectl_or_a_cluster_argo_cd_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "find", lambda _: None)
    assert not argo.is_installed()


def test_a_rollback_gives_argo_cd_the_releases_before_and_can_be_taken_back(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(argo, "is_installed", lambda: True)
    cluster.objects["applicationset/llm"] = manifests.application_set([RELEASE], [OLD])
    assert proof.back() == [OLD]
    assert manifests.releases(cluster.applied[-1]) == ([OLD], [RELEASE])


def test_a_rollback_without_a_release_before_is_refused(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(argo, "is_installed", lambda: False)
    with pytest.raises(FixableError, match="no release before"):
        proof.back()


def deployment(available: int, updated: int = 1) -> dict[str, Any]:
    return {"status": {"replicas": 3, "updatedReplicas": updated, "availableReplicas": available}}


def pods(reason: str) -> dict[str, Any]:
    waiting = {"status": {"containerStatuses": [{"state": {"waiting": {"reason": reason}}}]}}
    return {"items": [waiting, {"status": {"containerStatuses": [{"state": {"running": {}}}]}}]}


def test_a_version_is_stopped_when_its_pod_cannot_start_and_the_old_ones_all_serve(cluster: Cluster) -> None:
    cluster.objects |= {
        "deployment/llm-api": deployment(2),
        "pods": pods("ImagePullBackOff"),
        "application/llm-api": application(health="Progressing"),
    }
    assert proof.cannot_start() == "ImagePullBackOff; 2 old replicas serve; Argo CD says Progressing"
    cluster.objects["deployment/llm-api"] = deployment(1)
    with pytest.raises(FixableError, match="1 of 2 old replicas serve"):
        proof.cannot_start()
    cluster.objects |= {"deployment/llm-api": deployment(2), "application/llm-api": application()}
    with pytest.raises(FixableError, match="calls it Healthy"):
        proof.cannot_start()
    cluster.objects["pods"] = pods("ContainerCreating")
    with pytest.raises(FixableError, match="ContainerCreating"):
        proof.cannot_start()


def test_replicas_that_an_autoscaler_changed_have_to_be_synced(cluster: Cluster) -> None:
    cluster.objects |= {
        "hpa/llm-api": {"spec": {"minReplicas": 2, "maxReplicas": 3}},
        "deployment/llm-api": {"spec": {"replicas": 2}},
        "application/llm-api": application(),
    }
    assert proof.leaves_scaling_alone([RELEASE]).ok
    cluster.objects["application/llm-api"] = application("OutOfSync")
    assert not proof.timed("", lambda: argo.synced([RELEASE]), 0).ok


def test_a_change_by_hand_that_stays_is_a_failure(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    scaler = {"spec": {"minReplicas": 2, "maxReplicas": 3}}
    cluster.objects |= {"hpa/llm-api": scaler, "application/llm-api": application()}
    assert proof.heals([RELEASE]).ok
    assert any(call[:3] == ("patch", "hpa", "llm-api") for call in cluster.calls)
    monkeypatch.setattr(proof, "HEAL_SECONDS", 0)
    monkeypatch.setattr(kubectl, "output", changing(cluster))
    assert not proof.heals([RELEASE]).ok


def changing(cluster: Cluster) -> Any:
    """Return a kubectl whose patches last."""

    def output(*arguments: str, text: str = "") -> str:
        if arguments[0] == "patch":
            cluster.objects["hpa/llm-api"] = {"spec": {"minReplicas": 2, "maxReplicas": 10}}
        return cluster.output(*arguments, text=text)

    return output


def test_down_with_the_cluster_kept_removes_argo_cd_first(monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[str] = []
    monkeypatch.setattr(probe, "container_engine", lambda: probe.ContainerEngine(True, "Docker 28"))
    monkeypatch.setattr(down, "existing", lambda: ["cluster kind-llm"])
    monkeypatch.setattr(down, "remove_platform", lambda _: removed.append("platform"))
    monkeypatch.setattr(provisioner, "removal", list)
    monkeypatch.setattr(argo, "is_installed", lambda: True)
    monkeypatch.setattr(argo, "remove", lambda: removed.append("argo cd"))
    monkeypatch.setenv("KEEP", "cluster")
    assert down.main([]) == 0
    assert removed == ["argo cd", "platform"]
