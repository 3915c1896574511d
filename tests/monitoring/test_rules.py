"""Every alert is explained, has a runbook, and is seen to fire, to stay silent and to resolve."""

import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.queries import RULES, rules

ROOT = Path(__file__).parents[2]
TESTS = sorted((Path(__file__).parent / "rules").glob("*_test.yaml"))
ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}


def test_promtool_accepts_the_rules(promtool: str) -> None:
    run([promtool, "check", "rules", "--lint-fatal", *map(str, RULES)])


@pytest.mark.slow
@pytest.mark.parametrize("file", TESTS, ids=lambda path: path.stem)
def test_promtool_sees_the_alerts_fire_stay_silent_and_resolve(promtool: str, file: Path) -> None:
    run([promtool, "test", "rules", str(file)])


def run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_case_that_fires_and_resolves_and_one_that_stays_silent(alert: str) -> None:
    courses = [firing for name, firing in courses_of_tests() if name == alert]
    assert any(True in course for course in courses), "no case fires"
    assert any(course[-1] is False for course in courses if True in course), "no case resolves"
    assert any(True not in course for course in courses), "no case stays silent throughout"


def courses_of_tests() -> list[tuple[str, list[bool]]]:
    """For each test case, each alert that it looks at: whether it fires, in the order of time."""
    found = []
    for file in TESTS:
        for case in yaml.safe_load(file.read_text())["tests"]:
            looks: dict[str, list[tuple[int, bool]]] = defaultdict(list)
            for look in case["alert_rule_test"]:
                looks[look["alertname"]].append((seconds(look["eval_time"]), bool(look["exp_alerts"])))
            found += [(name, [fires for _, fires in sorted(seen)]) for name, seen in looks.items()]
    return found


def seconds(duration: str) -> int:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    return sum(int(count) * units[unit] for count, unit in re.findall(r"(\d+)([smhd])", duration))


@pytest.mark.parametrize("alert", ALERTS.values(), ids=list(ALERTS))
def test_an_alert_says_what_is_wrong_and_how_bad_it_is(alert: dict[str, Any]) -> None:
    assert re.fullmatch(r"LLM[A-Z][A-Za-z]+", alert["alert"])
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert alert["annotations"]["summary"].endswith(".")


@pytest.mark.parametrize("alert", ALERTS.values(), ids=list(ALERTS))
def test_an_alerts_runbook_exists_and_names_it(alert: dict[str, Any]) -> None:
    path, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    sections = re.split(r"^## ", (ROOT / path).read_text(), flags=re.MULTILINE)[1:]
    by_anchor = {re.sub(r"[^a-z0-9-]", "", section.splitlines()[0].lower()): section for section in sections}
    assert anchor in by_anchor
    assert alert["alert"] in by_anchor[anchor]


def test_prometheus_keeps_samples_for_the_longest_window() -> None:
    values = yaml.safe_load((ROOT / "monitoring/values/kube-prometheus-stack.yaml").read_text())
    kept = seconds(values["prometheus"]["prometheusSpec"]["retention"])
    windows = [window for rule in rules() for window in re.findall(r"\[(\w+)\]", rule["expr"])]
    assert max(map(seconds, windows)) <= kept
