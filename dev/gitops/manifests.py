"""What Argo CD is given: the registry, a project, and an ApplicationSet with an application for each chart.

https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dev.settings import NAMESPACE, REGISTRY

ARGOCD = "argocd"  # its namespace, which its manifests name too
PROJECT = "llm"
CHARTS = ("llm-runtime", "llm-api")
SOURCE = f"oci://{REGISTRY}:5000/charts"  # the registry as the cluster sees it
PREVIOUS = "llm-platform/previous"  # the annotation with the releases before these
LABELS = {"app.kubernetes.io/part-of": "llm-platform"}
Manifest = dict[str, Any]


@dataclass(frozen=True)
class Release:
    """A version of a chart, and its values as JSON."""

    chart: str
    version: str
    values: str


def release(chart: str, version: str, values: Mapping[str, Any]) -> Release:
    """Return a release."""
    return Release(chart, version, json.dumps(values, sort_keys=True))


def _object(api: str, kind: str, name: str, **parts: Any) -> Manifest:
    metadata = {"name": name, "namespace": ARGOCD, "labels": LABELS}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **parts}


def namespace(name: str) -> Manifest:
    """Return a namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def repositories() -> list[Manifest]:
    """Return the charts' repositories: by plain HTTP, as ctlptl's registry serves them."""
    found = []
    for chart in CHARTS:
        data = {
            "type": "oci",
            "name": chart,
            "url": f"{SOURCE}/{chart}",
            "insecureOCIForceHttp": "true",
        }
        secret = _object("v1", "Secret", f"repository-{chart}", stringData=data)
        secret["metadata"]["labels"] = {**LABELS, "argocd.argoproj.io/secret-type": "repository"}
        found.append(secret)
    return found


def project() -> Manifest:
    """Return the project: what may be installed from where, and where it may go."""
    spec = {
        "description": "The LLM inference platform",
        "sourceRepos": [f"{SOURCE}/{chart}" for chart in CHARTS],
        "destinations": [{"server": "https://kubernetes.default.svc", "namespace": NAMESPACE}],
        "clusterResourceWhitelist": [],
    }
    return _object("argoproj.io/v1alpha1", "AppProject", PROJECT, spec=spec)


def application_set(releases: Sequence[Release], previous: Sequence[Release] = ()) -> Manifest:
    """Return the ApplicationSet; it remembers the releases before, for a rollback."""
    template = {
        "metadata": {
            "name": "{{.chart}}",
            "labels": LABELS,
            "finalizers": ["resources-finalizer.argocd.argoproj.io"],  # its objects go with it
        },
        "spec": {
            "project": PROJECT,
            "source": {
                "repoURL": f"{SOURCE}/{{{{.chart}}}}",
                "targetRevision": "{{.version}}",
                "path": ".",
                "helm": {"releaseName": "{{.chart}}", "values": "{{.values}}"},
            },
            "destination": {"server": "https://kubernetes.default.svc", "namespace": NAMESPACE},
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True},
                "syncOptions": ["ServerSideApply=true"],
                "retry": {"limit": 5, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "1m"}},
            },
        },
    }
    spec = {
        "goTemplate": True,
        "goTemplateOptions": ["missingkey=error"],
        "generators": [{"list": {"elements": [asdict(one) for one in releases]}}],
        "template": template,
    }
    made = _object("argoproj.io/v1alpha1", "ApplicationSet", PROJECT, spec=spec)
    made["metadata"]["annotations"] = {PREVIOUS: json.dumps([asdict(one) for one in previous])}
    return made


def releases(application_set: Mapping[str, Any]) -> tuple[list[Release], list[Release]]:
    """Return the releases that an ApplicationSet has, and those before them."""
    current = application_set["spec"]["generators"][0]["list"]["elements"]
    previous = json.loads(application_set["metadata"].get("annotations", {}).get(PREVIOUS, "[]"))
    return [Release(**one) for one in current], [Release(**one) for one in previous]
