"""A fault of a real platform makes a real Prometheus fire its alert, and the run is red without it."""

from collections.abc import Iterator

import pytest

from dev.fault.local import Local, find_prometheus, platform
from dev.fault.run import Run
from dev.fault.table import FAULTS
from dev.fault.timeline import Timeline
from dev.fault.verdict import judge

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place() -> Iterator[Local]:
    if find_prometheus() is None:
        pytest.skip("prometheus is neither on the PATH nor beside promtool (`make test` installs that)")
    # Half a second between scrapes, for short windows; and a queue that a busy machine does not fill.
    with platform(scrape_seconds=0.5, LLM_MAX_WAITING="64") as local:
        yield local


def red(timeline: Timeline) -> list[str]:
    return [str(finding) for finding in judge(timeline) if not finding.ok]


@pytest.mark.parametrize("name", ["runtime-503", "runtime-down"])
def test_a_fault_passes(place: Local, name: str) -> None:
    lines: list[str] = []
    timeline = Run(place, FAULTS[name], lines.append, patience=1.5).run()
    assert red(timeline) == [], "\n".join(lines)
