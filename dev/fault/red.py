"""Show that the claims of a drill can fail: each fault once, so that four of its claims must be red.

Prometheus has no alerts; the fault goes on when it should have ended; no answer is declared but whole ones.
A fault that no client notices comes together with one that all do.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from dev.autoscale.verdict import Finding
from dev.fault.fault import Action, Fault
from dev.fault.place import Place
from dev.fault.run import Run
from dev.fault.table import FAULTS
from dev.fault.timeline import Timeline
from dev.fault.verdict import Claim, alert_fires, alert_resolves, claims, expected_answers, no_cut, recovers

PATIENCE = 0.35
"""Nothing that is waited for comes."""
FOR_GOOD: dict[Action, Action] = {"delete_runtime": "stop_runtime", "delete_gateway": "kill_gateway"}
"""What to do in place of a fault that the cluster ends by itself."""
NOTICED = FAULTS["runtime-down"]


def sabotaged(fault: Fault) -> Fault:
    """Return the fault without an end of its own, and without the answers that it declares."""
    return replace(fault, action=FOR_GOOD.get(fault.action, fault.action), answers={})


def due(fault: Fault) -> list[Claim]:
    """Return the claims that must be red; where only another lane notices the fault, its clients do not."""
    alert = [alert_fires, alert_resolves] if fault.alert else []
    recovery = [recovers] if fault.harmless or "clients" in fault.answers else []
    return [*alert, expected_answers, *recovery]


def judge(timeline: Timeline, fault: Fault) -> Finding:
    """Check that exactly the claims are red that must be."""
    judged = {c: c(timeline) for c in claims(fault) if not (fault.cuts and c is no_cut)}
    must = due(fault)
    wrong = [str(found) for claim, found in judged.items() if found.ok == (claim in must)]
    detail = "; ".join(wrong) or ", ".join(claim.__name__ for claim in must)
    return Finding(f"{fault.name}: its claims are red when they must be, and no others", not wrong, detail)


def prove(place: Place, faults: Sequence[Fault], say: Callable[[str], None]) -> int:
    """Run the faults one after the other and return the exit status."""
    findings = []
    for fault in faults:
        beside = [NOTICED] if fault.harmless else []
        timeline = Run(place, sabotaged(fault), say, PATIENCE, ends=False, beside=beside).run()
        say("\n".join(str(claim(timeline)) for claim in claims(fault)))
        findings.append(judge(timeline, fault))
        say(f"{findings[-1]}\n")
    say("\n".join(map(str, findings)))
    return 0 if all(finding.ok for finding in findings) else 1
