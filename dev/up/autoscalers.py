"""Removes the autoscalers of another AUTOSCALER: Tilt leaves what an earlier `tilt up` applied.

Two autoscalers of one workload would each undo what the other does.
"""

from dev import kubectl
from dev.settings import NAMESPACE, WORKLOADS

KEDA_CRD = "scaledobjects.keda.sh"
KINDS = {"cpu": "horizontalpodautoscalers", "queue": KEDA_CRD}
"""By AUTOSCALER. KEDA's own HPAs have other names than the workloads', and go with its objects."""


def remove_others(autoscaler: str) -> str:
    """Remove the autoscalers that are not of this setting, and return what kubectl says of them.

    Raises:
        FixableError: the cluster refused, or does not answer.
    """
    kinds = [kind for setting, kind in KINDS.items() if setting != autoscaler]
    if KEDA_CRD in kinds and not kubectl.output("get", "crd", KEDA_CRD, "--ignore-not-found"):
        kinds.remove(KEDA_CRD)
    removal = ("--namespace", NAMESPACE, "--ignore-not-found", "--wait=false")
    return "".join(kubectl.output("delete", kind, *WORKLOADS, *removal) for kind in kinds)
