"""The drill in the cluster leaves the platform as it was, and says what it cannot run on."""

import copy
from contextlib import ExitStack
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from dev import FixableError
from dev.fault import changes, kube, load, settings
from dev.fault.changes import Changes
from dev.fault.command import chosen
from dev.fault.kube import AUTOSCALER, GATEWAY, MONITOR, PROMETHEUS, RULE, Ref
from dev.fault.place import GATEWAY_SETTINGS
from dev.fault.table import FAULTS, TABLE, possible
from tests.dev.fault.fake_cluster import FakeCluster


def apply(cluster: Any, stack: ExitStack) -> None:
    settings.apply(cluster, Changes(cluster), stack)


def test_a_drill_leaves_every_object_as_it_was() -> None:
    cluster = FakeCluster()
    before = copy.deepcopy(cluster.store)
    with ExitStack() as stack:
        apply(cluster, stack)
        assert cluster.store != before
    assert cluster.store == before
    assert cluster.maps == {}


def test_the_next_drill_undoes_what_one_left_that_was_killed() -> None:
    cluster, left = FakeCluster(), FakeCluster()
    before = copy.deepcopy(cluster.store)
    with ExitStack() as stack:
        apply(cluster, stack)
        left.store, left.maps = copy.deepcopy((cluster.store, cluster.maps))
    assert left.store != before
    assert Changes(left).undo_earlier() > 5
    assert left.store == before
    assert Changes(left).undo_earlier() == 0


def test_a_change_that_is_refused_is_undone_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster()
    before = copy.deepcopy(cluster.store)
    merge, refused = cluster.merge, Ref(RULE, "monitoring", "llm-platform")

    def refusing(ref: Ref, change: dict[str, Any]) -> None:
        if ref == refused and change["spec"]["groups"] != [{"name": "g"}]:
            raise ApiException(status=422)
        merge(ref, change)

    monkeypatch.setattr(cluster, "merge", refusing)
    with pytest.raises(ApiException), ExitStack() as stack:
        apply(cluster, stack)
    assert cluster.store == before


def test_the_drill_sets_deadlines_and_keys_and_holds_one_replica_of_each() -> None:
    cluster = FakeCluster()
    with ExitStack() as stack:
        apply(cluster, stack)
        env = cluster.store[GATEWAY]["spec"]["template"]["spec"]["containers"][0]["env"]
        assert {e["name"]: e.get("value") for e in env} == GATEWAY_SETTINGS  # a secret's keys among them
        for name in ("llm-api", "llm-runtime"):
            spec = cluster.store[Ref(AUTOSCALER, "llm", name)]["spec"]
            assert (spec["minReplicas"], spec["maxReplicas"]) == (1, 1)
        intervals = {
            ref.name: found["spec"]["endpoints"][0].get("interval")
            for ref, found in cluster.store.items()
            if ref.kind == MONITOR
        }
        assert intervals == {"llm-api": "2s", "kps-kube-state-metrics": "2s", "kps-kubelet": None}


@pytest.mark.parametrize(
    ("cluster", "reason"),
    [
        (FakeCluster(engine="llamacpp"), "needs ENGINE=simulated, and llamacpp runs"),
        (FakeCluster(autoscalers=("keda-hpa-llm-api",)), "needs AUTOSCALER=cpu or none"),
    ],
)
def test_a_platform_that_a_drill_cannot_run_on_is_an_error_with_its_fix(cluster: Any, reason: str) -> None:
    with pytest.raises(FixableError, match=f"(?s){reason}.*fix: make up ENGINE=simulated"):
        settings.check(cluster)


def test_without_a_prometheus_there_is_no_drill() -> None:
    cluster: Any = FakeCluster()
    del cluster.store[Ref(PROMETHEUS, "monitoring", "p")]
    with pytest.raises(FixableError, match="needs MONITORING=true"):
        settings.check(cluster)


def test_the_calls_run_in_the_gateways_image_as_restricted_as_k6() -> None:
    pod = load.pod("llm-drill-1", "gateway:1", {"CALLS_RATE": "6"})
    (container,) = pod["spec"]["containers"]
    assert (container["image"], container["env"]) == ("gateway:1", [{"name": "CALLS_RATE", "value": "6"}])
    assert container["command"] == ["python", "/scripts/calls.py"]
    assert pod["spec"]["volumes"][0]["configMap"]["name"] == "llm-drill-1"
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True


def test_the_drill_has_all_faults_in_a_cluster_and_says_which_need_one() -> None:
    assert list(chosen("all", in_cluster=True)) == list(TABLE)
    assert list(chosen("all", in_cluster=False)) == possible(in_cluster=False)
    assert list(chosen("hang", in_cluster=False)) == [FAULTS["hang"]]
    with pytest.raises(FixableError, match="prometheus-down needs the platform in a cluster"):
        chosen("prometheus-down", in_cluster=False)


def test_a_wait_that_is_in_vain_says_for_what() -> None:
    with pytest.raises(FixableError, match="in vain for the moon"):
        kube.wait("the moon", lambda: False, 0)


def test_a_merge_patch_names_the_whole_path() -> None:
    assert changes.nested(("spec", "replicas"), 0) == {"spec": {"replicas": 0}}
