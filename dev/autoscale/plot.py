"""Draw a timeline as an SVG: load, queue, latency, metrics and replicas."""

from collections.abc import Callable
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dev.autoscale.timeline import Sample, Timeline
from dev.settings import WORKLOADS

GREEN, ORANGE, RED, BLUE, GREY = "#2a7f3f", "#d98200", "#c0242d", "#1f5fae", "#777777"
COLOURS = dict(zip(WORKLOADS, (BLUE, ORANGE), strict=True))


def draw(timeline: Timeline, title: str, path: Path) -> Path:
    """Write the plot.

    Raises:
        ValueError: the timeline has no sample.
    """
    if not timeline.samples:
        raise ValueError("no sample to draw")
    figure = Figure(figsize=(10, 11), layout="constrained")
    load, queue, latency, metric, replicas = figure.subplots(5, 1, sharex=True)
    figure.suptitle(title)
    _rates(load, timeline)
    _lines(queue, timeline, "requests", ("running", BLUE, lambda s: s.running))
    _lines(queue, timeline, "requests", ("waiting", ORANGE, lambda s: s.waiting))
    _lines(latency, timeline, "P95, seconds", ("of the last 10 s", BLUE, lambda s: s.p95))
    _metrics(metric, timeline)
    _replicas(replicas, timeline)
    for axes in (load, queue, latency, metric, replicas):
        axes.grid(alpha=0.3)
        axes.axvspan(timeline.load_starts, timeline.load_ends, color=GREY, alpha=0.08)
        axes.set_ylim(bottom=0)
        axes.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=4, fontsize="small", frameon=False)
    replicas.set(xlabel="seconds (grey: the load is up; dotted: an autoscaler rescales)")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", metadata={"Date": None})
    return path


def _lines(
    axes: Axes, timeline: Timeline, unit: str, line: tuple[str, str, Callable[[Sample], float | None]]
) -> None:
    name, colour, of = line
    points = [(s.at, value) for s in timeline.samples if (value := of(s)) is not None]
    axes.plot([at for at, _ in points], [value for _, value in points], color=colour, label=name)
    axes.set(ylabel=unit)


def _rates(axes: Axes, timeline: Timeline) -> None:
    _lines(axes, timeline, "requests/s", ("offered", GREY, lambda s: s.offered))
    _lines(axes, timeline, "requests/s", ("answered", GREEN, lambda s: s.answered))
    _lines(axes, timeline, "requests/s", ("rejected", ORANGE, lambda s: s.rejected))
    _lines(axes, timeline, "requests/s", ("failed", RED, lambda s: s.failed))


def _metrics(axes: Axes, timeline: Timeline) -> None:
    """Draw each autoscaler's metric as a multiple of its target."""
    for workload in WORKLOADS:
        points = [
            (at, s.metric / s.target)
            for at, s in timeline.of(workload)
            if s.metric is not None and not s.inactive and s.target
        ]
        axes.plot([at for at, _ in points], [m for _, m in points], color=COLOURS[workload], label=workload)
    axes.axhline(1, color=GREY, linewidth=1, linestyle="--")
    axes.set(ylabel=f"metric ({timeline.mode})\nof its target")


def _replicas(axes: Axes, timeline: Timeline) -> None:
    for workload in WORKLOADS:
        points = timeline.of(workload)
        times = [at for at, _ in points]
        desired, ready = [s.replicas for _, s in points], [s.ready for _, s in points]
        colour = COLOURS[workload]
        axes.step(times, desired, where="post", color=colour, label=f"{workload}, desired")
        axes.step(times, ready, where="post", color=colour, alpha=0.5, linestyle="--", label="ready")
    for event in timeline.events:
        if event.reason == "SuccessfulRescale":
            axes.axvline(event.at, color=COLOURS.get(event.about, GREY), linestyle=":")
    axes.set(ylabel="replicas")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
