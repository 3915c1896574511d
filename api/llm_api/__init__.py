"""The gateway's parts; main.py puts them together."""
