"""The five claims about the platform under Argo CD, each of which is tried."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dev import FixableError, kubectl
from dev.autoscale.verdict import Finding
from dev.gitops import argo
from dev.gitops.manifests import Release
from dev.load import cluster as load_cluster
from dev.load.job import URL, Run
from dev.rollout import verdict
from dev.rollout.cluster import Cluster
from dev.rollout.command import WARM_SECONDS, wait_for
from dev.rollout.traffic import Traffic
from dev.rollout.verdict import KINDS, Restart
from dev.settings import CONTEXT, NAMESPACE

SYNC_SECONDS = 300
SCALE_SECONDS = 120
HEAL_SECONDS = 60
ROLLOUT_SECONDS = 240
BROKEN_SECONDS = 60  # until the pods of a version that cannot start say so
BROKEN_LASTS = 20  # seconds for which it must not take a replica away
LOAD = {"BASE_URL": URL, "STREAMS": "8", "RATE": "2", "MAX_TOKENS": "16", "MAX_VUS": "100"}
IN_NAMESPACE = ("--namespace", NAMESPACE)
GATEWAY = "llm-api"


def shown(*arguments: str) -> dict[str, Any]:
    """Return an object of the platform's namespace."""
    return kubectl.shown(*arguments, *IN_NAMESPACE)


def timed(claim: str, attempt: Callable[[], str], seconds: float) -> Finding:
    """Return the finding of an attempt that is repeated until it succeeds, with the time that it took."""
    began = time.monotonic()
    try:
        detail = kubectl.until(attempt, seconds)
    except FixableError as error:
        return Finding(claim, False, f"not within {seconds:g} s: {error}")
    return Finding(claim, True, f"{detail} after {time.monotonic() - began:.0f} s")


def converges(releases: list[Release]) -> Finding:
    """Check that Argo CD installs the releases."""
    return timed("Argo CD installs the platform", lambda: argo.synced(releases), SYNC_SECONDS)


def leaves_scaling_alone(releases: list[Release]) -> Finding:
    """Check that the number of replicas, which an autoscaler changed, is no difference."""
    claim = "what an autoscaler changes is no difference"

    def scaled() -> str:
        scaler = shown("hpa", GATEWAY)
        wanted, made = scaler["spec"]["minReplicas"], shown("deployment", GATEWAY)["spec"]["replicas"]
        if made < wanted or made == 1:
            raise FixableError(f"the autoscaler asks for {wanted} replicas, and the Deployment for {made}")
        argo.refresh(GATEWAY)
        return f"1 replica by the chart, {made} by the autoscaler: {argo.synced(releases)}"

    return timed(claim, scaled, SCALE_SECONDS)


def heals(releases: list[Release]) -> Finding:
    """Check that a change by hand is undone."""
    before = shown("hpa", GATEWAY)["spec"]["maxReplicas"]
    patch = json.dumps({"spec": {"maxReplicas": before + 7}})
    kubectl.output("patch", "hpa", GATEWAY, *IN_NAMESPACE, "--type=merge", "--patch", patch)

    def healed() -> str:
        now = shown("hpa", GATEWAY)["spec"]["maxReplicas"]
        if now != before:
            raise FixableError(f"maxReplicas is {now} by hand, and not {before}")
        return f"maxReplicas {before + 7} by hand is {now} again, {argo.synced(releases)}"

    return timed("a change by hand is healed", healed, HEAL_SECONDS)


def changed(releases: list[Release], **values: Any) -> list[Release]:
    """Return the releases with other values of the gateway's."""
    return [
        replace(one, values=json.dumps(json.loads(one.values) | values, sort_keys=True))
        if one.chart == GATEWAY
        else one
        for one in releases
    ]


