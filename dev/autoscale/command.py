"""Proves the autoscalers: load rises in the cluster, replicas follow, the load goes, replicas go back.

    python -m dev.autoscale                          the proof: a timeline as it happens, an SVG, a verdict
    python -m dev.autoscale --json out/cpu.json      the same, and its timeline as a file
    python -m dev.autoscale --compare out/*.json     such files side by side, as a Markdown table

Exit status: 0 proven, 1 not proven (the lines FAIL say what and why), 2 it could not be run, 130 stopped.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from dev import FixableError
from dev.autoscale import compare as autoscale_compare
from dev.autoscale import plot as autoscale_plot
from dev.autoscale import timeline as autoscale_timeline
from dev.autoscale import watch as autoscale_watch
from dev.autoscale.cluster import Cluster
from dev.autoscale.timeline import WORKLOADS, Timeline
from dev.autoscale.verdict import judge, obstacle
from dev.load import cluster as load_cluster
from dev.load.command import duration, positive, stoppable
from dev.load.job import IMAGE, URL, Run
from dev.settings import CONTEXT


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.autoscale.command", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--rate", type=positive, default=80.0, help="requests per second at the peak")
    parser.add_argument(
        "--quiet-rate", type=positive, default=0.1, help="requests per second before and after"
    )
    parser.add_argument("--max-tokens", type=positive, default=16, help="tokens of an answer, at most")
    parser.add_argument("--quiet", type=duration, default=15.0, help="before the load rises")
    parser.add_argument("--ramp", type=duration, default=40.0, help="until the load is at its peak")
    parser.add_argument("--hold", type=duration, default=60.0, help="how long the peak lasts")
    parser.add_argument("--tail", type=duration, default=300.0, help="longest wait for the return")
    parser.add_argument("--url", default=URL, help="the gateway as the cluster sees it")
    parser.add_argument("--image", default=os.environ.get("K6_IMAGE") or IMAGE, help="k6 in the cluster")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder of the plot")
    parser.add_argument("--json", type=Path, help="file for the timeline")
    parser.add_argument(
        "--compare", type=Path, nargs="+", metavar="FILE", help="print such files side by side"
    )
    return parser.parse_args(argv)


def settings(options: argparse.Namespace) -> dict[str, str]:
    """The load, as load/autoscale.js wants it told; two runs with the same are comparable."""
    return {
        "BASE_URL": options.url,
        "RATE": f"{options.rate:g}",
        "QUIET_RATE": f"{options.quiet_rate:g}",
        "MAX_TOKENS": f"{options.max_tokens:g}",
        "STREAM": "true",
        "QUIET": f"{options.quiet:g}",
        "RAMP": f"{options.ramp:g}",
        "HOLD": f"{options.hold:g}",
        "TAIL": f"{options.tail:g}",
    }


def say(text: str) -> None:
    """A line at once: Tilt shows it as it comes."""
    print(text, flush=True)


def prove(options: argparse.Namespace) -> Timeline | None:
    """Runs the load and watches; None when something keeps the autoscalers from acting at all."""
    api = load_cluster.connect(CONTEXT)
    cluster = Cluster(api)
    scalers = autoscale_watch.ready(cluster, say)
    blocked = [f"FAIL  {name}: {why}" for name in WORKLOADS if (why := obstacle(scalers.get(name)))]
    if blocked:
        say("\n".join(blocked))
        return None
    load = settings(options)
    falls = options.quiet + options.ramp + options.hold
    up = f"up from {options.quiet:g} s until {falls:g} s"
    say(f"{options.quiet_rate:g} requests/s, then {options.rate:g}: {up}")
    with load_cluster.job(api, Run("autoscale", load), options.image) as pod:
        timeline = Timeline(began=time.time(), ramp=options.quiet, falls=falls, settings=load)
        watch = autoscale_watch.Watch(cluster, timeline, say)
        watch.listen(load_cluster.log(api, pod))
        watch.run(until=falls + options.tail)
        watch.ended.set()
    return timeline


def report(timeline: Timeline, options: argparse.Namespace) -> int:
    """Writes the files, prints numbers and verdict; gives the exit status."""
    if options.json:
        autoscale_timeline.save(timeline, options.json)
    if not timeline.samples:
        say("FAIL  nothing was seen: k6 ended at once, or the API server did not answer")
        return 1
    title = f"{timeline.mode}: {options.quiet_rate:g} to {options.rate:g} requests/s and back"
    plot = options.out / f"autoscale-{timeline.mode}-{time.strftime('%H%M%S')}.svg"
    autoscale_plot.draw(timeline, title, plot)
    say("")
    for name, value in autoscale_compare.rows(timeline, timeline.samples[-1].at):
        say(f"  {name:<38} {value}")
    findings = judge(timeline)
    say("\n" + "\n".join(str(finding) for finding in findings))
    say(f"plot: {plot}")
    return 0 if all(finding.ok for finding in findings) else 1


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the proof, or compares; returns the exit status."""
    options = arguments(argv)
    try:
        if options.compare:
            say(autoscale_compare.table([autoscale_timeline.load(path) for path in options.compare]))
            return 0
        with stoppable():
            timeline = prove(options)
    except (FixableError, ValueError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    except (ApiException, HTTPError) as error:
        print(f"the cluster does not answer: {error}\nfix: make up", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the load is removed", file=sys.stderr)
        return 130
    return 1 if timeline is None else report(timeline, options)


if __name__ == "__main__":
    sys.exit(main())
