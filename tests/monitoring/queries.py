"""The queries of the committed dashboards and rules."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import promql_parser
import yaml

CHART = Path(__file__).parents[2] / "monitoring"
DASHBOARDS = sorted((CHART / "dashboards").glob("*.json"))
RULES = sorted((CHART / "rules").glob("*.yaml"))
DRILL_RULES = sorted((CHART / "rules" / "drill").glob("*.yaml"))

VARIABLES = {
    "namespace": "llm",
    "model": ".*",
    "__rate_interval": "1m",
    "__range": "15m",
}
"""What Grafana substitutes for its variables: all models, over the last quarter of an hour."""


class Query(NamedTuple):
    """A query of a panel, with Grafana's variables in it."""

    dashboard: str
    panel: str
    expression: str

    def filled(self, **variables: str) -> str:
        """Return the expression as Grafana sends it to Prometheus."""
        return fill(self.expression, {**VARIABLES, **variables})


def panels(dashboard: Path) -> list[dict[str, Any]]:
    """Return a dashboard's panels, including those in collapsed rows, without the rows themselves."""
    found: list[dict[str, Any]] = []
    for panel in json.loads(dashboard.read_text())["panels"]:
        found += panel.get("panels", []) if panel["type"] == "row" else [panel]
    return found


def dashboard_queries() -> list[Query]:
    return [
        Query(path.stem, panel["title"], target["expr"])
        for path in DASHBOARDS
        for panel in panels(path)
        for target in panel["targets"]
    ]


def rules() -> Iterator[dict[str, Any]]:
    for path in RULES:
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]


def fill(text: str, variables: Mapping[str, str]) -> str:
    """Replace $name and ${name} by the variable's value.

    Raises:
        KeyError: A variable has no value.
    """
    return re.sub(r"\$\{?([A-Za-z_]\w*)\}?", lambda match: variables[match[1]], text)


def selectors(expression: str) -> list[promql_parser.VectorSelector]:
    """Return every vector selector in an expression.

    Raises:
        ValueError: The expression is not PromQL.
    """
    found: list[promql_parser.VectorSelector] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


def metrics(expression: str) -> set[str]:
    """Return the names of the metrics that an expression reads."""
    return {selector.name or "" for selector in selectors(expression)}
