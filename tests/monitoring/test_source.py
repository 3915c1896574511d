"""The committed dashboards and rules match their source, and pass the checks of grafana/dashboard-linter."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from monitoring.source.render import render
from tests.monitoring.queries import (
    CHART,
    DASHBOARDS,
    DRILL_RULES,
    VARIABLES,
    dashboard_queries,
    fill,
    panels,
    selectors,
)

UNITS = {"bytes", "none", "percentunit", "reqps", "s", "short"}
ROWS = ["Traffic", "Latency", "Tokens", "Saturation", "Autoscaling"]
PANELS = [(path.stem, panel) for path in DASHBOARDS for panel in panels(path)]
RATES = {"rate", "irate", "increase"}


@pytest.fixture(params=DASHBOARDS, ids=lambda path: path.stem)
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    path: Path = request.param
    content: dict[str, Any] = json.loads(path.read_text())
    return content


@pytest.fixture(params=PANELS, ids=lambda named: f"{named[0]}: {named[1]['title']}")
def panel(request: pytest.FixtureRequest) -> dict[str, Any]:
    content: dict[str, Any] = request.param[1]
    return content


def test_the_committed_dashboards_and_rules_are_what_the_source_generates() -> None:
    generated = [*DASHBOARDS, CHART / "rules" / "objectives.yaml", *DRILL_RULES]
    committed = {path: path.read_text() for path in generated}
    assert committed == render(), "run `make generate`"


def test_the_platform_dashboard_has_a_row_for_each_topic() -> None:
    content = json.loads(render()[CHART / "dashboards" / "llm-platform.json"])
    rows = [panel["title"] for panel in content["panels"] if panel["type"] == "row"]
    assert rows[: len(ROWS)] == ROWS


def test_one_query_asks_for_the_exemplars_of_the_histogram_that_has_them() -> None:
    queries = [query for _, panel in PANELS for query in panel.get("targets", ())]
    (found,) = [query["expr"] for query in queries if query.get("exemplar")]
    assert "llm_time_to_first_token_seconds_bucket" in found


def test_a_dashboard_cannot_be_edited_in_grafana(dashboard: dict[str, Any]) -> None:
    assert dashboard["editable"] is False


def test_the_data_source_is_a_variable(dashboard: dict[str, Any]) -> None:
    first = dashboard["templating"]["list"][0]
    assert (first["name"], first["label"], first["type"], first["query"]) == (
        "datasource",
        "Data source",
        "datasource",
        "prometheus",
    )


def test_variables_follow_the_time_range_and_query_the_selected_data_source(
    dashboard: dict[str, Any],
) -> None:
    for variable in dashboard["templating"]["list"][1:]:
        assert variable["type"] == "query"
        assert variable["refresh"] == 2
        assert variable["datasource"]["uid"] == "${datasource}"
        function, _, selector = variable["query"].partition("(")
        assert function == "label_values"
        promql_parser.parse(fill(selector.rpartition(",")[0], VARIABLES))


def test_panels_have_unique_ids_and_do_not_overlap(dashboard: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in dashboard["panels"]]
    cells = [
        (x, y)
        for position in (panel["gridPos"] for panel in dashboard["panels"])
        for x in range(position["x"], position["x"] + position["w"])
        for y in range(position["y"], position["y"] + position["h"])
    ]
    assert len(set(ids)) == len(ids)
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_a_panel_has_a_title_a_description_and_a_unit(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert len(panel["description"]) > 20
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS


def test_a_panel_queries_the_selected_data_source(panel: dict[str, Any]) -> None:
    assert panel["targets"]
    assert panel["datasource"]["uid"] == "${datasource}"
    for target in panel["targets"]:
        assert target["datasource"]["uid"] == "${datasource}"
        assert target["legendFormat"]
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_rates_use_grafanas_rate_interval() -> None:
    interval = timedelta(seconds=1234)
    for query in dashboard_queries():
        for function, selector in _ranges(query.filled(__rate_interval="1234s")):
            if function in {"rate", "irate"}:
                assert selector.range == interval, f"{query.panel}: {query.expression}"


def test_counters_are_shown_as_rates() -> None:
    for query in dashboard_queries():
        counters = [s.name for s in selectors(query.filled()) if (s.name or "").endswith("_total")]
        rated = [s.vector_selector.name for f, s in _ranges(query.filled()) if f in RATES]
        assert counters == [name for name in rated if (name or "").endswith("_total")], query.panel


def _ranges(expression: str) -> list[tuple[str, promql_parser.MatrixSelector]]:
    """Return each range selector in an expression, and the function that is applied to it."""
    found: list[tuple[str, promql_parser.MatrixSelector]] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.Call):
            ranges = [a for a in node.args if isinstance(a, promql_parser.MatrixSelector)]
            found.extend((node.func.name, taken) for taken in ranges)

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found
