"""A client of the gateway for `ask`, `smoke` and `ci-cluster`."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from dev import FixableError, lines
from dev.settings import API_PORT

FIXES = {
    401: "set LLM_API_KEY to one of the gateway's keys",
    404: "leave the model out, or choose one that GET /v1/models lists",
    429: "the platform is busy: try again in a moment",
    503: "the platform is busy or still starting: try again in a moment",
}


class RefusedError(FixableError):
    """The gateway answered with an error: its HTTP status, and its `type` as `kind`."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(f"the gateway answered {status} {kind}: {message}", FIXES.get(status, ""))
        self.status = status
        self.kind = kind


def default_url() -> str:
    """Return LLM_URL, or the address of the gateway on this machine at API_PORT."""
    return os.environ.get("LLM_URL") or f"http://localhost:{os.environ.get('API_PORT') or API_PORT}"


def default_client(url: str) -> "GatewayClient":
    """Return a client with the key in LLM_API_KEY."""
    return GatewayClient(url, os.environ.get("LLM_API_KEY", ""))


class GatewayClient:
    """Calls to one gateway. Other hosts than this one are reached through the environment's proxy."""

    def __init__(self, url: str, key: str = "", timeout: float = 150) -> None:
        """Prepare the calls; `timeout` bounds each wait for more data, in seconds.

        Raises:
            FixableError: the proxy or the certificates that the environment names cannot be used.
        """
        self.url = url.rstrip("/")
        headers = {b"Content-Type": b"application/json"}
        if key:
            headers[b"Authorization"] = f"Bearer {key}".encode()
        try:
            # A connection ends with its response: a command makes few calls, and then has nothing to close.
            limits = httpx.Limits(max_keepalive_connections=0)
            self._http = httpx.Client(headers=headers, timeout=timeout, limits=limits, follow_redirects=True)
        except (ValueError, ImportError, OSError) as error:
            raise FixableError(
                f"the proxy or certificate settings cannot be used: {error}",
                "check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE",
            ) from error

    @contextmanager
    def _open(self, path: str, body: dict[str, Any] | None = None) -> Iterator[httpx.Response]:
        """Send a GET, or a POST if there is a body; the response is read inside the block.

        Raises:
            RefusedError: the gateway answered with an error.
            FixableError: it did not answer, or not to the end.
        """
        method, content = ("GET", None) if body is None else ("POST", json.dumps(body))
        try:
            with self._http.stream(method, self.url + path, content=content) as response:
                if response.is_error:
                    raise refusal(response.status_code, response.read())
                yield response
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise connection_error(self.url, error) from error

    def text(self, path: str) -> str:
        """Return the body of a GET; raises as `_open` does."""
        with self._open(path) as response:
            return response.read().decode()

    def json(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return the JSON body of a GET or POST; raises as `_open` does, and ValueError if it is not JSON."""
        with self._open(path, body) as response:
            return json.loads(response.read())

    def stream(self, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the lines of a streamed /generate as they arrive.

        Raises:
            RefusedError: the gateway refused, or the stream ended with an error.
            FixableError: the gateway did not answer, or not to the end.
        """
        with self._open("/generate", {**body, "stream": True}) as response:
            for line in lines.split(response.iter_bytes()):
                try:
                    event: dict[str, Any] = json.loads(line)
                except ValueError as error:
                    raise FixableError(f"not a line of JSON: {error}", "look at the gateway's log") from error
                if "error" in event:
                    raise refusal(200, line)
                yield event


def refusal(status: int, content: bytes) -> RefusedError:
    """Return the gateway's error; if it is not in the gateway's format, the beginning of the answer."""
    try:
        error = json.loads(content)["error"]
        return RefusedError(status, str(error["type"]), str(error["message"]))
    except (ValueError, KeyError, TypeError):
        return RefusedError(status, "unknown", content[:200].decode(errors="replace"))


def connection_error(url: str, error: Exception) -> FixableError:
    """Return why there was no answer, or only a part of one."""
    if isinstance(error, httpx.TimeoutException):
        return FixableError(f"{url} did not answer in time", "look at the logs of llm-api and llm-runtime")
    if isinstance(error, httpx.ReadError | httpx.RemoteProtocolError):
        return FixableError(f"{url} broke off its answer: {error}", "look at the gateway's log")
    if isinstance(error, httpx.ConnectError | httpx.ProxyError) and (proxy := proxy_for(url)):
        return FixableError(
            f"{url} cannot be reached through the proxy {proxy}: {error}",
            "check the proxy, or add the gateway's host to NO_PROXY",
        )
    if isinstance(error, httpx.ConnectError) and "refused" in str(error):
        return FixableError(
            f"nothing listens at {url}", "start the platform: make up (another address: LLM_URL=http://...)"
        )
    return FixableError(f"{url} cannot be reached: {error}", "check the address (--url, LLM_URL)")


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for the address, if any."""
    address, proxies = urlsplit(url), getproxies()
    return None if proxy_bypass(address.netloc) else proxies.get(address.scheme) or proxies.get("all")
