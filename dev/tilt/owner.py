"""Tilt and Argo CD must not apply the same objects: each would undo what the other does."""

from dev import FixableError
from dev.gitops import argo
from dev.settings import CONTEXT, Values


def check(values: Values, subcommand: str, context: str) -> None:
    """Check that Argo CD does not manage the objects that Tilt would apply; with GITOPS it applies none.

    Raises:
        FixableError: it does.
    """
    if values["gitops"] or subcommand not in ("up", "ci") or context != CONTEXT:
        return
    if argo.is_installed():
        problem = "Argo CD manages the platform in this cluster, and would undo what Tilt applies"
        fix = "make gitops ARGS=remove (the cluster stays)\nor see what Argo CD does: make up GITOPS=true"
        raise FixableError(problem, fix)
