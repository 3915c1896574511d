"""A small client of the gateway for ask and smoke: standard library only, so that both start at once."""

import json
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any

from dev import FixableError

URL = "http://localhost:8000"


class RefusedError(FixableError):
    """The gateway answered with an error; `status` is its HTTP status, `kind` its error's type."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        """Keep what the gateway said."""
        super().__init__(f"the gateway says {status} {kind}: {message}")
        self.status = status
        self.kind = kind


def default_url() -> str:
    """LLM_URL, else the local gateway at API_PORT."""
    return os.environ.get("LLM_URL") or URL.replace("8000", os.environ.get("API_PORT") or "8000")


class Gateway:
    """Calls to one gateway, with the key of LLM_API_KEY where one is set."""

    def __init__(self, url: str, key: str = "", timeout: float = 150) -> None:
        """`timeout` is the longest silence, in seconds."""
        self.url = url.rstrip("/")
        self.key = key
        self.timeout = timeout

    def open(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer to a GET, or to a POST where there is a body; to be read and closed.

        Raises:
            RefusedError: the gateway answered with an error.
            FixableError: nothing answered.
        """
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        data = None if body is None else json.dumps(body).encode()
        try:
            request = urllib.request.Request(self.url + path, data, headers)  # noqa: S310 - the user's own URL
            return urllib.request.urlopen(request, timeout=self.timeout)  # noqa: S310
        except urllib.error.HTTPError as error:
            raise refusal(error.code, error.read()) from error
        except (OSError, ValueError, HTTPException) as error:
            raise FixableError(silence(self.url, error)) from error

    def text(self, path: str) -> str:
        """The whole answer to a GET. Raises as `open` does."""
        with self.open(path) as answer:
            return str(answer.read().decode())

    def json(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The whole answer as JSON. Raises as `open` does."""
        with self.open(path, body) as answer:
            return json.load(answer)

    def stream(self, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The lines of a streamed /generate as they come.

        Raises:
            RefusedError: the gateway refused, or the stream ended with an error.
            FixableError: nothing answered, or the connection broke.
        """
        with self.open("/generate", {**body, "stream": True}) as answer:
            try:
                for line in answer:
                    event: dict[str, Any] = json.loads(line)
                    if "error" in event:
                        raise refusal(200, line)
                    yield event
            except (OSError, ValueError, HTTPException) as error:
                raise FixableError(f"the stream broke off: {error}", "look at the gateway's log") from error


def refusal(status: int, content: bytes) -> RefusedError:
    """The gateway's error, from its one JSON shape; of another shape, its first words."""
    try:
        error = json.loads(content)["error"]
        return RefusedError(status, str(error["type"]), str(error["message"]))
    except (ValueError, KeyError, TypeError):
        return RefusedError(status, "unknown", content[:200].decode(errors="replace"))


def silence(url: str, error: Exception) -> str:
    """Why nothing answered, and what to do."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, ConnectionRefusedError):
        return f"nothing listens at {url}\n  fix: start the platform: make up (another address: LLM_URL=http://...)"
    if isinstance(reason, TimeoutError | socket.timeout):
        return f"{url} did not answer in time\n  fix: look at the log of llm-api and llm-runtime"
    return f"{url} cannot be asked: {reason}\n  fix: check the address (--url, LLM_URL)"
