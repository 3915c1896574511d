"""Decides what starts on this machine: PROFILE says where, ENGINE says what answers, MODEL says which models.

Every combination that cannot work is refused here, before anything starts.
"""

from dataclasses import dataclass
from pathlib import Path

from dev import FixableError, models
from dev.doctor import ollama, probe
from dev.doctor.ollama import Ollama
from dev.doctor.probe import ContainerEngine
from dev.settings import RUNTIME_PORT, TILT_PORT, Values


@dataclass(frozen=True)
class Engine:
    """What answers: the model that it has by default, and whether runtime/ (the embedded runtime) runs it."""

    model: str
    embedded: bool = False


ENGINES = {
    "ollama": Engine(models.OLLAMA),
    "host": Engine(""),  # the first model that it lists
    "llamacpp": Engine(models.EMBEDDED, embedded=True),
    "simulated": Engine(models.EMBEDDED, embedded=True),
}
DEFAULT_ENGINE = {"cluster": "ollama", "local": "llamacpp"}
DEFAULT_GATEWAY = {"cluster": "traefik", "local": "none"}


def choose(values: Values, containers: ContainerEngine, detect: bool = True) -> tuple[Values, str]:
    """Return the settings with profile, engine, model and gateway filled in, and a line that says why.

    With `detect`, an Ollama that already runs on this machine is the engine, unless ENGINE names another.

    Raises:
        FixableError: two settings contradict each other, or the machine lacks what they need.
    """
    profile, reason = choose_profile(values, containers)
    engine, running = choose_engine(values, profile, detect)
    model = values["model"] or ENGINES[engine].model
    if running:
        model = ",".join(ollama.choose_model(running, name) for name in values["model"].split(","))
        reason += f"; Ollama {running.version} at {running.url} has {', '.join(running.models)}"
    gateway = values["gateway"] or DEFAULT_GATEWAY[profile]
    chosen = {**values, "profile": profile, "engine": engine, "model": model, "gateway": gateway}
    check_models(chosen)
    (check_cluster if profile == "cluster" else check_local)(chosen)
    return chosen, f"PROFILE={profile} ENGINE={engine} MODEL={model}  ({reason})"


def choose_profile(values: Values, containers: ContainerEngine) -> tuple[str, str]:
    """Return the profile, and why it is that one.

    Raises:
        FixableError: PROFILE or ENGINE needs containers, and there are none.
    """
    profile, engine = values["profile"], values["engine"]
    if profile == "local":
        if engine == "ollama":
            raise FixableError(
                "PROFILE=local runs no containers, and ENGINE=ollama is one",
                "ENGINE=llamacpp or ENGINE=simulated; or PROFILE=cluster\n"
                "or ENGINE=host, with an Ollama of your own: ollama serve",
            )
        return "local", "no containers, as asked"
    if containers.ready:
        return "cluster", containers.description
    if profile == "cluster" or engine == "ollama":
        wanted = "PROFILE=cluster" if profile else "ENGINE=ollama"
        raise FixableError(
            f"{wanted} needs a container engine, and {containers.description}",
            "start Docker; or without containers: make up PROFILE=local ENGINE=llamacpp",
        )
    return "local", f"no container engine: {containers.description}; start Docker for the cluster"


def choose_engine(values: Values, profile: str, detect: bool) -> tuple[str, Ollama | None]:
    """Return the engine, and with ENGINE=host the Ollama that answered.

    Raises:
        FixableError: ENGINE=host, and no Ollama answers.
    """
    moved = values["runtime_port"] != RUNTIME_PORT
    if values["engine"] == "host":
        if moved:
            raise FixableError(
                f"RUNTIME_PORT={values['runtime_port']} has no use: ENGINE=host starts no runtime",
                f"leave it out; if your Ollama listens there: OLLAMA_HOST=127.0.0.1:{values['runtime_port']}",
            )
        return "host", ollama.ask(ollama.parse_address(values["ollama_host"]))
    default = values["engine"] or DEFAULT_ENGINE[profile]
    address = ollama.parse_address(values["ollama_host"])
    if values["engine"] or moved or not detect or not address.is_local or forwarded_by_tilt(address.port):
        return default, None
    try:
        return "host", ollama.ask(address)
    except FixableError:
        return default, None  # none runs here


def forwarded_by_tilt(port: int) -> bool:
    """Return whether a port is probably the platform's own, forwarded by a Tilt that runs."""
    if holder := probe.port_holder(port):
        return Path(holder.partition(": ")[2].split(" ")[0]).name.startswith("tilt")
    return not probe.port_is_free(TILT_PORT)


def check_models(values: Values) -> None:
    """Check that the engine can serve as many models as MODEL names.

    Raises:
        FixableError: It cannot.
    """
    names = values["model"].split(",")
    if ENGINES[values["engine"]].embedded and len(names) > 1:
        raise FixableError(
            f"ENGINE={values['engine']} serves one model, and MODEL={values['model']} names {len(names)}",
            f"MODEL={names[0]}; or ENGINE=ollama in the cluster, ENGINE=host with your own Ollama",
        )


def check_cluster(values: Values) -> None:
    """Check that the settings go together in the cluster.

    Raises:
        FixableError: they do not.
    """
    packaged = ENGINES["llamacpp"].model
    if values["engine"] == "llamacpp" and values["model"] != packaged:
        raise FixableError(
            f"MODEL={values['model']} is not in the image of ENGINE=llamacpp, which has {packaged}",
            "leave MODEL out; or ENGINE=ollama; or make local MODEL=... RUNTIME_MODEL_PATH=FILE.gguf",
        )
    if values["autoscaler"] == "queue" and not values["monitoring"]:
        raise FixableError(
            "AUTOSCALER=queue needs Prometheus, and MONITORING=false leaves it out",
            "AUTOSCALER=cpu, or MONITORING=true",
        )
    if values["scale_to_zero"] and (values["autoscaler"] != "queue" or values["engine"] == "host"):
        raise FixableError(
            "SCALE_TO_ZERO=true needs a runtime in the cluster, and AUTOSCALER=queue to bring it back",
            "AUTOSCALER=queue, or SCALE_TO_ZERO=false",
        )


def check_local(values: Values) -> None:
    """Check that the settings go together in the local profile.

    Raises:
        FixableError: they do not.
    """
    if values["gateway"] != "none":
        raise FixableError(
            f"GATEWAY={values['gateway']} needs the cluster, and PROFILE=local has none",
            "GATEWAY=none, or PROFILE=cluster",
        )
    if values["policies"]:
        raise FixableError(
            "POLICIES=true needs the cluster, and PROFILE=local has none",
            "POLICIES=false, or PROFILE=cluster",
        )
    if values["gitops"]:
        raise FixableError(
            "GITOPS=true needs the cluster, and PROFILE=local has none",
            "GITOPS=false, or PROFILE=cluster",
        )
    if values["tracing"]:
        raise FixableError(
            "TRACING=true needs the cluster, and PROFILE=local has none",
            "leave it out, or PROFILE=cluster; to send traces to a collector of your own:\n"
            "LLM_OTLP_ENDPOINT=http://localhost:4318 make local",
        )
    if ENGINES[values["engine"]].embedded and values["api_port"] == values["runtime_port"]:
        raise FixableError(
            f"API_PORT and RUNTIME_PORT are both {values['api_port']}", "give each a port of its own"
        )
