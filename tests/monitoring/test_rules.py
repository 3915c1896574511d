"""Every alert is described, has a runbook, and has test cases that fire, stay silent and resolve."""

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
def test_the_alerts_fire_stay_silent_and_resolve_as_their_cases_expect(promtool: str, file: Path) -> None:
    run([promtool, "test", "rules", str(file)])


def run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_case_that_fires_and_resolves_and_one_that_stays_silent(alert: str) -> None:
    found = [firing for name, firing in timelines() if name == alert]
    assert any(True in timeline for timeline in found), "no case fires"
    assert any(timeline[-1] is False for timeline in found if True in timeline), "no case resolves"
    assert any(True not in timeline for timeline in found), "no case stays silent throughout"


def timelines() -> list[tuple[str, list[bool]]]:
    """Return, for each alert that a test case checks, whether it fires at each of the times, in order."""
    found = []
    for file in TESTS:
        for case in yaml.safe_load(file.read_text())["tests"]:
            checks: dict[str, list[tuple[int, bool]]] = defaultdict(list)
            for check in case["alert_rule_test"]:
                checks[check["alertname"]].append((seconds(check["eval_time"]), bool(check["exp_alerts"])))
            found += [(name, [fires for _, fires in sorted(times)]) for name, times in checks.items()]
    return found


def seconds(duration: str) -> int:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    return sum(int(count) * units[unit] for count, unit in re.findall(r"(\d+)([smhd])", duration))


@pytest.mark.parametrize("alert", ALERTS.values(), ids=list(ALERTS))
def test_an_alert_has_a_severity_a_summary_a_description_and_a_runbook(alert: dict[str, Any]) -> None:
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
