"""Translations that several dialects share."""
