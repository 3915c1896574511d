"""A budget for retries, so that a runtime that is down does not get more requests because of it."""

# Retries earned per request, and the most that can be saved up
# (https://sre.google/sre-book/handling-overload/, "Deciding to Retry").
EARNED_PER_REQUEST, MAX_SAVED = 0.1, 10.0


class RetryBudget:
    """Allows one retry for every ten requests."""

    def __init__(self) -> None:
        self._saved = MAX_SAVED

    def earn(self) -> None:
        """Add a request's share of a retry."""
        self._saved = min(MAX_SAVED, self._saved + EARNED_PER_REQUEST)

    def spend(self) -> bool:
        """Take one retry from the budget if there is one; return whether there was."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True
