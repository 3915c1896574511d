"""The source of the dashboards and of the objectives' rules: `make generate` writes both."""
