"""A recorded run becomes an SVG with everything in it; a timeline survives its file."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from dev.autoscale import command as autoscale
from dev.autoscale import plot as autoscale_plot
from dev.autoscale.compare import recovery, table
from dev.autoscale.timeline import load, replica_seconds, save
from dev.load import plot as load_plot
from tests.dev.recorded import FALLS, request, timeline


def svg(path: Path) -> str:
    text = path.read_text()
    assert ElementTree.fromstring(text).tag.endswith("svg")  # noqa: S314 - matplotlib wrote it
    return text


def test_a_load_is_drawn_with_its_rates_times_and_tokens(tmp_path: Path) -> None:
    requests = [request(n / 4) for n in range(40)] + [request(3.0, "refused"), request(4.0, "failed")]
    text = svg(load_plot.draw(requests, "steady", tmp_path / "new" / "load.svg"))
    for label in ("answered", "refused", "failed", "P95 to the first token", "tokens/s"):
        assert f"<!-- {label} -->" in text


def test_a_run_of_a_single_request_can_be_drawn(tmp_path: Path) -> None:
    svg(load_plot.draw([request(0.0, "failed")], "smoke", tmp_path / "load.svg"))


def test_nothing_cannot_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no request"):
        load_plot.draw([], "none", tmp_path / "load.svg")


def test_a_timeline_is_drawn_with_load_queue_latency_and_replicas(tmp_path: Path) -> None:
    text = svg(autoscale_plot.draw(timeline(), "cpu", tmp_path / "autoscale.svg"))
    for label in ("offered", "waiting", "P95, seconds", "llm-api, told", "llm-runtime, told", "replicas"):
        assert f"<!-- {label} -->" in text


def test_a_timeline_without_metrics_can_be_drawn(tmp_path: Path) -> None:
    seen = timeline(metric=None)
    for sample in seen.samples:
        sample.__dict__.update(running=None, waiting=None, p95=None)
    svg(autoscale_plot.draw(seen, "cpu", tmp_path / "autoscale.svg"))


def test_a_timeline_survives_its_file(tmp_path: Path) -> None:
    save(timeline(), tmp_path / "t.json")
    assert load(tmp_path / "t.json") == timeline()


def test_a_file_of_something_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.json").write_text("{}")
    assert autoscale.main(["--compare", str(tmp_path / "x.json")]) == 2
    assert "is not a timeline" in capsys.readouterr().err


def test_replica_seconds_are_the_area_under_the_replicas() -> None:
    points = timeline().of("llm-runtime")  # 2 from 40 s until 190 s
    assert replica_seconds(points, 20.0, 200.0) == 20 + 2 * 150 + 10
    assert replica_seconds(points, 20.0, 300.0) == 20 + 2 * 150 + 110


def test_two_runs_stand_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kind in ("cpu", "queue"):
        save(timeline(kind=kind), tmp_path / f"{kind}.json")
    assert autoscale.main(["--compare", str(tmp_path / "cpu.json"), str(tmp_path / "queue.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "|  | cpu | queue |"
    assert "| llm-api: told to grow after | 10 s | 10 s |" in lines
    assert "| peak P95 of 10 s | 2.50 s | 2.50 s |" in lines


def test_runs_of_different_loads_are_not_compared() -> None:
    other = timeline()
    other.settings = {"RATE": "5"}
    with pytest.raises(ValueError, match="different loads"):
        table([timeline(), other])


def test_the_report_ends_with_the_verdict_and_its_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = autoscale.arguments(["--out", str(tmp_path), "--json", str(tmp_path / "t.json")])
    assert autoscale.report(timeline(), options) == 0
    broken = timeline(requests=[request(FALLS + 1, "failed", error="reset")])
    assert autoscale.report(broken, options) == 1
    out = capsys.readouterr().out
    assert "FAIL  no request fails while scaling down: 1 failed then" in out
    assert recovery(broken, "llm-api") == 20.0
    assert list(tmp_path.glob("autoscale-cpu-*.svg"))
