"""An Ollama, or anything that speaks its API, that this machine already runs: where it is and what it has.

Addresses are written as in OLLAMA_HOST, Ollama's own variable
(https://github.com/ollama/ollama/blob/main/envconfig/config.go, `Host`).
"""

import ipaddress
import json
import socket
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from dev import FixableError, models
from dev.doctor import probe
from dev.settings import RUNTIME_PORT

TIMEOUT = 3  # seconds for each answer
MOST_BYTES = 10_000_000  # of an answer
DOCKER_DESKTOP_HOST = "host.docker.internal"
NETWORKS = ("kind", "bridge")  # of Docker; the first is there once kind has created a cluster


@dataclass(frozen=True)
class Address:
    """Where an Ollama listens; `host` is a wildcard such as 0.0.0.0 where it listens everywhere."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def listens_everywhere(self) -> bool:
        """Whether the host is a wildcard."""
        return self.host in ("", "0.0.0.0", "::")  # noqa: S104 - a comparison

    @property
    def is_local(self) -> bool:
        """Whether it can be reached at loopback."""
        if self.listens_everywhere or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def url(self, host: str = "") -> str:
        """Return its URL, by another host's name or address where one is given."""
        host = host or ("127.0.0.1" if self.listens_everywhere else self.host)
        return f"{self.scheme}://{f'[{host}]' if ':' in host else host}:{self.port}{self.path}"


@dataclass(frozen=True)
class Ollama:
    """An Ollama that answered: its URL from this machine, its version, and the names of its models."""

    url: str
    version: str
    models: tuple[str, ...]


def parse_address(text: str) -> Address:
    """Return the address that OLLAMA_HOST stands for: host, host:port, :port, or a URL of either.

    Raises:
        FixableError: it is none of these.
    """
    has_scheme = "://" in text
    try:
        # An IPv6 address may stand without its brackets where no port follows.
        bare = f"[{ipaddress.IPv6Address(text)}]"
    except ValueError:
        bare = text
    try:
        parts = urlsplit(bare if has_scheme else f"http://{bare}")
        default = {"http": 80, "https": 443}[parts.scheme] if has_scheme else RUNTIME_PORT
        port = default if parts.port is None else parts.port
        if parts.username or parts.query or parts.fragment or any(c.isspace() for c in text):
            raise ValueError("it is not an address alone")
    except (ValueError, KeyError) as error:
        raise FixableError(
            f"OLLAMA_HOST={text} is not an address ({error})",
            f"OLLAMA_HOST=127.0.0.1:{RUNTIME_PORT}, a host name, or a URL such as http://host:port",
        ) from error
    return Address(parts.scheme, parts.hostname or "", port, parts.path.rstrip("/"))


def _get(url: str) -> dict[str, Any]:
    """Return the JSON object at a URL; like the gateway, ask no proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=TIMEOUT) as response:
        found: dict[str, Any] = dict(json.loads(response.read(MOST_BYTES)))
    return found


def ask(address: Address) -> Ollama:
    """Return the Ollama at an address.

    Raises:
        FixableError: nothing answers there, or something else.
    """
    url = address.url()
    try:
        version = str(_get(f"{url}/api/version")["version"])
        models = tuple(str(model["name"]) for model in _get(f"{url}/api/tags")["models"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
        raise FixableError(
            f"no Ollama answers at {url}: {getattr(error, 'reason', None) or repr(error)}",
            "start it (ollama serve); if it listens elsewhere: OLLAMA_HOST=HOST:PORT",
        ) from error
    return Ollama(url, version, models)


def choose_model(ollama: Ollama, wanted: str) -> str:
    """Return the full name of the wanted model, of the first one listed where none is wanted.

    Raises:
        FixableError: the Ollama does not have it.
    """
    if not wanted and ollama.models:
        return ollama.models[0]
    # Ollama's rule: a name without a tag means `latest`.
    for name in (wanted, f"{wanted}:latest"):
        if name in ollama.models:
            return name
    missing = (
        f"does not have MODEL={wanted}; it has: {', '.join(ollama.models)}"
        if ollama.models
        else "has no models"
    )
    raise FixableError(f"the Ollama at {ollama.url} {missing}", f"ollama pull {wanted or models.OLLAMA}")


def url_from_pods(address: Address, containers: probe.ContainerEngine) -> str:
    """Return the URL at which the cluster's pods reach an Ollama.

    Loopback in a pod is the pod. This machine is the gateway of kind's network; Docker Desktop names it.

    Raises:
        FixableError: it cannot be reached from pods.
    """
    if not address.is_local:
        return address.url()
    if containers.in_vm:
        return address.url(DOCKER_DESKTOP_HOST)
    gateway = next(filter(None, map(probe.network_gateway, NETWORKS)), "")
    if not gateway:
        raise FixableError(
            f"Docker's network {NETWORKS[0]} has no IPv4 gateway, so pods cannot reach this machine",
            "OLLAMA_HOST=ADDRESS, with an address of this machine that Ollama listens on",
        )
    if not can_connect(gateway, address.port):
        raise FixableError(
            f"the Ollama at {address.url()} listens on loopback alone; pods ask {address.url(gateway)}",
            "let it listen on every address, your network's included: OLLAMA_HOST=0.0.0.0 ollama serve\n"
            "as a service: sudo systemctl edit ollama, add the two lines [Service] and\n"
            'Environment="OLLAMA_HOST=0.0.0.0", then sudo systemctl restart ollama\n'
            "or leave it alone: make local ENGINE=host",
        )
    return address.url(gateway)


def can_connect(host: str, port: int) -> bool:
    """Return whether something on this machine accepts connections at an address."""
    try:
        socket.create_connection((host, port), TIMEOUT).close()
    except OSError:
        return False
    return True
