"""The rules with short windows, for a drill that waits for each alert: the thresholds stay as they are.

A window is counted in scrapes here, so that it always has the samples that a rate needs.
"""

import re
from typing import Any

import yaml

SCRAPE_SECONDS = 10
"""The interval in the cluster, for which the drill's rules of the chart are made."""
SCRAPES = {
    "1m": 1,
    "2m": 2,
    "5m": 4,
    "10m": 4,
    "15m": 20,
    "30m": 6,
    "1h": 20,
    "6h": 24,
    "3d": 30,
}
"""The scrapes in the place of each duration that a rule has; those of a `for` are as many evaluations."""
HEADER = "# Generated from rules/{name} by `make generate`: do not edit. The windows of {name}, shortened.\n"


def duration(seconds: float) -> str:
    """Return a time as Prometheus writes it, which has no fractions."""
    return f"{seconds:g}s" if seconds == int(seconds) else f"{seconds * 1000:g}ms"


def shortened(rules: str, scrape_seconds: float = SCRAPE_SECONDS, *, alerts: bool = True) -> str:
    """Return a rule file with its windows and waits shortened; names of recorded metrics stay.

    Without its alerts it has the recorded metrics alone.

    Raises:
        KeyError: SCRAPES lacks a duration.
    """

    def short(window: str) -> str:
        return duration(SCRAPES[window] * scrape_seconds)

    content: dict[str, Any] = yaml.safe_load(rules)
    for group in content["groups"]:
        group["rules"] = [rule for rule in group["rules"] if alerts or "alert" not in rule]
    for rule in (rule for group in content["groups"] for rule in group["rules"]):
        rule["expr"] = re.sub(r"\[(\w+)\]", lambda found: f"[{short(found[1])}]", rule["expr"])
        if "for" in rule:
            rule["for"] = short(rule["for"])
    return yaml.safe_dump(content, sort_keys=False, width=110)


def rendered(name: str, rules: str) -> str:
    """Return the drill's rule file of the chart."""
    return HEADER.format(name=name) + shortened(rules)
