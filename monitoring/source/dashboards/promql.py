"""PromQL expressions shared by several panels, for the namespace and models that are selected."""

from monitoring.source.dashboards.panels import Query

NAMESPACE = 'namespace="$namespace"'
MODEL = f'{NAMESPACE}, model=~"$model"'


def per_second(counter: str, matchers: str = MODEL) -> str:
    """The summed rate of a counter."""
    return f"sum(rate({counter}{{{matchers}}}[$__rate_interval]))"


def counted(outcome: str) -> str:
    """Requests per second that ended so; 0 where none ever did."""
    return per_second("llm_requests_total", f'{MODEL}, outcome="{outcome}"') + " or vector(0)"


def average(histogram: str) -> str:
    """The mean of what a histogram saw."""
    return f"{per_second(histogram + '_sum')} / {per_second(histogram + '_count')}"


def quantile(q: float, histogram: str) -> str:
    """A quantile of what a histogram saw, over all pods and models chosen."""
    return f"histogram_quantile({q}, sum by (le) (rate({histogram}_bucket{{{MODEL}}}[$__rate_interval])))"


def average_and_quantiles(histogram: str) -> list[Query]:
    """The four lines of every latency panel."""
    quantiles = [(quantile(q, histogram), f"P{q * 100:.0f}") for q in (0.5, 0.95, 0.99)]
    return [(average(histogram), "average"), *quantiles]
