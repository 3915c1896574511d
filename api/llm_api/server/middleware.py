"""Around every request, as pure ASGI (a BaseHTTPMiddleware costs more, and hides that a client left)."""

import logging
import os
import re
import sys

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from llm_api.auth import OPEN_PATHS
from llm_api.errors import AuthenticationError, GatewayError, response
from llm_api.gateway import Gateway
from llm_api.metrics import ROUTES
from llm_api.settings import SettingsError
from llm_api.trace import Trace

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestMiddleware:
    """Checks the key, names the request, and when it has ended counts it and logs a line."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, plainly(send))
            return
        gateway: Gateway = scope["state"]["gateway"]
        headers, path = Headers(scope=scope), scope["path"]
        trace = Trace(request_id(headers), route=path if path in ROUTES else "")
        scope["state"]["trace"] = trace

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                trace.status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", trace.id.encode())]
            await send(message)

        try:
            trace.key = gateway.keys.check(path, headers.get("authorization", ""))
            await self.app(scope, receive, tagged)
        except AuthenticationError as error:
            trace.failed(error)
            await response(error)(scope, receive, tagged)
        except Exception:
            if not trace.status:
                await response(GatewayError("internal error"))(scope, receive, tagged)
            trace.status, trace.outcome, trace.error = 500, "error", "internal_error"
            raise
        finally:
            gateway.metrics.record(trace)
            tell(gateway.log, trace, scope["method"], path)


def plainly(send: Send) -> Send:
    """Tell of wrong settings in their own words, where Starlette tells with a traceback."""

    async def tell(message: Message) -> None:
        error = sys.exception()
        if message["type"] == "lifespan.startup.failed" and isinstance(error, SettingsError):
            message["message"] = str(error)
        await send(message)

    return tell


def request_id(headers: Headers) -> str:
    """Return the id that came in, if it is a harmless one, else a new one."""
    given = headers.get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else os.urandom(16).hex()


def tell(log: FilteringBoundLogger, trace: Trace, method: str, path: str) -> None:
    """Log one line; the probes' and the scrapes' only at level debug."""
    level = logging.DEBUG if path in OPEN_PATHS else logging.INFO
    if not log.is_enabled_for(level):
        return
    fields = {
        "id": trace.id,
        "method": method,
        "path": path[:200] if path.isprintable() else ascii(path[:200]),
        "status": trace.status,
        "outcome": trace.outcome,
        "error": trace.error,
        "key": trace.key,
        "model": trace.model,
    }
    if trace.route and trace.phases.ended is not None:
        fields |= trace.phases.as_timings()
        fields |= {
            "prompt_tokens": trace.usage.prompt_tokens,
            "generated_tokens": trace.usage.generated_tokens,
        }
    log.log(level, "request", **{name: value for name, value in fields.items() if value not in (None, "")})
