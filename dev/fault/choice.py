"""Where a drill or a soak runs: on the platform in the cluster, or on one of its own."""

from contextlib import AbstractContextManager

from dev.fault import cluster, local
from dev.fault.place import Place
from dev.options import Parser


def add_profile(parser: Parser) -> None:
    """Add the option that `in_cluster` reads."""
    help_ = "where; without it, where the platform runs"
    parser.add_setting("--profile", help_, choices=("cluster", "local"))


def in_cluster(profile: str | None) -> bool:
    """Tell whether it runs in the cluster: where the platform runs, unless the profile says otherwise."""
    return profile == "cluster" if profile else cluster.runs()


def platform(cluster_: bool, *, alerts: bool = True) -> AbstractContextManager[Place]:
    """Return the block during which there is a platform for it.

    Args:
        cluster_: Whether that is the one in the cluster.
        alerts: Whether Prometheus has the alerts.

    Raises:
        FixableError: there is none, or it does not start.
    """
    return cluster.platform(alerts=alerts) if cluster_ else local.platform(alerts=alerts)
