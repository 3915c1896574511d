"""The service level objectives and their burn-rate alerts: rules and dashboard are both generated from here.

How outcomes count: `ok` is good; `error` and `timeout` are bad. `rejected` counts on neither side, because
rejecting early is what bounds everyone else's wait, and because a load test could spend any budget with
rejections; LLMRequestsRejected watches their share instead. Nor does `cancelled`: the client left.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

MINIMUM_REQUESTS = 30
"""Requests that an alert needs in its long window: among fewer, one failure would be a large share."""
FIRST_TOKEN_SECONDS = 2.5
"""Must be a bucket boundary of `llm_time_to_first_token_seconds`."""
OUTPUT_TOKEN_SECONDS = 0.2
"""About as fast as people read; a bucket boundary of `llm_time_per_output_token_seconds`."""


class BurnAlert(NamedTuple):
    """An alert on how fast the error budget of 30 days is spent: `factor` 1 spends it in exactly 30 days.

    The burn rate must exceed `factor` over both windows: the long one shows that it matters, the short one
    that it has not stopped. https://sre.google/workbook/alerting-on-slos/ (method 6)
    """

    speed: str
    severity: str
    long: str
    short: str
    factor: float
    exhausted: str
    """When a budget that is spent `factor` times too fast is gone."""


BURN_ALERTS = (
    BurnAlert("Fast", "critical", "1h", "5m", 14.4, "in two days"),
    BurnAlert("Medium", "critical", "6h", "30m", 6, "in five days"),
    BurnAlert("Slow", "warning", "3d", "6h", 1, "within its 30 days"),
)
WINDOWS = sorted(
    {window for alert in BURN_ALERTS for window in (alert.short, alert.long)},
    key=lambda window: ("mhd".index(window[-1]), int(window[:-1])),
)
"""Every window of an alert, shortest first."""


class Series(NamedTuple):
    """A metric, and the label matchers that select some of its series."""

    metric: str
    matchers: str = ""


FAILED = Series("llm_requests_total", 'outcome=~"error|timeout"')
SERVED = Series("llm_requests_total", 'outcome=~"ok|error|timeout"')
FIRST_TOKENS = Series("llm_time_to_first_token_seconds_count")
OUTPUT_TOKENS = Series("llm_time_per_output_token_seconds_count")


class Scope(NamedTuple):
    """Where an expression applies: a rule sums by namespace over a window, a panel over the time shown."""

    sum: str
    function: str
    window: str
    matchers: str = ""

    def over(self, series: Series) -> str:
        """Return PromQL for a counter's `rate` or `increase`."""
        matchers = ", ".join(filter(None, (self.matchers, series.matchers)))
        selector = f"{series.metric}{{{matchers}}}" if matchers else series.metric
        return f"{self.function}({selector}[{self.window}])"

    def total(self, series: Series) -> str:
        return f"{self.sum}({self.over(series)})"


def failed_share(scope: Scope) -> str:
    """Return PromQL for the share of failed requests: 0 before a first failure, empty without requests."""
    failed = f"{scope.sum}({scope.over(FAILED)} or 0 * {scope.over(SERVED)})"
    return f"{failed} / ({scope.total(SERVED)} > 0)"


def slow_share(count: Series, seconds: float, scope: Scope) -> str:
    """Return PromQL for the share of a histogram's samples that are above a bound: empty without samples."""
    in_time = Series(f"{count.metric.removesuffix('_count')}_bucket", f'le="{seconds}"')
    return f"1 - {scope.total(in_time)} / ({scope.total(count)} > 0)"


class Objective(NamedTuple):
    """A promise to clients, and everything that its rules and its row of panels say about it."""

    name: str
    """Its part of the recorded metrics: `llm:<name>:burnrate5m`."""
    target: float
    bad_share: Callable[[Scope], str]
    total: Series
    alert: str
    """The alerts are called this and their speed; in lower case it is the anchor of their runbook."""
    summary: str
    cause: str
    title: str
    promise: str
    target_description: str
    achieved_description: str


OBJECTIVES = (
    Objective(
        name="availability",
        target=0.99,
        bad_share=failed_share,
        total=SERVED,
        alert="LLMAvailabilityBurn",
        summary="Too many requests fail",
        cause="Requests end in errors or timeouts.",
        title="Availability",
        promise="requests that are answered",
        target_description="Share of requests that must not end in an error or a timeout.",
        achieved_description="Share of requests answered; rejected and cancelled ones do not count.",
    ),
    Objective(
        name="ttft",
        target=0.95,
        bad_share=partial(slow_share, FIRST_TOKENS, FIRST_TOKEN_SECONDS),
        total=FIRST_TOKENS,
        alert="LLMFirstTokenBurn",
        summary="Answers begin too late",
        cause=f"First tokens take longer than {FIRST_TOKEN_SECONDS} s.",
        title="Time to first token",
        promise=f"answers that start within {FIRST_TOKEN_SECONDS} s",
        target_description=f"Share of answers whose first token must come within {FIRST_TOKEN_SECONDS} s.",
        achieved_description=f"Share of answers whose first token came within {FIRST_TOKEN_SECONDS} s.",
    ),
    Objective(
        name="tpot",
        target=0.95,
        bad_share=partial(slow_share, OUTPUT_TOKENS, OUTPUT_TOKEN_SECONDS),
        total=OUTPUT_TOKENS,
        alert="LLMOutputTokenBurn",
        summary="Answers are generated too slowly",
        cause=f"Tokens after the first take longer than {OUTPUT_TOKEN_SECONDS} s each.",
        title="Time per output token",
        promise=f"answers with at most {OUTPUT_TOKEN_SECONDS} s per token",
        target_description=f"Share of answers whose tokens must take at most {OUTPUT_TOKEN_SECONDS} s each.",
        achieved_description=f"Share of answers whose tokens took at most {OUTPUT_TOKEN_SECONDS} s each.",
    ),
)
