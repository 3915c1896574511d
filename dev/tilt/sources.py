"""Where the Tiltfile's images, charts and extensions come from: public defaults, each with its setting.

`image_registry` names a mirror that carries the images of every registry under their own paths
(mirror.example/ollama/ollama). Standard library only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dev import FixableError

PYTHON_IMAGE = "python:3.14-slim"
K6_IMAGE = "grafana/k6:1.8.1"
EXTENSIONS = ("https://github.com/tilt-dev/tilt-extensions", "v0.37.6")


@dataclass(frozen=True)
class Chart:
    """Somebody else's chart: where it is, its namespace, and its values that name a mirror."""

    source: str
    namespace: str
    mirror_values: tuple[tuple[str, str], ...]


CHARTS = {
    "kube-prometheus-stack": Chart(
        "oci://ghcr.io/prometheus-community/charts/kube-prometheus-stack:88.5.3",
        "monitoring",
        (("global.imageRegistry", ""),),
    ),
    "metrics-server": Chart(
        "https://kubernetes-sigs.github.io/metrics-server/metrics-server:3.13.1",
        "kube-system",
        (("image.repository", "/metrics-server/metrics-server"),),
    ),
    "keda": Chart(
        "https://kedacore.github.io/charts/keda:2.20.2", "monitoring", (("global.image.registry", ""),)
    ),
}


def mirror(settings: Mapping[str, Any]) -> str:
    """The registry in place of all others; empty where there is none."""
    return str(settings.get("image_registry") or "").rstrip("/")


def images(settings: Mapping[str, Any]) -> dict[str, str]:
    """The images that the project's own charts, builds and loads name; `mirrored` is the mirror itself."""
    registry = mirror(settings)
    prefix = f"{registry}/" if registry else ""
    library = f"{prefix}library/" if registry else ""
    return {
        "mirrored": registry,
        "python": str(settings.get("python_image") or f"{library}{PYTHON_IMAGE}"),
        "ollama": str(settings.get("ollama_image") or (registry and f"{prefix}ollama/ollama")),
        "k6": str(settings.get("k6_image") or f"{prefix}{K6_IMAGE}"),
    }


def image_values(reference: str) -> dict[str, str]:
    """A reference as the values repository, tag and digest; empty parts are the chart's to say."""
    name, _, digest = reference.partition("@")
    folder, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return {"image.repository": folder + slash + last, "image.tag": tag, "image.digest": digest}


def build_arguments(settings: Mapping[str, Any], named: Mapping[str, str]) -> dict[str, str]:
    """The arguments of both Dockerfiles that are not their defaults."""
    python = {} if named["python"] == PYTHON_IMAGE else {"PYTHON_IMAGE": named["python"]}
    index = str(settings.get("pip_index_url") or "")
    return python | ({"PIP_INDEX_URL": index} if index else {})


def chart(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """How helm is told about a chart.

    A source is `oci://HOST/PATH/NAME[:VERSION]`, `https://REPOSITORY/NAME[:VERSION]`, the address of an
    archive (.tgz), or a folder.

    Raises:
        FixableError: a source with no name.
    """
    known = CHARTS[name]
    setting = f"{name.replace('-', '_')}_chart"
    source = str(settings.get(setting) or known.source)
    flags: list[str] = []
    if "://" in source and not source.endswith(".tgz"):
        source, version = split_version(source)
        flags += ["--version", version] if version else []
        if not source.startswith("oci://"):
            repository, _, source = source.rpartition("/")
            if repository.endswith("/") or not source:
                raise FixableError(f"{setting}: no chart is named", f"--{setting}=https://REPOSITORY/{name}")
            flags += ["--repo", repository]
    if source.startswith("oci://") and settings.get("charts_plain_http"):
        flags.append("--plain-http")
    registry = mirror(settings)
    for key, path in known.mirror_values if registry else ():
        flags += ["--set", f"{key}={registry}{path}"]
    if name == "kube-prometheus-stack" and not settings.get("grafana", True):
        flags += ["--set", "grafana.enabled=false"]
    return {"chart": source, "flags": flags, "namespace": known.namespace}


def split_version(source: str) -> tuple[str, str]:
    """`address:version` in its two parts; a port is none."""
    address, colon, version = source.rpartition(":")
    return (address, version) if colon and "/" not in version else (source, "")


def extensions(settings: Mapping[str, Any]) -> dict[str, str]:
    """Tilt's extensions: a repository at a release, or a folder (file://), which has no release."""
    url = str(settings.get("extensions_repo") or EXTENSIONS[0])
    ref = str(settings.get("extensions_ref") or EXTENSIONS[1])
    return {"url": url, "ref": "" if url.startswith("file://") else ref}
