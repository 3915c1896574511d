"""Tilt and Argo CD must not apply the same objects: each would undo what the other does."""

from dev import FixableError
from dev.gitops import argo
from dev.settings import CONTEXT


def check(subcommand: str, context: str) -> None:
    """Check that Argo CD does not manage the objects that Tilt would apply.

    Raises:
        FixableError: it does.
    """
    if subcommand in ("up", "ci") and context == CONTEXT and argo.is_installed():
        problem = "Argo CD manages the platform in this cluster, and would undo what Tilt applies"
        raise FixableError(problem, "make gitops ARGS=remove (the cluster stays)")
