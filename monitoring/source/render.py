"""From builders to text: one JSON file for each dashboard, the same bytes every time."""

import json

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from monitoring.source import objectives, platform


def rendered() -> dict[str, str]:
    """Return the JSON text of every dashboard by its file name."""
    return dict(_file(builder) for builder in (platform.dashboard(), objectives.dashboard()))


def _file(builder: Dashboard) -> tuple[str, str]:
    board = builder.build()
    for number, panel in enumerate(board.panels or [], start=1):
        panel.id_val = number  # Grafana's links to a panel need one; the builders give none
    return f"{board.uid}.json", json.dumps(board, cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
