"""The names and ports of the platform, and its settings: each is declared here, once.

From the one table follow make's environment variables (the name in upper case), Tilt's flags and their help
(`python -m dev tilt settings`), the defaults and checks of every command, and the documentation's tables.
dev/configuration.py reads the values.
Standard library only.
"""

from pathlib import Path
from typing import Any, Literal

from dev import models
from dev.setting import Setting

ROOT = Path(__file__).resolve().parent.parent

CLUSTER = "llm"
CONTEXT = f"kind-{CLUSTER}"
NODE = f"{CLUSTER}-control-plane"  # kind's name for the container
REGISTRY = "llm-registry"
# The images that are built here, and the folder of each.
IMAGES = {"llm-api": "api", "llm-runtime": "runtime"}
NAMESPACE = "llm"
WORKLOADS = ("llm-api", "llm-runtime")
MONITORING_NAMESPACE = "monitoring"
GATEWAY_NAMESPACE = "gateways"  # of the Gateway and its proxy, as in charts/llm-api/values-production.yaml

API_PORT = 8000
RUNTIME_PORT = 11434
GRAFANA_PORT = 3000
PROMETHEUS_PORT = 9090
JAEGER_PORT = 16686
TILT_PORT = 10350
REGISTRY_PORT = 5005
HTTPS_HOST = "llm.localhost"
HTTPS_PORT = 8443
HTTPS_NODE_PORT = 30443  # of the proxy's Service; ctlptl.yaml maps HTTPS_PORT of this machine to it

PROTOCOLS = {"api": "llm_api.server.limits:Protocol", "runtime": "llm_runtime.upgrades:Protocol"}
"""The classes that read the requests of each service, for uvicorn's --http; the Dockerfiles name them too."""

# By setting: bool for a switch, int for a port, else str ("" where it is not set; with commas for a list).
Values = dict[str, Any]


def _mirror(name: str, help: str, default: str = "", **more: Any) -> Setting:
    return Setting(name, help, default, group="mirror", **more)