def rolls(releases: list[Release], image: str) -> list[Finding]:
    """Check that neither a new version nor one that cannot start loses a request, and go back from that."""
    newer = changed(releases, podAnnotations={"llm-platform/release": "2"})
    api, traffic = load_cluster.connect(CONTEXT), Traffic()
    with load_cluster.job(api, Run("rollout", LOAD | {"DURATION": "900"}), image) as pod:
        traffic.listen(load_cluster.log(api, pod))
        traffic.over.wait(WARM_SECONDS)
        restart, found = roll_out(api, releases, newer)
        broken, more = break_and_go_back(newer)
        end = time.time()
        wait_for(traffic, end)
        ended, still_open = traffic.before(end)
    lost = [
        verdict.finding(kind, [r for r in ended if r.kind == kind], still_open[kind], [restart])
        for kind in KINDS
    ]
    lasts = Finding("the load lasts", not traffic.error, traffic.error or f"{len(ended)} requests")
    during = sum(r.outcome == "ok" and broken <= r.ended for r in ended)
    serves = Finding("the old version serves meanwhile", during > 0, f"{during} requests were answered")
    return [found, *more, serves, lasts, *lost]


def roll_out(api: Any, old: list[Release], new: list[Release]) -> tuple[Restart, Finding]:
    """Let Argo CD roll a new version out."""
    cluster, began = Cluster(api), time.time()
    argo.deploy(new, old)

    def complete() -> str:
        said = argo.synced(new)
        with load_cluster.api_errors():
            problem = cluster.wait(GATEWAY, 0)
        if problem:
            raise FixableError(f"{GATEWAY}: {problem}")
        return said

    found = timed("a new version rolls out", complete, ROLLOUT_SECONDS)
    return Restart(GATEWAY, began, time.time()), found


def break_and_go_back(releases: list[Release]) -> tuple[float, list[Finding]]:
    """Deploy an image that does not exist, see that it takes nothing away, and go back by the command."""
    image = json.loads(next(one.values for one in releases if one.chart == GATEWAY))["image"]
    began = time.time()
    argo.deploy(changed(releases, image={**image, "digest": "sha256:" + "0" * 64}), releases)
    claim = "a version that cannot start is stopped"
    stopped = timed(claim, cannot_start, BROKEN_SECONDS)
    if stopped.ok:
        time.sleep(BROKEN_LASTS)
        stopped = timed(claim, cannot_start, 5)
    back()
    return began, [stopped, timed("the rollback is complete", lambda: argo.synced(releases), ROLLOUT_SECONDS)]


def cannot_start() -> str:
    """Return that a pod of the new version cannot start, and that the old ones all serve.

    Raises:
        FixableError: that is not so.
    """
    status = shown("deployment", GATEWAY)["status"]
    pods = shown("pods", "--selector", f"app.kubernetes.io/name={GATEWAY}")["items"]
    reasons = {
        container["state"]["waiting"]["reason"]
        for pod in pods
        for container in pod["status"].get("containerStatuses", [])
        if "waiting" in container["state"]
    }
    health = argo.application(GATEWAY)["status"].get("health", {}).get("status", "Unknown")
    available, wanted = (
        status.get("availableReplicas", 0),
        status["replicas"] - status.get("updatedReplicas", 0),
    )
    if not reasons & {"ErrImagePull", "ImagePullBackOff"}:
        raise FixableError(f"no pod says that its image cannot be pulled: {sorted(reasons)}")
    if available < wanted or available < 2:
        raise FixableError(f"{available} of {wanted} old replicas serve")
    if health == "Healthy":
        raise FixableError("Argo CD calls it Healthy")
    return f"{', '.join(sorted(reasons))}; {available} old replicas serve; Argo CD says {health}"


def back() -> list[Release]:
    """Give Argo CD the releases before the ones that it has, and return them.

    Raises:
        FixableError: there are none.
    """
    current, previous = argo.deployed()
    if not previous:
        raise FixableError("there is no release before this one", "make gitops")
    argo.deploy(previous, current)
    return previous
