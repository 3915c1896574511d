"""Inject a fault, and check that its alert fires and ends, that clients are told the truth, and the recovery.

    python -m dev fault --fault hang                 one fault: a timeline as it happens, a verdict, an SVG
    python -m dev fault --fault all                  the drill: all of them, and a table of figures
    python -m dev fault --list                       the faults, what each does and which alert it raises
    python -m dev fault --fault all --prove-red      each fault, with what its verdict claims made to fail

Where the platform runs in the cluster, that gets the drill's settings for so long: nobody else can use it.
Without one, the drill starts a gateway, a runtime with the simulated engine and a Prometheus of its own.
Exit status: 0 if everything happened that has to, 1 if not (the lines FAIL say why), 130 after Ctrl-C.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from dev import FixableError
from dev.fault import choice, plot, red, report
from dev.fault.fault import Fault
from dev.fault.place import Place
from dev.fault.run import Run
from dev.fault.table import ALL, FAULTS, TABLE, possible
from dev.fault.timeline import Timeline
from dev.fault.verdict import judge
from dev.load.command import stoppable
from dev.options import Parser


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the options."""
    parser = Parser("fault", __doc__)
    parser.add_setting("--fault", f"one of them, or {ALL}", choices=(*FAULTS, ALL), default="slow-tokens")
    choice.add_profile(parser)
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder of the SVGs and the table")
    parser.add_argument(
        "--prove-red",
        action="store_true",
        help="take away alerts, the fault's end and its answers: the claims must fail",
    )
    parser.add_argument("--list", action="store_true", help="list the faults")
    return parser.parse(argv)


def say(text: str) -> None:
    """Print a line and flush it: Tilt shows output as it comes."""
    print(text, flush=True)


def run_one(place: Place, fault: Fault, out: Path) -> tuple[Timeline, bool]:
    """Run a fault, print its verdict and draw it; return what happened, and whether all of it had to."""
    timeline = Run(place, fault, say).run()
    findings = judge(timeline)
    say("\n".join(str(finding) for finding in findings))
    file = plot.draw(timeline, out / f"fault-{fault.name}-{time.strftime('%H%M%S')}.svg")
    say(f"plot: {file}\n")
    return timeline, all(finding.ok for finding in findings)


def drill(place: Place, faults: Sequence[Fault], out: Path) -> int:
    """Run the faults one after the other and return the exit status."""
    runs = [run_one(place, fault, out) for fault in faults]
    say(report.table(runs))
    failed = [timeline.fault.name for timeline, ok in runs if not ok]
    say(f"FAIL  {', '.join(failed)}" if failed else f"ok    {len(runs)} faults")
    return 1 if failed or not runs else 0


def chosen(name: str, in_cluster: bool) -> Sequence[Fault]:
    """Return the faults with this name, of all those that the place can have.

    Raises:
        FixableError: it cannot have this one.
    """
    faults = [fault for fault in possible(in_cluster) if name in (ALL, fault.name)]
    if not faults:
        raise FixableError(f"{name} needs the platform in a cluster", "make up ENGINE=simulated")
    return faults


def main(argv: list[str]) -> int:
    """Run the command and return its exit status."""
    options = parse(argv)
    if options.list:
        say("\n".join(f"{f.name:<22} {f.alert or 'no alert':<24} {f.description}" for f in TABLE))
        return 0
    in_cluster = choice.in_cluster(options.profile)
    faults = chosen(options.fault, in_cluster)
    if in_cluster:
        say("in the cluster: the running platform gets the drill's settings and API keys until the end")
    else:
        say("starting a gateway, a runtime with the simulated engine, and a Prometheus, for this drill alone")
    with stoppable(), choice.platform(in_cluster, alerts=not options.prove_red) as place:
        return red.prove(place, faults, say) if options.prove_red else drill(place, faults, options.out)