TABLE = (
    Setting(
        "profile",
        "where the platform runs",
        otherwise="cluster where a container engine answers, else local",
        values=("cluster", "local"),
    ),
    Setting(
        "engine",
        "what answers",
        otherwise="ollama in the cluster, llamacpp locally; make up: host if an Ollama runs on this machine",
        values=("ollama", "host", "llamacpp", "simulated"),
    ),
    Setting(
        "model",
        "the model; with ollama and host also several, such as gemma3:270m,qwen3:0.6b, the default first",
        otherwise=(
            f"{models.OLLAMA} with ollama, the first one listed with host, {models.EMBEDDED} with the others"
        ),
        kind="list",
    ),
    Setting(
        "ollama_host",
        "ENGINE=host: where that Ollama listens, in Ollama's own syntax",
        f"127.0.0.1:{RUNTIME_PORT}",
    ),
    Setting("monitoring", "Prometheus, dashboards and alerts in the cluster", "true", kind="switch"),
    Setting("grafana", "Grafana, where monitoring is on", "true", kind="switch"),
    Setting(
        "autoscaler",
        "what the cluster scales on, with HPAs (cpu) or KEDA (requests running and waiting)",
        "cpu",
        values=("cpu", "queue", "none"),
    ),
    Setting(
        "scale_to_zero",
        "AUTOSCALER=queue: the runtime goes away while nobody asks, and the next request brings it back",
        "false",
        kind="switch",
    ),
    Setting(
        "gateway",
        f"the Gateway API's implementation in the cluster, which serves https://{HTTPS_HOST}:{HTTPS_PORT}",
        otherwise="traefik in the cluster, none locally",
        values=("traefik", "envoy", "none"),
    ),
    Setting(
        "policies",
        "NetworkPolicies: in the namespace of the platform, only what the charts allow connects",
        "false",
        kind="switch",
    ),
    Setting(
        "gitops",
        "Tilt shows what Argo CD does (make gitops), and applies nothing itself",
        "false",
        kind="switch",
    ),
    Setting("tracing", "Jaeger in the cluster, and a trace of each request in it", "false", kind="switch"),
    Setting("api_port", "the gateway's port on this machine", str(API_PORT), kind="port"),
    Setting("runtime_port", "the runtime's port on this machine", str(RUNTIME_PORT), kind="port"),
    Setting(
        "https_port", "the Gateway's port on this machine, of a new cluster", str(HTTPS_PORT), kind="port"
    ),
    _mirror("image_registry", "a registry that mirrors all images, such as mirror.example:5000"),
    _mirror("python_image", "the base of the images built here", "python:3.14-slim"),
    _mirror("ollama_image", "Ollama's image", otherwise="the one of charts/llm-runtime"),
    _mirror("k6_image", "k6's image, for load from inside the cluster", "grafana/k6:1.8.1"),
    _mirror("jaeger_image", "Jaeger's image", "jaegertracing/jaeger:2.21.0"),
    _mirror("node_image", "the image of the cluster's node", otherwise="the one in ctlptl.yaml", tilt=False),
    _mirror("registry_image", "the registry's image", otherwise="the one in ctlptl.yaml", tilt=False),
    _mirror(
        "cluster_command",
        "a command that creates the cluster, called with the path of ctlptl.yaml",
        "ctlptl apply -f",
        tilt=False,
    ),
    _mirror("pip_index_url", "the package index that the images built here install from"),
    _mirror(
        "model_source",
        "ENGINE=ollama: another name to pull the model from, such as mirror.example/library/gemma3:270m;"
        " or what comes before each model's own name, such as mirror.example/library/",
    ),
    _mirror(
        "model_insecure", "pull from it over plain HTTP, or with any certificate", "false", kind="switch"
    ),
    _mirror(
        "kube_prometheus_stack_chart",
        "oci://HOST/NAME[:VERSION], https://REPOSITORY/NAME[:VERSION], or a path",
        "oci://ghcr.io/prometheus-community/charts/kube-prometheus-stack:88.5.3",
    ),
    _mirror(
        "metrics_server_chart",
        "the same for metrics-server",
        "https://kubernetes-sigs.github.io/metrics-server/metrics-server:3.13.1",
    ),
    _mirror("keda_chart", "the same for KEDA", "https://kedacore.github.io/charts/keda:2.20.2"),
    _mirror("traefik_chart", "the same for Traefik", "oci://ghcr.io/traefik/helm/traefik:41.3.0"),
    _mirror(
        "envoy_gateway_chart",
        "the same for Envoy Gateway",
        "oci://docker.io/envoyproxy/gateway-helm:v1.9.1",
    ),
    _mirror(
        "cert_manager_chart",
        "the same for cert-manager",
        "oci://quay.io/jetstack/charts/cert-manager:v1.21.2",
    ),
    _mirror(
        "gateway_api_crds",
        "the file or address of the Gateway API's standard CRDs",
        "https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.6.1/standard-install.yaml",
    ),
    _mirror(
        "argocd_manifests",
        "make gitops: the file or address of Argo CD's manifests without its server",
        "https://raw.githubusercontent.com/argoproj/argo-cd/v3.6.1/manifests/core-install.yaml",
        tilt=False,
    ),
    _mirror("charts_plain_http", "pull oci:// charts over plain HTTP", "false", kind="switch"),
    _mirror(
        "extensions_repo",
        "the git repository of Tilt's extensions, or a folder (file://...)",
        "https://github.com/tilt-dev/tilt-extensions",
    ),
    _mirror("extensions_ref", "the release of Tilt's extensions", "v0.37.6"),
)  # fmt: skip
SETTINGS = {setting.name: setting for setting in TABLE}


def help_text() -> str:
    """Return the settings as lines for a command's help: the variable, what it sets, values and default."""
    return "\n".join(f"  {setting.variable:<27} {setting.usage}" for setting in TABLE)


def markdown_table(group: Literal["platform", "mirror"] = "platform") -> str:
    """Return the settings of a group as a Markdown table, a row each."""
    rows = ["| `make up ...` | What it sets | Values | Default |", "|---|---|---|---|"]
    for setting in TABLE:
        if setting.group == group:
            values = ("true", "false") if setting.kind == "switch" else setting.values
            default = f"`{setting.default}`" if setting.default else setting.otherwise
            shown = ", ".join(f"`{value}`" for value in values)
            rows.append(f"| `{setting.variable}=` | {setting.help} | {shown} | {default} |")
    return "\n".join(rows) + "\n"
