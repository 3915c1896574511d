"""A few cases, always the same, in `make test`; thousands of new ones in `make fuzz`."""

import os

from hypothesis import HealthCheck, settings

GIVEN = os.environ.get("FUZZ_CASES", "")
CASES = int(GIVEN or 150)


def cases(share: float) -> settings:
    """Settings of a test that gets this share of all cases."""
    return settings(
        max_examples=max(1, round(CASES * share)),
        derandomize=not GIVEN,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
