"""PromQL expressions shared by several panels, for the namespace and models that are selected."""

from monitoring.source.dashboards.panels import Query

NAMESPACE = 'namespace="$namespace"'
MODEL = f'{NAMESPACE}, model=~"$model"'


def per_second(counter: str, matchers: str = MODEL) -> str:
    """Return the rate of a counter, summed over pods."""
    return f"sum(rate({counter}{{{matchers}}}[$__rate_interval]))"


def counted(outcome: str) -> str:
    """Return the rate of requests with this outcome; 0 if there never was one."""
    return per_second("llm_requests_total", f'{MODEL}, outcome="{outcome}"') + " or vector(0)"


def average(histogram: str) -> str:
    """Return the mean of a histogram's observations."""
    return f"{per_second(histogram + '_sum')} / {per_second(histogram + '_count')}"


def quantile(q: float, histogram: str) -> str:
    """Return a quantile of a histogram's observations, over all pods and the selected models."""
    return f"histogram_quantile({q}, sum by (le) (rate({histogram}_bucket{{{MODEL}}}[$__rate_interval])))"


def average_and_quantiles(histogram: str) -> list[Query]:
    """Return the four lines of a latency panel: average, P50, P95, P99."""
    quantiles = [(quantile(q, histogram), f"P{q * 100:.0f}") for q in (0.5, 0.95, 0.99)]
    return [(average(histogram), "average"), *quantiles]
