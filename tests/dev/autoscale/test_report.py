"""A timeline can be saved, drawn, compared and judged."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from dev.autoscale import command, plot
from dev.autoscale.compare import recovery, table
from dev.autoscale.timeline import load, replica_seconds, save
from dev.settings import ROOT
from tests.dev.recorded import LOAD_ENDS, request, timeline


def svg(path: Path) -> str:
    text = path.read_text()
    assert ElementTree.fromstring(text).tag.endswith("svg")  # noqa: S314 - matplotlib wrote it
    return text


def test_a_timeline_is_drawn_with_load_queue_latency_and_replicas(tmp_path: Path) -> None:
    text = svg(plot.draw(timeline(), "cpu", tmp_path / "autoscale.svg"))
    for label in (
        "offered",
        "waiting",
        "P95, seconds",
        "llm-api, desired",
        "llm-runtime, desired",
        "replicas",
    ):
        assert f"<!-- {label} -->" in text


def test_a_timeline_without_metrics_can_be_drawn(tmp_path: Path) -> None:
    seen = timeline(metric=None)
    for sample in seen.samples:
        sample.__dict__.update(running=None, waiting=None, p95=None)
    svg(plot.draw(seen, "cpu", tmp_path / "autoscale.svg"))


def test_a_timeline_survives_its_file(tmp_path: Path) -> None:
    save(timeline(), tmp_path / "t.json")
    assert load(tmp_path / "t.json") == timeline()


@pytest.mark.parametrize("content", [None, "", "{}", "[]"])
def test_a_file_that_is_not_a_timeline_is_refused(dev: Any, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "x.json"
    if content is not None:
        file.write_text(content)
    status, _, err = dev("autoscale", "--compare", str(file))
    assert status == 1
    assert err.startswith("error: ")
    assert str(file) in err


def test_replica_seconds_are_the_area_under_the_replicas() -> None:
    points = timeline().of("llm-runtime")  # 2 from 40 s until 190 s
    assert replica_seconds(points, 20.0, 200.0) == 20 + 2 * 150 + 10
    assert replica_seconds(points, 20.0, 300.0) == 20 + 2 * 150 + 110


def test_two_runs_are_compared_in_a_table(dev: Any, tmp_path: Path) -> None:
    for kind in ("cpu", "queue"):
        save(timeline(kind=kind), tmp_path / f"{kind}.json")
    status, out, _ = dev("autoscale", "--compare", str(tmp_path / "cpu.json"), str(tmp_path / "queue.json"))
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "|  | cpu | queue |"
    assert "| llm-api: scale-up decided after | 10 s | 10 s |" in lines
    assert "| peak P95 over 10 s | 2.50 s | 2.50 s |" in lines


def test_the_documents_table_has_the_rows_of_the_command() -> None:
    documented = (ROOT / "docs" / "autoscaling.md").read_text()
    names = [line.split(" | ")[0] for line in table([timeline()]).splitlines()[2:]]
    assert [name for name in names if f"\n{name} | " not in documented] == []


def test_runs_of_different_loads_are_not_compared() -> None:
    other = timeline()
    other.settings = {"RATE": "5"}
    with pytest.raises(ValueError, match="different loads"):
        table([timeline(), other])


def test_the_report_ends_with_the_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = command.parse(["--out", str(tmp_path), "--json", str(tmp_path / "t.json")])
    assert command.report(timeline(), options) == 0
    broken = timeline(requests=[request(LOAD_ENDS + 1, "failed", error="reset")])
    assert command.report(broken, options) == 1
    out = capsys.readouterr().out
    assert "FAIL  no request fails while scaling down: 1 failed then" in out
    assert recovery(broken, "llm-api") == 20.0
    assert list(tmp_path.glob("autoscale-cpu-*.svg"))
