"""Drain a node under load, and kill it: the first must lose no request, and the second has to be survived.

    make nodes

It creates the cluster of ctlptl-nodes.yaml where there is none; make down removes it. Exit status: 0 if every
claim holds, 1 if one does not (the lines FAIL say what and why) or after an error, 130 after Ctrl-C.
"""

import os
import time
from functools import partial
from typing import Any

from dev import FixableError, kubectl
from dev.autoscale.verdict import Finding
from dev.gitops import artifacts
from dev.gitops.command import settings
from dev.gitops.proof import timed
from dev.load import cluster as load_cluster
from dev.load.command import stoppable
from dev.load.job import URL, Run
from dev.nodes import verdict
from dev.nodes.platform import FILE, HERE, available, install, nodes_of, spread, workers
from dev.options import Parser
from dev.rollout.cluster import Cluster
from dev.rollout.command import WARM_SECONDS, wait_for
from dev.rollout.traffic import Traffic
from dev.rollout.verdict import Restart
from dev.settings import CONTEXT, WORKLOADS, Values
from dev.tilt import sources
from dev.up.cluster import apply as create

LOAD = {
    "BASE_URL": URL,
    "STREAMS": "8",
    "RATE": "2",
    "MAX_TOKENS": "16",
    "MAX_VUS": "300",
    "DURATION": "1800",
}
COMPLETE_SECONDS = 300
DRAIN_SECONDS = 300
REPLACED_SECONDS = 240  # from the death of a node: Kubernetes notices it after 40 to 50 s
AFTER_SECONDS = 45  # of load on what is left
LOOK_SECONDS = 1

say = partial(print, flush=True)


def complete(cluster: Cluster) -> None:
    """Wait until both workloads are complete.

    Raises:
        FixableError: they are not in time.
    """
    for workload in WORKLOADS:
        with load_cluster.api_errors():
            if problem := cluster.wait(workload, COMPLETE_SECONDS):
                raise FixableError(f"{workload}: {problem}")


def settle(cluster: Cluster) -> None:
    """Wait until both workloads are complete and spread, as they are not after an earlier run.

    Raises:
        FixableError: they are not in time.
    """
    complete(cluster)
    try:
        say(spread())
    except FixableError:
        spread_anew(cluster)


def drain(node: str) -> Restart:
    """Drain a node, and return when, and what stood against it."""
    began = time.time()
    options = ("--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={DRAIN_SECONDS}s")
    done = kubectl.call("drain", node, *options, seconds=DRAIN_SECONDS + 30)
    return Restart(f"drain of {node}", began, time.time(), done.stderr.strip() if done.returncode else "")


def spread_anew(cluster: Cluster) -> None:
    """Restart both workloads: nothing moves a pod that runs to another node by itself.

    Raises:
        FixableError: they are not complete and spread in time.
    """
    for workload in WORKLOADS:
        with load_cluster.api_errors():
            cluster.restart(workload, COMPLETE_SECONDS)
    complete(cluster)
    say(kubectl.until(spread, 60))


def kill(node: str) -> float:
    """Kill a node, as a power cut does, and return when.

    Raises:
        FixableError: Docker refused.
    """
    at = time.time()
    artifacts.run("docker", "kill", node)
    return at


def replaced(node: str) -> Finding:
    """Wait until the gateway has its two replicas again without the node that died."""

    def whole() -> str:
        if available("llm-api") < 2 or node in nodes_of("llm-api"):
            raise FixableError(f"{available('llm-api')} replicas serve, on {nodes_of('llm-api')}")
        return "2 replicas on what is left"

    return timed("the gateway is whole again by itself", whole, REPLACED_SECONDS)


def returned(values: Values, cluster: Cluster, node: str) -> Finding:
    """Start the node again, and wait until the platform is complete."""
    began = time.monotonic()
    artifacts.run("docker", "start", node)
    create(values, FILE)  # changes nothing, but where its command sets a node's network up
    with load_cluster.api_errors():
        problems = filter(None, [cluster.wait(workload, COMPLETE_SECONDS) for workload in WORKLOADS])
    problem = next(problems, "")
    return Finding(
        "with the node back, all replicas serve",
        not problem,
        problem or f"after {time.monotonic() - began:.0f} s",
    )


def load_node(pod: str) -> str:
    """Return the node that the load comes from."""
    return str(kubectl.shown("pod", pod, *HERE)["spec"]["nodeName"])


def prove(values: Values) -> list[Finding]:
    """Install the platform, drain and kill a node under load, and judge."""
    install(values)
    api = load_cluster.connect(CONTEXT)
    cluster, traffic = Cluster(api), Traffic()
    settle(cluster)
    with load_cluster.job(api, Run("rollout", LOAD), sources.images(values)["k6"]) as pod:
        victim = next(node for node in workers() if node != load_node(pod))
        traffic.listen(load_cluster.log(api, pod))
        traffic.over.wait(WARM_SECONDS)
        drained = drain(victim)
        say(f"{drained.workload}: {drained.ended - drained.began:.0f} s {drained.problem}")
        kubectl.output("uncordon", victim)
        spread_anew(cluster)
        spread_again = time.time()
        wait_for(traffic, spread_again)
        found = verdict.drained(drained, *traffic.before(spread_again), traffic.error)
        say("\n".join(map(str, found)))
        return found + survive(values, cluster, traffic, victim)


def survive(values: Values, cluster: Cluster, traffic: Traffic, victim: str) -> list[Finding]:
    """Kill the node under load, and judge what became of the requests and of the platform."""
    killed = kill(victim)
    whole = replaced(victim)
    at = time.time()
    traffic.over.wait(AFTER_SECONDS)
    end = time.time()
    back = returned(values, cluster, victim)
    wait_for(traffic, end)
    found = [whole, *verdict.survived(killed, at, *traffic.before(end), traffic.error), back]
    say("\n".join(map(str, found)))
    return found


def main(argv: list[str]) -> int:
    """Run the command and return its exit status."""
    Parser("nodes", __doc__).parse(argv)
    values: Any = settings({"ENGINE": "simulated", **os.environ})
    with stoppable():
        return 0 if all(finding.ok for finding in prove(values)) else 1
