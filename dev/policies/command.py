"""Prove the NetworkPolicies: try every connection of a matrix, those that are allowed and those that are not.

    make policies

Connections come from the platform's own pods, and from pods that are made with the labels of the others.
Exit status: 0 if every cell is as it must be, 1 if one is not, or if the cluster does not enforce policies.
"""

from dataclasses import replace
from functools import partial

from dev import FixableError, kubectl
from dev.https import manifests
from dev.options import Parser
from dev.policies import matrix, pods
from dev.policies.matrix import DENIED, ELSEWHERE, OUTSIDER, Platform
from dev.policies.trial import PUBLIC_ADDRESS, settled
from dev.settings import GATEWAY_NAMESPACE, MONITORING_NAMESPACE, NAMESPACE

PULL_PORT = 443
ENFORCED_SECONDS = 30  # until a policy that was applied counts

say = partial(print, flush=True)


def names(kind: str, *options: str) -> set[str]:
    """Return the names of the objects of a kind.

    Raises:
        FixableError: there is no cluster, or no such kind.
    """
    return {
        line.rpartition("/")[2] for line in kubectl.output("get", kind, *options, "--output=name").split()
    }


def platform() -> Platform:
    """Return what of the platform is there.

    Raises:
        FixableError: it runs without policies.
    """
    here = ("--namespace", NAMESPACE)
    if not {"default-deny", "llm-api"} <= names("networkpolicies", *here):
        raise FixableError("the platform runs without NetworkPolicies", "make up POLICIES=true")
    namespaces, runtime = names("namespaces"), "llm-runtime" in names("statefulsets", *here)
    shown = kubectl.output("get", "statefulset/llm-runtime", *here, "--output=json") if runtime else ""
    metrics = "RUNTIME_ENGINE" in shown
    return Platform(
        runtime=runtime,
        metrics=metrics,
        monitoring=MONITORING_NAMESPACE in namespaces,
        proxy=proxy() if GATEWAY_NAMESPACE in namespaces else "",
        pulls=pulls() if runtime and not metrics else None,
    )


def pulls() -> bool:
    """Return whether the runtime's policy lets it pull models (networkPolicy.pullFrom).

    Raises:
        FixableError: it has no policy.
    """
    rules = kubectl.shown("networkpolicy", "llm-runtime", "--namespace", NAMESPACE)["spec"]["egress"]
    return any(port["port"] == PULL_PORT for rule in rules for port in rule.get("ports", []))


def with_public_address(found: Platform) -> Platform:
    """Return the platform without the way to models, if no pod here reaches a public address.

    Raises:
        FixableError: that could not be tried.
    """
    if found.pulls is None or pods.reach(OUTSIDER, [PUBLIC_ADDRESS])[PUBLIC_ADDRESS]:
        return found
    say(f"no pod reaches {PUBLIC_ADDRESS} here: the runtime's way to its models is not tried")
    return replace(found, pulls=None)


def proxy() -> str:
    """Return the name that the pods of the Gateway's proxy have as their label: that of its class.

    Raises:
        FixableError: there is no Gateway.
    """
    found = kubectl.shown("gateways", manifests.GATEWAY, "--namespace", GATEWAY_NAMESPACE)
    return str(found["spec"]["gatewayClassName"])


def image() -> str:
    """Return the image of the gateway, which is on the node, and has bash and Python.

    Raises:
        FixableError: there is no gateway.
    """
    path = "--output=jsonpath={.spec.template.spec.containers[0].image}"
    return kubectl.output("get", "deployment/llm-api", "--namespace", NAMESPACE, path)


def check_enforcement() -> None:
    """Check that a pod which is reached no longer is once a policy denies it.

    Raises:
        FixableError: it still is, or never was.
    """
    target = pods.address(DENIED)
    pods.address(OUTSIDER)

    def look(wanted: bool, problem: str, fix: str = "") -> str:
        if pods.reach(OUTSIDER, [target])[target] != wanted:
            raise FixableError(problem, fix)
        return target

    kubectl.until(lambda: look(True, "one pod does not reach another without a policy"), ENFORCED_SECONDS)
    pods.apply(pods.denial(DENIED))
    kubectl.until(
        lambda: look(
            False,
            "this cluster does not enforce NetworkPolicies: a pod that one denies to all is reached",
            "a network that does: kind has one since 0.24; Calico, Cilium or kube-router bring their own",
        ),
        ENFORCED_SECONDS,
    )


def prove() -> int:
    """Make the pods, try the connections, print the matrix, and return the exit status.

    Raises:
        FixableError: nothing can be proven here.
    """
    found = platform()
    rows = matrix.sources(found)
    namespaces = list(dict.fromkeys(source.namespace for source in rows))
    pods.remove(namespaces)  # of a run that was interrupted
    try:
        pods.make([*rows, ELSEWHERE, DENIED], image())
        check_enforcement()
        say("this cluster enforces NetworkPolicies: a pod that was reached no longer is")
        found = with_public_address(found)
        wanted = matrix.expected(found)
        seen = settled(found, wanted)
    finally:
        pods.remove(namespaces)
    say("\n".join(matrix.table([s.name for s in rows], matrix.destinations(found), wanted, seen)))
    problems = list(matrix.wrong(wanted, seen))
    allowed = sum(wanted.values())
    say(
        "\n".join(
            [*problems, f"{allowed} connections that are allowed, {len(wanted) - allowed} that are denied"]
        )
    )
    return 1 if problems else 0


def main(argv: list[str]) -> int:
    """Run the command and return its exit status."""
    Parser("policies", __doc__).parse(argv)
    return prove()
