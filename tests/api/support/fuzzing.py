"""How many cases the fuzz tests try.

Without FUZZ_CASES, every run tries the same few (`make test`); with it, each run tries that many new ones
(`make fuzz`).
"""

import os

from hypothesis import HealthCheck, settings

FUZZ_CASES = os.environ.get("FUZZ_CASES", "")
TOTAL = int(FUZZ_CASES or 150)


def fuzz_cases(share: float) -> settings:
    """Return Hypothesis settings for a test that gets this share of all cases, from 0 to 1."""
    return settings(
        max_examples=max(1, round(TOTAL * share)),
        derandomize=not FUZZ_CASES,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
