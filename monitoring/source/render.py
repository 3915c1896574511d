"""Every generated file of the chart as text, the same bytes every time."""

import json
from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from monitoring.source import drill, rules
from monitoring.source.dashboards import llm_objectives, llm_platform

CHART = Path(__file__).parents[1]
DASHBOARDS = CHART / "dashboards"
RULES = CHART / "rules"


def render() -> dict[Path, str]:
    """Return the text of every generated file of the chart by its path."""
    dashboards = (_json(builder) for builder in (llm_platform.dashboard(), llm_objectives.dashboard()))
    objectives = rules.rendered()
    platform = (RULES / "platform.yaml").read_text()
    return {
        **dict(dashboards),
        RULES / "objectives.yaml": objectives,
        RULES / "drill" / "objectives.yaml": drill.rendered("objectives.yaml", objectives),
        RULES / "drill" / "platform.yaml": drill.rendered("platform.yaml", platform),
    }


def _json(builder: Dashboard) -> tuple[Path, str]:
    board = builder.build()
    for number, panel in enumerate(board.panels or [], start=1):
        panel.id_val = number  # Grafana's links to a panel need an id; the builders set none
    text = json.dumps(board, cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
    return DASHBOARDS / f"{board.uid}.json", text
