"""What follows from TRACING for the Tiltfile and the charts: Jaeger, and where the gateway sends its traces.

Jaeger keeps them in memory. https://www.jaegertracing.io/docs/latest/getting-started/
"""

from typing import Any

from dev.settings import JAEGER_PORT, MONITORING_NAMESPACE, Values

NAME = "jaeger"
OTLP_PORT, HEALTH_PORT = 4318, 13133
LABELS = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/part-of": "llm-platform"}
# A trace of the gateway has five spans, and takes about 6 kB.
MAX_TRACES = 20_000
# As Pod Security's "restricted" asks.
POD_SECURITY = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
SECURITY = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
# The name of the label, and the data source to which its value leads, of an exemplar in Grafana.
EXEMPLARS = {"datasourceUid": NAME, "traceIdLabelName": "trace_id"}
Manifest = dict[str, Any]


def plan(values: Values, image: str) -> Manifest:
    """Return what the Tiltfile needs to know of Jaeger; nothing where there are no traces."""
    if not values["tracing"]:
        return {}
    with_grafana = values["monitoring"] and values["grafana"]
    return {
        "manifests": [deployment(image), service(), *([data_source()] if with_grafana else [])],
        "data_source": with_grafana,
    }


def api_values(values: Values) -> dict[str, Any]:
    """Return the values of charts/llm-api that send its traces to Jaeger."""
    url = f"http://{NAME}.{MONITORING_NAMESPACE}:{OTLP_PORT}"
    return {"settings.otlpEndpoint": url} if values["tracing"] else {}


def prometheus_flags(values: Values) -> list[str]:
    """Return helm's flags by which Prometheus keeps exemplars, and Grafana opens their traces."""
    if not values["tracing"]:
        return []
    found = {"prometheus.prometheusSpec.enableFeatures[0]": "exemplar-storage"}
    if values["grafana"]:
        place = "grafana.sidecar.datasources.exemplarTraceIdDestinations"
        found |= {f"{place}.{name}": value for name, value in EXEMPLARS.items()}
    return [part for name, value in found.items() for part in ("--set", f"{name}={value}")]


def deployment(image: str) -> Manifest:
    """Return Jaeger's Deployment: one pod, whose traces end with it."""
    health = {"httpGet": {"path": "/status", "port": "health"}, "periodSeconds": 5, "timeoutSeconds": 5}
    container = {
        "name": NAME,
        "image": image,
        "args": [f"--set=extensions.jaeger_storage.backends.some_storage.memory.max_traces={MAX_TRACES}"],
        "ports": [
            {"name": "otlp", "containerPort": OTLP_PORT},
            {"name": "ui", "containerPort": JAEGER_PORT},
            {"name": "health", "containerPort": HEALTH_PORT},
        ],
        "readinessProbe": health,
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": SECURITY,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - a volume of its own
    }
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": POD_SECURITY,
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    spec = {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": pod},
    }
    return _object("apps/v1", "Deployment", NAME, spec=spec)


def service() -> Manifest:
    """Return the Service that takes traces and shows them."""
    ports = [
        {"name": "otlp", "port": OTLP_PORT, "targetPort": "otlp"},
        {"name": "ui", "port": JAEGER_PORT, "targetPort": "ui"},
    ]
    return _object("v1", "Service", NAME, spec={"selector": LABELS, "ports": ports})


def data_source() -> Manifest:
    """Return Grafana's data source, which its sidecar loads."""
    source = f"""apiVersion: 1
datasources:
  - name: Jaeger
    type: jaeger
    uid: {NAME}
    access: proxy
    url: http://{NAME}.{MONITORING_NAMESPACE}:{JAEGER_PORT}
"""
    made = _object("v1", "ConfigMap", f"{NAME}-data-source", data={f"{NAME}.yaml": source})
    made["metadata"]["labels"] = LABELS | {"grafana_datasource": "1"}
    return made


def _object(api: str, kind: str, name: str, **parts: Any) -> Manifest:
    metadata = {"name": name, "namespace": MONITORING_NAMESPACE, "labels": LABELS}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **parts}
