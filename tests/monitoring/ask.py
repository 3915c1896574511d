"""Ask a running Prometheus."""

import math

import httpx


def numbers(prometheus: str, expression: str) -> list[float]:
    """Return the values of an instant query that are numbers: no sample and NaN alike are nothing to draw.

    Raises httpx.HTTPStatusError where Prometheus refuses the query.
    """
    answer = httpx.get(f"{prometheus}/api/v1/query", params={"query": expression}, trust_env=False)
    answer.raise_for_status()
    values = [float(sample["value"][1]) for sample in answer.json()["data"]["result"]]
    return [value for value in values if not math.isnan(value)]
