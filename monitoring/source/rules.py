"""Recording rules and burn-rate alerts of the objectives, as a rule file for Prometheus."""

from typing import Any

import yaml

from monitoring.source.slo import (
    BURN_ALERTS,
    MINIMUM_REQUESTS,
    OBJECTIVES,
    WINDOWS,
    BurnAlert,
    Objective,
    Scope,
)

HEADER = "# Generated from monitoring/source/slo.py by `make generate`: do not edit.\n"
PER_NAMESPACE = "sum by (namespace) "

Rule = dict[str, Any]


def rendered() -> str:
    """Return the YAML of the rule file: one group of rules for each objective."""
    groups = [{"name": f"llm-{o.name}", "rules": [*recordings(o), *alerts(o)]} for o in OBJECTIVES]
    return HEADER + yaml.safe_dump({"groups": groups}, sort_keys=False, width=110)


def recordings(objective: Objective) -> list[Rule]:
    """Return the rules that record the target, the burn rate of each window, and how many requests it had."""
    budget = f"(1 - scalar(llm:{objective.name}:objective))"
    return [
        _recording(objective, "objective", f"vector({objective.target})"),
        *(
            _recording(
                objective,
                f"burnrate{window}",
                f"({objective.bad_share(Scope(PER_NAMESPACE, 'rate', window))}) / {budget}",
            )
            for window in WINDOWS
        ),
        *(
            _recording(
                objective,
                f"requests{alert.long}",
                Scope(PER_NAMESPACE, "increase", alert.long).total(objective.total),
            )
            for alert in BURN_ALERTS
        ),
    ]


def alerts(objective: Objective) -> list[Rule]:
    return [_alert(objective, alert) for alert in BURN_ALERTS]


def _recording(objective: Objective, name: str, expression: str) -> Rule:
    return {"record": f"llm:{objective.name}:{name}", "expr": expression}


def _alert(objective: Objective, alert: BurnAlert) -> Rule:
    burn_rate = f"llm:{objective.name}:burnrate"
    expression = (
        f"{burn_rate}{alert.long} > {alert.factor:g} and {burn_rate}{alert.short} > {alert.factor:g}"
        f" and llm:{objective.name}:requests{alert.long} >= {MINIMUM_REQUESTS}"
    )
    return {
        "alert": f"{objective.alert}{alert.speed}",
        "expr": expression,
        "labels": {"severity": alert.severity},
        "annotations": {
            "summary": f"{objective.summary} in {{{{ $labels.namespace }}}}.",
            "description": f"{objective.cause} Over {alert.long} the error budget was spent "
            f'{{{{ $value | printf "%.1f" }}}} times faster than allowed (limit {alert.factor:g}), '
            f"and the last {alert.short} are no better. At this rate it is gone {alert.exhausted}.",
            "runbook_url": f"docs/runbooks.md#{objective.alert.lower()}",
        },
    }
