"""A budget for retries: a runtime that is down must not get more requests for it."""

# Share of requests that may be tried again, and how many retries may be saved up
# (https://sre.google/sre-book/handling-overload/, "Deciding to Retry").
SHARE, SAVINGS = 0.1, 10.0


class RetryBudget:
    """Every request earns a tenth of a retry."""

    def __init__(self) -> None:
        self._left = SAVINGS

    def earn(self) -> None:
        """A request begins."""
        self._left = min(SAVINGS, self._left + SHARE)

    def spend(self) -> bool:
        """Whether a retry may be made; it is paid for then."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
