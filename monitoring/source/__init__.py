"""The source of the dashboards: `python -m monitoring.source` writes monitoring/dashboards/."""
