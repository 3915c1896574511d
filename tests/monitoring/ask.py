"""Query a running Prometheus."""

import math

import httpx

from tests.processes import PLAIN


def numbers(prometheus: str, expression: str) -> list[float]:
    """Return the values of an instant query without NaN, which Grafana draws no more than a missing sample.

    Raises:
        httpx.HTTPStatusError: Prometheus rejected the query.
    """
    query = {"query": expression}
    response = httpx.get(f"{prometheus}/api/v1/query", params=query, trust_env=False, verify=PLAIN)
    response.raise_for_status()
    values = [float(sample["value"][1]) for sample in response.json()["data"]["result"]]
    return [value for value in values if not math.isnan(value)]
