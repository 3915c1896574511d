"""What every test needs."""

import os

from dev.proxy import exempt_loopback


def pytest_configure() -> None:
    """Let tests reach their servers on loopback directly, whatever proxy the environment names."""
    exempt_loopback(os.environ)
