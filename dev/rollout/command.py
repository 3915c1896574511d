"""Prove that rolling restarts and updates lose no request: both workloads, again and again, under load.

    python -m dev rollout                            5 restarts of each workload, and a change of each image
    python -m dev rollout --restarts 1 --streams 20  a short look

100 streams at any time and 20 plain calls a second come from inside the cluster, on kept and new connections.
Meanwhile the workloads run their production images, which are built for it (but Ollama's), and have
production's time to stop; all requests may run at once, and the simulated engine has a steady pace.
Exit status: 0 proven, 1 not proven (the lines FAIL say what and why) or an error, 130 after Ctrl-C.
"""

import argparse
import time
from collections.abc import Iterable, Sequence
from functools import partial

from dev.autoscale.verdict import Finding
from dev.fault.kube import Kube
from dev.fault.settings import engine_of
from dev.load import cluster as load_cluster
from dev.load.command import duration, positive, stoppable
from dev.load.job import IMAGE, URL, Run
from dev.options import Parser
from dev.rollout import images
from dev.rollout.cluster import Cluster
from dev.rollout.room import room
from dev.rollout.steps import Step, steps
from dev.rollout.traffic import Traffic
from dev.rollout.verdict import Restart, fate, judge
from dev.settings import CONTEXT, WORKLOADS

WARM_SECONDS = 10  # of load before the first restart
PAUSE_SECONDS = 3  # between restarts
END_SECONDS = 135  # for what was sent before the last restart was over; a request may take 130
LOOK_SECONDS = 0.5
MAX_VUS = 400  # calls that can wait at once: 20 a second for 20 s

say = partial(print, flush=True)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the options."""
    parser = Parser("rollout", __doc__)
    parser.add_setting("--restarts", "restarts of each workload", type=int, default=5)
    parser.add_setting("--streams", "streams at any time", type=int, default=100)
    parser.add_setting("--rate", "plain calls per second", type=positive, default=20.0)
    parser.add_setting("--max-tokens", "limit of each answer", type=positive, default=32)
    parser.add_setting("--workloads", "which to restart", default=",".join(WORKLOADS))
    parser.add_setting("--timeout", "longest time of one restart", type=duration, default=180.0)
    parser.add_setting("--image", "k6 in the cluster", variable="K6_IMAGE", default=IMAGE)
    parser.add_argument("--url", default=URL, help="the gateway as the cluster sees it")
    options = parser.parse(argv)
    options.workloads = options.workloads.split(",")
    if unknown := set(options.workloads) - set(WORKLOADS):
        parser.error(f"argument --workloads: {', '.join(unknown)} is none of {', '.join(WORKLOADS)}")
    if options.restarts < 1 or options.streams < 1:
        parser.error("argument --restarts, --streams: must be at least 1")
    return options


def settings(options: argparse.Namespace) -> dict[str, str]:
    """Return the settings of load/rollout.js, whose load lasts longer than all restarts may."""
    restarts = len(options.workloads) * (options.restarts + 1)  # and a change of each image
    seconds = WARM_SECONDS + restarts * (options.timeout + PAUSE_SECONDS) + END_SECONDS
    return {
        "BASE_URL": options.url,
        "STREAMS": str(options.streams),
        "RATE": f"{options.rate:g}",
        "MAX_TOKENS": f"{options.max_tokens:g}",
        "DURATION": f"{seconds:g}",
        "MAX_VUS": str(MAX_VUS),
    }


def prove(options: argparse.Namespace) -> list[Finding]:
    """Restart under load, and judge what became of the requests."""
    api = load_cluster.connect(CONTEXT)
    kube, cluster = Kube(api), Cluster(api)
    with load_cluster.api_errors():
        engine = engine_of(kube)
        pushed = images.push(engine)
        planned = steps(cluster, options.workloads, options.restarts, options.timeout, pushed)
        with room(kube, engine, options.streams + MAX_VUS, pushed):
            return under_load(api, cluster, planned, options)


def under_load(
    api: load_cluster.Api, cluster: Cluster, planned: Iterable[Step], options: argparse.Namespace
) -> list[Finding]:
    for workload in WORKLOADS:
        if problem := cluster.wait(workload, options.timeout):
            return [Finding(f"{workload} is complete at first", False, problem)]
    traffic = Traffic()
    say(f"{options.streams} streams at any time, and {options.rate:g} plain calls a second")
    with load_cluster.job(api, Run("rollout", settings(options)), options.image) as pod:
        traffic.listen(load_cluster.log(api, pod))
        traffic.over.wait(WARM_SECONDS)
        restarts = take(planned, traffic)
        end = time.time()
        wait_for(traffic, end)
        return judge(restarts, *traffic.before(end), traffic.error)


def take(planned: Iterable[Step], traffic: Traffic) -> list[Restart]:
    """Take the steps, until one does not complete or the load has ended."""
    began, restarts = time.time(), list[Restart]()
    for step in planned:
        with load_cluster.api_errors():
            restarts.append(step.run())
        say(line(restarts[-1], step.what, traffic, began))
        if restarts[-1].problem or traffic.over.wait(PAUSE_SECONDS):
            break
    return restarts


def line(one: Restart, what: str, traffic: Traffic, began: float) -> str:
    """Return a line about a restart."""
    ended = [request for request in list(traffic.ended) if request.ended >= one.began]
    lost = sum(bool(fate(request)) for request in ended)
    ok = sum(request.outcome == "ok" for request in ended)
    rejected = sum(request.outcome == "rejected" for request in ended)
    return (
        f"{one.ended - began:5.0f} s  {one.workload} {what}: {one.ended - one.began:.0f} s"
        f"  {ok} answered  {rejected} rejected  {lost} lost" + (f"  {one.problem}" if one.problem else "")
    )


def wait_for(traffic: Traffic, end: float) -> None:
    """Wait until all that was sent before `end` has ended, or can no longer."""
    deadline = time.monotonic() + END_SECONDS
    while traffic.before(end)[1] and time.monotonic() < deadline:
        if traffic.over.wait(LOOK_SECONDS):
            return


def main(argv: list[str]) -> int:
    """Run the command and return its exit status."""
    options = parse(argv)
    with stoppable():
        findings = prove(options)
    say("\n" + "\n".join(str(finding) for finding in findings))
    return 0 if all(finding.ok for finding in findings) else 1
