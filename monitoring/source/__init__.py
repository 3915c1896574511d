"""The source of the dashboards and of the objectives' rules: `python -m monitoring.source` writes both."""
