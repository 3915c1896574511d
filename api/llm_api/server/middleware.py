"""Wraps every request, as pure ASGI: a BaseHTTPMiddleware costs more and hides that the client left."""

import logging
import os
import re
import sys
from collections.abc import Collection, Sequence

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from llm_api.dialects.errors import ANTHROPIC_PATH, HttpError, error_response
from llm_api.errors import GatewayError
from llm_api.gateway import Gateway
from llm_api.record import RequestRecord
from llm_api.settings import SettingsError

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
UNSAFE = re.compile(r"[^!-~]|,")
MAX_IGNORED, MAX_NAME = 32, 128


class RequestMiddleware:
    """Checks the API key and gives the request an id; answers errors; counts, logs and traces it at its end.

    Args:
        app: The application to wrap.
        probes: Exact paths that need no API key, and whose requests are logged at level debug only.
        counted: Exact paths that become the label `route` of the metrics.
    """

    def __init__(self, app: ASGIApp, *, probes: Collection[str], counted: Collection[str]) -> None:
        self.app, self._probes, self._counted = app, frozenset(probes), frozenset(counted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, without_traceback(send))
            return
        gateway: Gateway = scope["state"]["gateway"]
        headers, path = Headers(scope=scope), scope["path"]
        record = RequestRecord(request_id(scope), route=path if path in self._counted else "")
        scope["state"]["record"] = record
        if gateway.tracing and record.route:
            record.trace = gateway.tracing.begin(record, scope, headers)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", record.id.encode())]
                if path.startswith(ANTHROPIC_PATH):  # whose clients look for it under this name
                    message["headers"].append((b"request-id", record.id.encode()))
                if record.ignored:
                    message["headers"].append((b"x-ignored-fields", header_value(record.ignored)))
                if gateway.stops_at is not None:  # or the client's next request would find it closed
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        probe = path in self._probes
        if not probe:
            gateway.open_requests += 1
            gateway.last_arrival = record.arrived
        try:
            if not probe:
                record.key = gateway.keys.check(headers)
            # HEAD is served as GET; the server leaves out the body.
            routed = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
            await self.app(routed, receive, send_with_id)
        except GatewayError as error:
            record.fail(error)
            if not record.status:
                await error_response(error, path, record.id)(scope, receive, send_with_id)
        except HTTPException as error:
            await error_response(HttpError(error), path, record.id)(scope, receive, send_with_id)
        except Exception:
            if not record.status:
                await error_response(GatewayError("internal error"), path, record.id)(
                    scope, receive, send_with_id
                )
            record.status, record.outcome, record.error = 500, "error", "internal_error"
            raise
        finally:
            if not probe:
                gateway.open_requests -= 1
            gateway.metrics.record(record)
            if record.ignored:
                gateway.log.debug("ignored fields", id=record.id, fields=record.ignored[:MAX_IGNORED])
            level = logging.DEBUG if probe else logging.INFO
            if gateway.log.is_enabled_for(level):
                log_request(gateway.log, level, record, scope["method"], path)
            if record.trace:
                record.trace.end(record)


def without_traceback(send: Send) -> Send:
    """Report invalid settings as a message, not as Starlette's traceback."""

    async def send_lifespan(message: Message) -> None:
        error = sys.exception()
        if message["type"] == "lifespan.startup.failed" and isinstance(error, SettingsError):
            message["message"] = str(error)
        await send(message)

    return send_lifespan


def request_id(scope: Scope) -> str:
    """Return the client's X-Request-ID if it is safe to log, else a new id."""
    given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
    return given if REQUEST_ID.fullmatch(given) else os.urandom(16).hex()


def header_value(names: Sequence[str]) -> bytes:
    """Return names as a list in a header, where only printable ASCII is safe; of very many, the first."""
    shown = [UNSAFE.sub("?", name[:MAX_NAME]) for name in names[:MAX_IGNORED]]
    return ", ".join(shown + ["..."] * (len(names) > MAX_IGNORED)).encode()


def log_request(log: FilteringBoundLogger, level: int, record: RequestRecord, method: str, path: str) -> None:
    """Log one line, without empty fields."""
    fields = {
        "id": record.id,
        "method": method,
        "path": path[:200] if path.isprintable() else ascii(path[:200]),
        "status": record.status,
        "outcome": record.outcome,
        "error": record.error,
        "key": record.key,
        "model": record.model,
    }
    if record.phases:
        fields |= record.phases.as_timings()
        fields |= {
            "prompt_tokens": record.usage.prompt_tokens,
            "generated_tokens": record.usage.generated_tokens,
        }
    if record.exemplar:
        fields |= record.exemplar
    log.log(level, "request", **{name: value for name, value in fields.items() if value not in (None, "")})
