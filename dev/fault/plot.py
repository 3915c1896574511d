"""Draw a run of a fault as an SVG: what became of the calls, how long they took, and the alerts."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dev.autoscale.plot import BLUE, GREEN, GREY, ORANGE, RED
from dev.fault.calls import Call
from dev.fault.timeline import Timeline


def draw(timeline: Timeline, path: Path) -> Path:
    """Write the plot and return its path; its time 0 is the beginning of the fault."""
    figure = Figure(figsize=(10, 7), layout="constrained")
    rates, seconds, alerts = figure.subplots(3, 1, sharex=True, height_ratios=(2, 2, 1))
    figure.suptitle(f"{timeline.fault.name}: {timeline.fault.description}")
    _rates(rates, timeline)
    _seconds(seconds, timeline)
    _alerts(alerts, timeline)
    for axes in (rates, seconds, alerts):
        axes.grid(alpha=0.3)
        axes.axvspan(0, timeline.ended - timeline.injected, color=GREY, alpha=0.12)
    alerts.set(xlabel="seconds since the fault began (grey: it lasts)")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", metadata={"Date": None})
    return path


def colour(call: Call) -> str:
    """Green: a whole answer; orange: an honest refusal to be sent again; red: anything else."""
    if call.ok:
        return GREEN
    return ORANGE if call.retry_after else RED


KINDS = {GREEN: "answered", ORANGE: "refused, with Retry-After", RED: "failed"}


def _rates(axes: Axes, timeline: Timeline) -> None:
    """Stack the calls that ended in each second, by what became of them."""
    ends = {kind: [_since(timeline, c) for c in timeline.calls if colour(c) == kind] for kind in KINDS}
    last = max((at for times in ends.values() for at in times), default=0.0)
    first = min((at for times in ends.values() for at in times), default=0.0)
    axes.hist(
        list(ends.values()),
        bins=max(1, round(last - first)),
        stacked=True,
        color=list(KINDS),
        label=list(KINDS.values()),
    )
    axes.set(ylabel="calls ended a second")
    # Above the axes: the bars fill them.
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, fontsize="small", frameon=False)


def _seconds(axes: Axes, timeline: Timeline) -> None:
    for kind in KINDS:
        calls = [c for c in timeline.calls if colour(c) == kind]
        axes.scatter([_since(timeline, c) for c in calls], [c.seconds for c in calls], s=6, color=kind)
    axes.set(ylabel="seconds of a call")
    axes.set_ylim(bottom=0)


def _alerts(axes: Axes, timeline: Timeline) -> None:
    names = list(dict.fromkeys(change.name for change in timeline.alerts))
    for line, name in enumerate(names):
        began: float | None = None
        for change in (c for c in timeline.alerts if c.name == name):
            at = change.at - timeline.injected
            if change.firing:
                began = at
            elif began is not None:
                axes.barh(line, at - began, left=began, color=_bar(timeline, name))
                began = None
        if began is not None:
            width = timeline.finished - timeline.injected - began
            axes.barh(line, width, left=began, color=_bar(timeline, name))
    axes.set_yticks(range(len(names)), names)


def _bar(timeline: Timeline, name: str) -> str:
    return RED if name == timeline.fault.alert else BLUE


def _since(timeline: Timeline, call: Call) -> float:
    return call.at + call.seconds - timeline.injected
