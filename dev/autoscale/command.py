"""Prove the autoscalers: load rises in the cluster and replicas follow, it falls and they are removed.

    python -m dev autoscale                          the proof: a timeline as it happens, an SVG, a verdict
    python -m dev autoscale --json out/cpu.json      the same, and its timeline as a file
    python -m dev autoscale --compare out/*.json     the numbers of such files, as a Markdown table

Where the runtime may go to zero, the proof is another: it goes away, a request brings it back, it goes again.
Exit status: 0 proven, 1 not proven (the lines FAIL say what and why) or an error, 130 after Ctrl-C.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from dev import FixableError
from dev.autoscale import compare, plot, watch, zero
from dev.autoscale import timeline as timelines
from dev.autoscale.cluster import Cluster
from dev.autoscale.timeline import Timeline
from dev.autoscale.verdict import judge, obstacle
from dev.load import cluster as load_cluster
from dev.load.command import duration, positive, stoppable
from dev.load.job import IMAGE, URL, Run
from dev.options import Parser
from dev.settings import CONTEXT, WORKLOADS


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the options."""
    parser = Parser("autoscale", __doc__)
    parser.add_setting("--rate", "requests per second at the peak", type=positive, default=80.0)
    parser.add_setting("--baseline-rate", "requests per second before and after", type=positive, default=0.1)
    parser.add_setting("--max-tokens", "limit of each answer", type=positive, default=16)
    parser.add_setting("--baseline", "time before the load rises", type=duration, default=15.0)
    parser.add_setting("--ramp", "time until the load is at its peak", type=duration, default=40.0)
    parser.add_setting("--hold", "time at the peak", type=duration, default=60.0)
    parser.add_setting("--tail", "longest wait for the replicas to be removed", type=duration, default=300.0)
    parser.add_setting("--image", "k6 in the cluster", variable="K6_IMAGE", default=IMAGE)
    parser.add_argument("--url", default=URL, help="the gateway as the cluster sees it")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder of the plot")
    parser.add_argument("--json", type=Path, help="file for the timeline")
    parser.add_argument("--compare", type=Path, nargs="+", metavar="FILE", help="compare such files")
    return parser.parse(argv)


def settings(options: argparse.Namespace) -> dict[str, str]:
    """Return the settings of load/autoscale.js; runs with the same settings are comparable."""
    return {
        "BASE_URL": options.url,
        "RATE": f"{options.rate:g}",
        "BASELINE_RATE": f"{options.baseline_rate:g}",
        "MAX_TOKENS": f"{options.max_tokens:g}",
        "STREAM": "true",
        "BASELINE": f"{options.baseline:g}",
        "RAMP": f"{options.ramp:g}",
        "HOLD": f"{options.hold:g}",
        "TAIL": f"{options.tail:g}",
    }


def say(text: str) -> None:
    """Print a line and flush it: Tilt shows output as it comes."""
    print(text, flush=True)


def prove(api: load_cluster.Api, options: argparse.Namespace) -> Timeline | None:
    """Run the load and watch; return None if something keeps the autoscalers from acting at all."""
    cluster = Cluster(api)
    with load_cluster.api_errors():
        scalers = watch.ready(cluster, say)
    blocked = [f"FAIL  {name}: {why}" for name in WORKLOADS if (why := obstacle(scalers.get(name)))]
    if blocked:
        say("\n".join(blocked))
        return None
    load = settings(options)
    load_ends = options.baseline + options.ramp + options.hold
    say(
        f"{options.baseline_rate:g} requests/s, and up to {options.rate:g} from {options.baseline:g} s"
        f" until {load_ends:g} s"
    )
    with load_cluster.job(api, Run("autoscale", load), options.image) as pod:
        timeline = Timeline(time.time(), options.baseline, load_ends, load)
        watcher = watch.Watch(cluster, timeline, say)
        watcher.listen(load_cluster.log(api, pod))
        watcher.run(until=load_ends + options.tail)
        watcher.ended.set()
    return timeline


def report(timeline: Timeline, options: argparse.Namespace) -> int:
    """Write the files, print numbers and verdict, and return the exit status."""
    if options.json:
        timelines.save(timeline, options.json)
    if not timeline.samples:
        say("FAIL  no sample was taken: k6 ended at once, or the API server did not answer")
        return 1
    title = f"{timeline.mode}: {options.baseline_rate:g} to {options.rate:g} requests/s and back"
    file = options.out / f"autoscale-{timeline.mode}-{time.strftime('%H%M%S')}.svg"
    plot.draw(timeline, title, file)
    say("")
    for name, value in compare.rows(timeline, timeline.samples[-1].at):
        say(f"  {name:<40} {value}")
    findings = judge(timeline)
    say("\n" + "\n".join(str(finding) for finding in findings))
    say(f"plot: {file}")
    return 0 if all(finding.ok for finding in findings) else 1


def main(argv: list[str]) -> int:
    """Run the command and return its exit status."""
    options = parse(argv)
    if options.compare:
        try:
            say(compare.table([timelines.load(path) for path in options.compare]))
        except (ValueError, OSError) as error:
            raise FixableError(str(error)) from error
        return 0
    with stoppable():
        api = load_cluster.connect(CONTEXT)
        with load_cluster.api_errors():
            if platform := zero.goes_to_zero(api):
                findings = zero.prove(platform, say)
                say("\n" + "\n".join(str(finding) for finding in findings))
                return 0 if all(finding.ok for finding in findings) else 1
        timeline = prove(api, options)
    return 1 if timeline is None else report(timeline, options)
