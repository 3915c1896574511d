"""How busy the cores are, from the kernel's counts."""

import os

import pytest

from bench import BenchError, machine
from bench.machine import Reading, busy_seconds, others

STAT = """cpu  100 0 100 1000 50 0 0 0 0 0
cpu0 60 10 40 500 25 5 5 30 60 10
cpu1 40 0 60 500 25 0 0 0 0 0
intr 1 2 3
"""


def test_idle_and_iowait_are_not_busy_but_steal_is() -> None:
    ticks = {core: seconds / machine.TICK for core, seconds in busy_seconds(STAT, [0, 1]).items()}
    assert ticks == pytest.approx({0: 150, 1: 100})


def test_other_cores_do_not_count() -> None:
    assert list(busy_seconds(STAT, [1])) == [1]


def test_work_of_our_own_processes_is_not_that_of_others() -> None:
    before = Reading(at=10.0, busy={0: 1.0, 1: 1.0}, used={7: 0.5})
    after = Reading(at=12.0, busy={0: 2.0, 1: 2.0}, used={7: 1.5})
    assert others(before, after) == pytest.approx(0.5)


def test_the_work_of_others_is_never_negative() -> None:
    before = Reading(at=0.0, busy={0: 0.0}, used={7: 0.0})
    after = Reading(at=1.0, busy={0: 0.9}, used={7: 1.0})
    assert others(before, after) == 0.0


def test_a_process_that_has_ended_counts_as_zero() -> None:
    assert machine.used_seconds(2**22 + 1) == 0.0


def test_one_core_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3}, raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", lambda process, cores: None, raising=False)
    with pytest.raises(BenchError, match="one core is not enough"):
        machine.cores()


def test_a_system_without_pinning_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    with pytest.raises(BenchError, match="run it on Linux"):
        machine.cores()
