"""The names and ports of the platform, and its settings: each is declared here, once.

From the one table follow make's environment variables (the name in upper case), Tilt's flags and their help
(`python -m dev tilt settings`), the defaults and checks of every command, and the documentation's tables.
dev/configuration.py reads the values.
Standard library only.
"""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dev import FixableError, models

ROOT = Path(__file__).resolve().parent.parent

CLUSTER = "llm"
CONTEXT = f"kind-{CLUSTER}"
REGISTRY = "llm-registry"
NAMESPACE = "llm"
MONITORING_NAMESPACE = "monitoring"

API_PORT = 8000
RUNTIME_PORT = 11434
GRAFANA_PORT = 3000
PROMETHEUS_PORT = 9090
TILT_PORT = 10350
REGISTRY_PORT = 5005

SWITCH = {"true": True, "1": True, "false": False, "0": False}
# By setting: bool for a switch, int for a port, else str ("" where it is not set; with commas for a list).
Values = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """A setting of the platform.

    `default` is the value that holds where none is given. `otherwise` describes, in words, what holds where
    there is no such fixed value. `tilt` is false for what only `make` needs.
    """

    name: str
    help: str
    default: str = ""
    otherwise: str = ""
    kind: Literal["string", "list", "switch", "port"] = "string"
    values: tuple[str, ...] = ()
    group: Literal["platform", "mirror"] = "platform"
    tilt: bool = True

    @property
    def variable(self) -> str:
        """The environment variable of the setting, which make sets: `make up MODEL=...`."""
        return self.name.upper()

    @property
    def usage(self) -> str:
        """The help of Tilt's flag, with values and default."""
        values = f": {', '.join(self.values)}" if self.values else ""
        default = self.default or self.otherwise
        return f"{self.help}{values}" + (f" (default: {default})" if default else "")

    def parse(self, text: str) -> str | bool | int:
        """Return the value that a text stands for.

        Raises:
            FixableError: the setting has no such value.
        """
        problem = f"{self.variable}={text} is not "
        if self.kind == "switch":
            if text.lower() not in SWITCH:
                raise FixableError(f"{problem}true or false", f"{self.variable}=true (or false)")
            return SWITCH[text.lower()]
        if self.kind == "port":
            if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
                raise FixableError(f"{problem}a port (1 to 65535)", f"{self.variable}={self.default}")
            return int(text)
        if self.kind == "list" and text:
            return self._parse_list(text)
        if self.values and text and text not in self.values:
            meant = difflib.get_close_matches(text, self.values, 1) or self.values
            raise FixableError(f"{problem}one of {', '.join(self.values)}", f"{self.variable}={meant[0]}")
        return text

    def _parse_list(self, text: str) -> str:
        """Return the entries without the spaces around them.

        Raises:
            FixableError: one is empty, or the same as another.
        """
        entries = [entry.strip() for entry in text.split(",")]
        distinct = list(dict.fromkeys(filter(None, entries)))
        if entries != distinct:
            problem = "has an empty entry" if "" in entries else "has an entry twice"
            raise FixableError(f"{self.variable}={text} {problem}", f"{self.variable}={','.join(distinct)}")
        return ",".join(entries)


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
    Setting("api_port", "the gateway's port on this machine", str(API_PORT), kind="port"),
    Setting("runtime_port", "the runtime's port on this machine", str(RUNTIME_PORT), kind="port"),
    _mirror("image_registry", "a registry that mirrors all images, such as mirror.example:5000"),
    _mirror("python_image", "the base of the images built here", "python:3.14-slim"),
    _mirror("ollama_image", "Ollama's image", otherwise="the one of charts/llm-runtime"),
    _mirror("k6_image", "k6's image, for load from inside the cluster", "grafana/k6:1.8.1"),
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
