"""Where the Tiltfile's images, charts and extensions come from.

`image_registry` names a mirror that carries the images of every registry under their own paths
(mirror.example/ollama/ollama).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dev import FixableError
from dev.settings import GATEWAY_NAMESPACE, MONITORING_NAMESPACE, NAMESPACE, SETTINGS, Values
from dev.tilt import tracing

CERT_MANAGER_NAMESPACE = "cert-manager"


@dataclass(frozen=True)
class Chart:
    """A third-party chart: its namespace, and its value that names a mirror, with the path to append."""

    namespace: str
    mirror_value: str
    mirror_path: str = ""
    label: str = "monitoring"  # of the resource in Tilt
    needs: tuple[str, ...] = ()  # resources that have to be there first


CHARTS = {
    "kube-prometheus-stack": Chart(MONITORING_NAMESPACE, "global.imageRegistry"),
    "metrics-server": Chart("kube-system", "image.repository", "/metrics-server/metrics-server"),
    "keda": Chart(MONITORING_NAMESPACE, "global.image.registry"),
    "traefik": Chart(GATEWAY_NAMESPACE, "image.registry", "/library", "https", ("gateway-api",)),
    "envoy-gateway": Chart(GATEWAY_NAMESPACE, "global.imageRegistry", label="https", needs=("gateway-api",)),
    "cert-manager": Chart(CERT_MANAGER_NAMESPACE, "imageRegistry", label="https"),
}


def mirror(values: Values) -> str:
    """Return the registry that takes the place of all others; empty where there is none."""
    return str(values["image_registry"]).rstrip("/")


def images(values: Values) -> dict[str, str]:
    """Return the images that the project's own charts, builds and loads use; empty: the chart's own."""
    registry = mirror(values)

    def image(setting: str, path: str) -> str:
        given = str(values[setting])
        return f"{registry}/{path}" if registry and given == SETTINGS[setting].default else given

    return {
        "python": image("python_image", f"library/{SETTINGS['python_image'].default}"),
        "ollama": image("ollama_image", "ollama/ollama"),
        "k6": image("k6_image", SETTINGS["k6_image"].default),
        "jaeger": image("jaeger_image", SETTINGS["jaeger_image"].default),
    }


def k6_environment(values: Values) -> dict[str, str]:
    """Return the environment variable of a k6 image that is not the default."""
    setting, image = SETTINGS["k6_image"], images(values)["k6"]
    return {} if image == setting.default else {setting.variable: image}


def image_values(reference: str) -> dict[str, str]:
    """Return a reference as the values repository, tag and digest; an empty part is left to the chart."""
    name, _, digest = reference.partition("@")
    folder, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return {"image.repository": folder + slash + last, "image.tag": tag, "image.digest": digest}


def model_values(values: Values) -> dict[str, Any]:
    """Return the models, and where Ollama pulls each one from, as values of charts/llm-runtime.

    Raises:
        FixableError: MODEL_SOURCE names one model, and MODEL several.
    """
    names, source = values["model"].split(","), values["model_source"]
    prefix = source.endswith("/")
    if source and not prefix and len(names) > 1:
        raise FixableError(
            f"MODEL_SOURCE={source} names one model, and MODEL={values['model']} names {len(names)}",
            "MODEL_SOURCE=HOST/library/ with a slash at its end: each model's name is added",
        )
    return {
        f"models[{number}].{key}": value
        for number, name in enumerate(names)
        for key, value in {
            "name": name,
            "source": source + name if prefix else source,
            "insecure": values["model_insecure"],
        }.items()
    }


def build_arguments(values: Values, named: Mapping[str, str]) -> dict[str, str]:
    """Return the arguments of both Dockerfiles that differ from their defaults."""
    default = SETTINGS["python_image"].default
    python = {} if named["python"] == default else {"PYTHON_IMAGE": named["python"]}
    index = values["pip_index_url"]
    return python | ({"PIP_INDEX_URL": index} if index else {})


def chart(name: str, values: Values) -> dict[str, Any]:
    """Return a chart's reference, flags and namespace, for helm.

    A source is `oci://HOST/PATH/NAME[:VERSION]`, `https://REPOSITORY/NAME[:VERSION]`, the address of an
    archive (.tgz), or a folder.

    Raises:
        FixableError: the source names no chart.
    """
    known = CHARTS[name]
    setting = SETTINGS[f"{name.replace('-', '_')}_chart"]
    source = str(values[setting.name])
    flags: list[str] = []
    if "://" in source and not source.endswith(".tgz"):
        source, version = split_version(source)
        flags += ["--version", version] if version else []
        if not source.startswith("oci://"):
            repository, _, source = source.rpartition("/")
            if repository.endswith("/") or not source:
                raise FixableError(
                    f"{setting.variable} names no chart", f"{setting.variable}=https://REPOSITORY/{name}"
                )
            flags += ["--repo", repository]
    if source.startswith("oci://") and values["charts_plain_http"]:
        flags.append("--plain-http")
    if registry := mirror(values):
        flags += ["--set", f"{known.mirror_value}={registry}{known.mirror_path}"]
    if name == "kube-prometheus-stack":
        flags += [] if values["grafana"] else ["--set", "grafana.enabled=false"]
        flags += tracing.prometheus_flags(values)
    return {
        "chart": source,
        "flags": flags,
        "namespace": known.namespace,
        "label": known.label,
        "needs": ["namespaces", *known.needs],
    }


def needed(values: Values) -> list[str]:
    """Return the names of the charts that the settings need."""
    wanted = {
        "kube-prometheus-stack": values["monitoring"],
        "metrics-server": values["autoscaler"] == "cpu",
        "keda": values["autoscaler"] == "queue",
        "traefik": values["gateway"] == "traefik",
        "envoy-gateway": values["gateway"] == "envoy",
        "cert-manager": values["gateway"] != "none",
    }
    return [name for name, needs_it in wanted.items() if needs_it]


def namespaces(values: Values) -> list[str]:
    """Return the namespaces of what is installed."""
    return (
        [NAMESPACE]
        + ([MONITORING_NAMESPACE] if values["monitoring"] or values["tracing"] else [])
        + ([GATEWAY_NAMESPACE, CERT_MANAGER_NAMESPACE] if values["gateway"] != "none" else [])
    )


def split_version(source: str) -> tuple[str, str]:
    """Split `address:version`; a port is not a version."""
    address, colon, version = source.rpartition(":")
    return (address, version) if colon and "/" not in version else (source, "")


def extensions(values: Values) -> dict[str, str]:
    """Return where Tilt's extensions are: a repository at a release, or a folder (file://) without one."""
    url = values["extensions_repo"]
    return {"url": url, "ref": "" if url.startswith("file://") else values["extensions_ref"]}
