"""`python -m dev policies` with a kubectl that answers for a cluster, and the script that runs in pods."""

import json
import os
import shutil
import socket
import subprocess
from typing import Any

import pytest

from dev import FixableError, kubectl
from dev.doctor import probe
from dev.policies import command, matrix, pods, trial
from dev.policies.matrix import Platform

ADDRESSES = {
    "llm-api": "10.0.0.1:8000",
    "llm-runtime": "10.0.0.2:11434",
    "other in llm": "10.0.0.3:8080",
    "elsewhere": "10.0.0.4:8080",
    "names": "llm-api.llm.svc.cluster.local",
    "outside": "172.18.0.9:5000",
    "public:443": trial.PUBLIC_ADDRESS,
}
DENIED = "10.0.0.5:8080"


class Cluster:
    """Connects what the matrix allows, but for the pairs in `wrong`; `enforces`: whether a denial counts."""

    def __init__(self) -> None:
        self.policies = "networkpolicy/default-deny networkpolicy/llm-api"
        self.enforces = True
        self.wrong: set[tuple[str, str]] = set()
        self.platform = Platform()
        self.ports = [53]
        self.online = True
        self.applied: list[dict[str, Any]] = []
        self.calls: list[tuple[str, ...]] = []

    def output(self, *arguments: str, text: str = "") -> str:
        self.calls.append(arguments)
        if arguments[0] == "apply":
            self.applied.append(json.loads(text))
        if arguments[0] == "exec":
            return self.reach(arguments[1], arguments[arguments.index("bash") + 4 :])
        if arguments[:2] == ("get", "networkpolicies"):
            return self.policies
        if arguments[:2] == ("get", "namespaces"):
            return "namespace/llm namespace/monitoring namespace/gateways"
        if arguments[:2] == ("get", "statefulsets"):
            return "statefulset.apps/llm-runtime"
        if arguments[:2] == ("get", "statefulset/llm-runtime"):
            return '{"name": "RUNTIME_ENGINE"}' if self.platform.metrics else "{}"
        if arguments[:2] == ("get", "networkpolicy"):
            return json.dumps({"spec": {"egress": [{"ports": [{"port": n}]} for n in self.ports]}})
        if arguments[:2] == ("get", "gateways"):
            return json.dumps({"spec": {"gatewayClassName": "traefik"}})
        if arguments[:2] == ("get", "pod"):
            return json.dumps(
                {"status": {"podIP": self.address(arguments[2]), "containerStatuses": [{"ready": True}]}}
            )
        if arguments[:2] == ("get", "pods"):
            return json.dumps({"items": [self.ready(arguments[3].partition("=")[2])]})
        return "an-image"

    def address(self, pod: str) -> str:
        rows = [*matrix.sources(Platform()), matrix.ELSEWHERE]
        made = {source.pod: ADDRESSES.get(source.name, "10.0.0.9:8080") for source in rows}
        return made.get(pod, DENIED).partition(":")[0]

    def ready(self, name: str) -> dict[str, Any]:
        status = {
            "podIP": ADDRESSES[name].partition(":")[0],
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        return {"metadata": {}, "status": status}

    def reach(self, pod: str, targets: tuple[str, ...]) -> str:
        (source,) = [s for s in matrix.sources(Platform()) if pod in (s.pod, s.workload)]
        names = {address: name for name, address in ADDRESSES.items()}
        wanted = matrix.expected(self.platform)
        lines = []
        for target in targets:
            if target == DENIED:
                reached = not (self.enforces and any(o["kind"] == "NetworkPolicy" for o in self.applied))
            else:
                pair = (source.name, names.get(target, "itself"))
                reached = wanted[pair] != (pair in self.wrong) and (pair[1] != "public:443" or self.online)
            lines.append(f"{target} {'yes' if reached else 'no'}")
        return "\n".join(lines)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    found = Cluster()
    monkeypatch.setattr(kubectl, "output", found.output)
    monkeypatch.setattr(probe, "run", lambda *_: (0, "172.18.0.9 ", ""))
    monkeypatch.setattr(command, "ENFORCED_SECONDS", 0)
    monkeypatch.setattr(trial.settled, "__defaults__", (0,))
    return found


def test_a_matrix_without_a_wrong_cell_is_a_success(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([]) == 0
    shown = capsys.readouterr().out
    assert "this cluster enforces NetworkPolicies" in shown
    assert "!" not in shown
    assert "FAIL" not in shown


@pytest.mark.parametrize(
    ("pair", "what"),
    [
        (("traefik", "llm-api"), "does not connect, and must"),
        (("other in llm", "llm-api"), "connects, and must not"),
    ],
)
def test_a_wrong_cell_of_either_kind_is_a_failure(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], pair: tuple[str, str], what: str
) -> None:
    cluster.wrong = {pair}
    assert command.main([]) == 1
    assert f"FAIL  {pair[0]} -> {pair[1]}: {what}" in capsys.readouterr().out


@pytest.mark.parametrize(("ports", "pulls"), [([53, 443], True), ([53], False)])
def test_ollamas_way_to_its_models_is_tried_in_both_directions(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], ports: list[int], pulls: bool
) -> None:
    cluster.platform, cluster.ports = Platform(metrics=False, pulls=pulls), ports
    assert command.main([]) == 0
    assert "public:443" in capsys.readouterr().out
    cluster.wrong = {("llm-runtime", "public:443")}
    cluster.applied.clear()
    assert command.main([]) == 1
    assert "FAIL  llm-runtime -> public:443" in capsys.readouterr().out


