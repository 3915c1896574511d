"""The parts of the gateway, which main.py assembles."""
