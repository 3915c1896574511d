"""Draws a run as an SVG that one can look at: rates, latency and tokens over time."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dev.load.lines import Request, Second, seconds

GREEN, ORANGE, RED, BLUE, GREY = "#2a7f3f", "#d98200", "#c0242d", "#1f5fae", "#777777"


def draw(requests: Sequence[Request], title: str, path: Path) -> Path:
    """Writes the plot of a run.

    Raises:
        ValueError: there is no request to draw.
    """
    if not requests:
        raise ValueError("no request to draw")
    span = max(r.ended for r in requests) - min(r.at for r in requests)
    steps = seconds(requests, width=max(1.0, round(span / 120)))
    figure = Figure(figsize=(9, 8), layout="constrained")
    rates, times, tokens = figure.subplots(3, 1, sharex=True)
    figure.suptitle(title)
    _rates(rates, steps)
    _times(times, requests, steps)
    tokens.plot(*_line(steps, [s.tokens for s in steps]), color=BLUE, label="generated")
    tokens.set(ylabel="tokens/s", xlabel="seconds since the first request", ylim=(0, None))
    for axes in (rates, times, tokens):
        axes.grid(alpha=0.3)
        above(axes)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", metadata={"Date": None})
    return path


def above(axes: Axes) -> None:
    """The legend in a line above the axes, where it hides nothing."""
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=4, fontsize="small", frameon=False)


def _line(steps: Sequence[Second], values: Sequence[float | None]) -> tuple[list[float], list[float]]:
    """Points of the steps that have a value, in the middle of each step."""
    width = steps[1].start - steps[0].start if len(steps) > 1 else 1.0
    pairs = [
        (s.start - steps[0].start + width / 2, v) for s, v in zip(steps, values, strict=True) if v is not None
    ]
    return [x for x, _ in pairs], [y for _, y in pairs]


def _rates(axes: Axes, steps: Sequence[Second]) -> None:
    axes.plot(*_line(steps, [s.offered for s in steps]), color=GREY, linestyle="--", label="offered")
    axes.plot(*_line(steps, [s.ok for s in steps]), color=GREEN, label="answered")
    axes.plot(*_line(steps, [s.refused for s in steps]), color=ORANGE, label="refused")
    axes.plot(*_line(steps, [s.failed for s in steps]), color=RED, label="failed")
    axes.set(ylabel="requests/s", ylim=(0, None))


def _times(axes: Axes, requests: Sequence[Request], steps: Sequence[Second]) -> None:
    good = [r for r in requests if r.outcome == "ok"]
    dots = [r.ended - steps[0].start for r in good]
    axes.scatter(dots, [r.seconds for r in good], s=6, color=GREY, alpha=0.5, label="an answer")
    axes.plot(*_line(steps, [s.p95 for s in steps]), color=BLUE, label="P95")
    axes.plot(*_line(steps, [s.ttft_p95 for s in steps]), color=GREEN, label="P95 to the first token")
    axes.set(ylabel="seconds", ylim=(0, None))