def test_where_no_pod_reaches_a_public_address_that_way_is_not_tried(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.platform, cluster.ports, cluster.online = Platform(metrics=False, pulls=True), [443], False
    assert command.main([]) == 0
    assert "the runtime's way to its models is not tried" in capsys.readouterr().out


def test_a_cluster_that_does_not_enforce_policies_is_refused_and_left_clean(cluster: Cluster) -> None:
    cluster.enforces = False
    with pytest.raises(FixableError, match=r"(?s)does not enforce NetworkPolicies.*fix: .*kind has one"):
        command.main([])
    assert cluster.calls[-1][:3] == ("delete", "namespace", "llm-policies")


def test_a_platform_without_policies_is_refused_before_anything_is_made(cluster: Cluster) -> None:
    cluster.policies = ""
    with pytest.raises(FixableError, match=r"fix: make up POLICIES=true"):
        command.main([])
    assert not cluster.applied


def test_what_was_made_is_removed_from_every_namespace(cluster: Cluster) -> None:
    command.main([])
    made = {(o["metadata"].get("namespace"), o["kind"]) for o in cluster.applied[0]["items"]}
    assert made == {(None, "Namespace")} | {
        (n, "Pod") for n in ("llm", "monitoring", "gateways", "llm-policies")
    }
    removed = [call for call in cluster.calls[-5:] if call[0] == "delete"]
    assert [call[-1] for call in removed[:-1]] == ["llm", "gateways", "monitoring"]
    assert removed[-1][:3] == ("delete", "namespace", "llm-policies")


def test_a_pod_with_the_labels_of_a_service_never_becomes_ready() -> None:
    made = pods.pod(matrix.PROMETHEUS, "an-image")
    assert made["metadata"]["labels"]["app.kubernetes.io/name"] == "prometheus"
    assert made["spec"]["readinessGates"]


def test_the_script_tells_what_listens_from_what_does_not_and_resolves_names() -> None:
    if shutil.which("bash") is None or shutil.which("getent") is None:
        pytest.skip("bash or getent is not on the PATH")
    with socket.socket() as listening, socket.socket() as bound:
        for one in (listening, bound):
            one.bind(("127.0.0.1", 0))
        listening.listen()
        open_, closed = (f"127.0.0.1:{one.getsockname()[1]}" for one in (listening, bound))
        targets = [open_, closed, "localhost", "no-such-name.invalid"]
        shown = subprocess.run(
            ["bash", "-c", pods.SCRIPT, "bash", *targets],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            env={"PATH": os.environ["PATH"]},
        ).stdout
    assert shown.splitlines() == [f"{open_} yes", f"{closed} no", "localhost yes", "no-such-name.invalid no"]
