"""Keep this machine's own addresses away from HTTP proxies."""

from collections.abc import MutableMapping

LOOPBACK = ("localhost", ".localhost", "127.0.0.1", "::1")


def exempt_loopback(environment: MutableMapping[str, str]) -> None:
    """Add loopback to NO_PROXY, which httpx, urllib, the Kubernetes client and child processes all read.

    A proxy looks for `localhost` on its own machine, and only Go's programs leave loopback out by themselves.
    """
    exempt = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    hosts = [host.strip() for host in exempt.split(",") if host.strip()]
    if "*" in hosts:
        return  # no proxy at all; urllib knows the asterisk only when it stands alone
    hosts += [host for host in LOOPBACK if host not in hosts]
    environment["NO_PROXY"] = environment["no_proxy"] = ",".join(hosts)
