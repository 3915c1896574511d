"""Every fault names an alert that exists, and declares what clients see."""

import pytest
from llm_api import errors
from llm_runtime.api.simulator import Change

from dev.fault.fault import Fault
from dev.fault.place import HEALTHY
from dev.fault.report import table
from dev.fault.table import FAULTS, TABLE
from dev.fault.timeline import Timeline
from tests.monitoring.queries import rules

ALERTS = {rule["alert"] for rule in rules() if "alert" in rule}
CODES = {
    (cls.status, cls.code)
    for cls in vars(errors).values()
    if isinstance(cls, type) and issubclass(cls, errors.GatewayError)
}


@pytest.mark.parametrize("fault", TABLE, ids=lambda fault: fault.name)
def test_a_fault_names_an_alert_and_answers_that_exist(fault: Fault) -> None:
    assert fault.alert in ALERTS or (not fault.alert and fault.harmless)
    assert fault.harmless or fault.answers
    for answer in (answer for answers in fault.answers.values() for answer in answers):
        codes = (
            {code for _, code in CODES}
            if answer.status == 200
            else {c for s, c in CODES if s == answer.status}
        )
        assert answer.code in codes | {"refused", "unreachable", "reset"}, answer


@pytest.mark.parametrize("fault", [f for f in TABLE if f.simulated], ids=lambda fault: fault.name)
def test_a_change_of_the_simulated_engine_is_one_and_its_end_restores_all_of_it(fault: Fault) -> None:
    change = Change.model_validate(fault.change)
    assert change.fault or change.behavior
    assert change.behavior.keys() <= HEALTHY["behavior"].keys()
    assert fault.change != {key: HEALTHY[key] for key in fault.change}


def test_the_names_are_unique() -> None:
    assert len(FAULTS) == len(TABLE)


def test_the_report_has_a_row_for_each_run() -> None:
    runs = [(Timeline(fault, began=0, within=10, injected=1, ended=2), False) for fault in TABLE[:2]]
    rows = table(runs).splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == ["| slow-tokens", "| slow-first-token"]
    assert all(row.count("|") == 9 and "| - |" in row for row in rows)
