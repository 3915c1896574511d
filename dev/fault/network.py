"""Cut the network between pods in the nodes' own firewall, which every kind cluster has.

A NetworkPolicy would need a network that enforces it. The chain of rules is the drill's own, and its removal
ends the cut, whatever was in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from dev import FixableError
from dev.doctor import probe

CHAIN = "LLM-DRILL"


@contextmanager
def cut(nodes: Sequence[str], ours: Iterable[str], theirs: Iterable[str]) -> Iterator[None]:
    """Drop every packet between two groups of addresses during the block.

    Raises:
        FixableError: a node's firewall could not be changed.
    """
    pairs = [(a, b) for a in ours for b in theirs]
    try:
        for node in nodes:
            iptables(node, "-N", CHAIN)
            for a, b in [*pairs, *((b, a) for a, b in pairs)]:
                iptables(node, "-A", CHAIN, "-s", a, "-d", b, "-j", "DROP")
            iptables(node, "-I", "FORWARD", "-j", CHAIN)
        yield
    finally:
        for node in nodes:
            mend(node)


def mend(node: str) -> None:
    """Remove the chain from a node, where it has one."""
    if probe.run("docker", "exec", node, "iptables", "-w", "-S", CHAIN)[0]:
        return
    if not probe.run("docker", "exec", node, "iptables", "-w", "-C", "FORWARD", "-j", CHAIN)[0]:
        iptables(node, "-D", "FORWARD", "-j", CHAIN)
    iptables(node, "-F", CHAIN)
    iptables(node, "-X", CHAIN)


def iptables(node: str, *arguments: str) -> None:
    status, _, problem = probe.run("docker", "exec", node, "iptables", "-w", *arguments)
    if status:
        raise FixableError(f"iptables {' '.join(arguments)} on {node}: {probe.last_line(problem)}")
