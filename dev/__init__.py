"""The developer's commands: `python -m dev VERB`."""


class FixableError(Exception):
    """An error that the developer can fix: what is wrong, and how to fix it where that is known."""

    def __init__(self, problem: str, fix: str = "") -> None:
        super().__init__(problem, fix)
        self.problem = problem
        self.fix = fix

    def __str__(self) -> str:
        return self.problem + ("\n  fix: " + self.fix.replace("\n", "\n       ") if self.fix else "")
