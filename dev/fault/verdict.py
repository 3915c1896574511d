"""Judge a timeline: the alert fired and was resolved, clients were told the truth, the platform recovered."""

import itertools
from collections import Counter
from collections.abc import Callable, Sequence

from dev.autoscale.verdict import Finding
from dev.fault.calls import Call
from dev.fault.fault import Answer, Fault
from dev.fault.timeline import Timeline

Claim = Callable[[Timeline], Finding]
RECOVERED_CALLS = 10
"""Whole answers in a row, up to the end, that show that the platform has recovered."""


def claims(fault: Fault) -> list[Claim]:
    """Return the claims of a fault's drill."""
    alert = [alert_fires, alert_resolves] if fault.alert else []
    rest = [expected_answers, no_hang, no_cut, recovers, counters_only_grow, nothing_left]
    return [quiet_before, *alert, *rest]


def judge(timeline: Timeline) -> list[Finding]:
    """Return a finding for every claim."""
    return [claim(timeline) for claim in claims(timeline.fault)]


def quiet_before(timeline: Timeline) -> Finding:
    """Check that every call was answered before the fault."""
    before = [c for c in timeline.calls if c.at + c.seconds < timeline.injected]
    failed = [c for c in before if not c.ok]
    detail = f"{len(before)} calls" if before and not failed else _first(failed) or "no call was made"
    return Finding("before the fault every call is answered", bool(before) and not failed, detail)


def alert_fires(timeline: Timeline) -> Finding:
    """Check that the alert fired while the fault lasted, in time."""
    claim = f"{timeline.fault.alert} fires within {timeline.within:.0f} s"
    fired = timeline.fired()
    if fired is None or fired > timeline.ended:
        others = sorted({c.name for c in timeline.alerts if c.firing and c.name != timeline.fault.alert})
        return Finding(claim, False, f"it did not fire; others that did: {', '.join(others) or 'none'}")
    return Finding(claim, fired - timeline.injected <= timeline.within, f"{fired - timeline.injected:.0f} s")


def alert_resolves(timeline: Timeline) -> Finding:
    """Check that the alert was resolved after the fault."""
    claim = f"{timeline.fault.alert} is resolved within {timeline.within:.0f} s of the fault's end"
    resolved = timeline.resolved()
    if timeline.fired() is None:
        return Finding(claim, False, "it never fired")
    if resolved is None:
        waited = timeline.finished - timeline.ended
        return Finding(claim, False, f"it was still firing {waited:.0f} s after the end")
    if resolved < timeline.ended:
        return Finding(claim, False, "it was resolved while the fault lasted")
    seconds = resolved - timeline.ended
    return Finding(claim, seconds <= timeline.within, f"{seconds:.0f} s")


def answer(call: Call) -> Answer:
    return Answer(call.status, call.code, bool(call.retry_after))


def expected_answers(timeline: Timeline) -> Finding:
    """Check that clients saw what the fault declares and nothing else, and Retry-After where it belongs."""
    fault = timeline.fault
    claim = "clients see only what the fault declares"
    affected = [c for c in timeline.affected() if not (c.cut and fault.cuts)]
    unexpected = [c for c in affected if answer(c) not in fault.answers.get(c.lane, ())]
    seen = Counter(str(answer(c)) for c in affected)
    shown = ", ".join(f"{count} x {what}" for what, count in seen.most_common()) or "nothing"
    if unexpected:
        return Finding(claim, False, f"{_first(unexpected)}; in all: {shown}")
    unnoticed = not affected and not fault.harmless
    return Finding(claim, not unnoticed, f"{shown}{', so the fault reached nobody' if unnoticed else ''}")


def no_hang(timeline: Timeline) -> Finding:
    """Check that every call ended by the platform's deadline."""
    hung = [c for c in timeline.calls if c.code == "hang"]
    longest = max((c.seconds for c in timeline.calls), default=0.0)
    return Finding(
        "no call hangs past its deadline", not hung, _first(hung) or f"the longest: {longest:.1f} s"
    )


def no_cut(timeline: Timeline) -> Finding:
    """Check that no response ended early without an error event."""
    cut = [c for c in timeline.calls if c.cut]
    if timeline.fault.cuts:
        late = [c for c in cut if c.at > timeline.ended]
        detail = _first(late) or f"{len(cut)} were on their way in the killed process"
        return Finding("no answer is cut but those of the killed process", not late, detail)
    return Finding("no answer is cut without an error event", not cut, _first(cut) or "0 were")


def recovers(timeline: Timeline) -> Finding:
    """Check that the last calls of the clients were answered whole."""
    claim = f"after the fault, calls are answered again within {timeline.within:.0f} s"
    good = timeline.recovered()
    if good is None:
        return Finding(claim, False, _first(timeline.affected()[-1:]) or "no call was made")
    answered = sum(c.at >= good for c in timeline.calls if c.lane == "clients")
    ok = answered >= RECOVERED_CALLS and good - timeline.ended <= timeline.within
    return Finding(claim, ok, f"after {good - timeline.ended:.1f} s, {answered} in a row")


def counters_only_grow(timeline: Timeline) -> Finding:
    """Check that a counter fell only where its process had started again."""
    claim = "no counter goes backwards but at the start of a process"
    number = 0
    for process, counters in timeline.counters.items():
        starts = timeline.starts.get(process, ())
        for series in counters:
            number += 1
            for (earlier, before), (later, after) in itertools.pairwise(series.samples):
                if after < before and _start(starts, earlier) == _start(starts, later):
                    detail = f"{series.name} of {process} fell from {before:g} to {after:g}"
                    return Finding(claim, False, detail)
    return Finding(claim, number > 0, f"{number} counters" if number else "no counter was scraped")


def _start(starts: Sequence[tuple[float, float]], at: float) -> float:
    """Return the start of the process that was scraped at a time."""
    return next((value for when, value in starts if when == at), 0.0)


def nothing_left(timeline: Timeline) -> Finding:
    """Check that no request was running or waiting after the last call."""
    left = timeline.left
    detail = "unknown: nothing was scraped" if left is None else f"{left:g} running or waiting"
    return Finding("no request is left running", left == 0, detail)


def _first(calls: list[Call]) -> str:
    if not calls:
        return ""
    call = calls[0]
    return f"{len(calls)} calls, the first: {answer(call)}, {call.detail or 'no detail'}"
