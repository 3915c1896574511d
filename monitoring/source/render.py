"""Every generated file of the chart as text, the same bytes every time."""

import json

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from monitoring.source import rules
from monitoring.source.dashboards import llm_objectives, llm_platform


def rendered() -> dict[str, str]:
    """Return the text of every generated file by its path below monitoring/."""
    dashboards = (_json(builder) for builder in (llm_platform.dashboard(), llm_objectives.dashboard()))
    return {**dict(dashboards), "rules/objectives.yaml": rules.rendered()}


def _json(builder: Dashboard) -> tuple[str, str]:
    board = builder.build()
    for number, panel in enumerate(board.panels or [], start=1):
        panel.id_val = number  # Grafana's links to a panel need an id; the builders set none
    return f"dashboards/{board.uid}.json", json.dumps(board, cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
