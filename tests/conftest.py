"""What every test needs."""

import os

from hypothesis import settings

from dev.proxy import exempt_loopback


def pytest_configure() -> None:
    """Let tests reach their servers on loopback directly, whatever proxy the environment names.

    Hypothesis tries the same examples in every run, and gives them as long as a busy machine takes.
    """
    exempt_loopback(os.environ)
    settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
    settings.load_profile("repeatable")
