"""Dashboards, rules and monitoring values of the LLM platform."""
