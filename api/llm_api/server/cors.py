"""Lets web pages of other origins call the API, as far as LLM_CORS_ORIGINS allows it.

https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

LOCALHOST = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
# What a page may read besides the body: by default, its script sees no header of ours.
EXPOSED = ("x-request-id", "x-ignored-fields", "retry-after", "server-timing")


class Cors:
    """Starlette's CORSMiddleware, as the settings want it; they are read only when the app starts.

    It answers a browser's preflight requests, which carry no API key, so it has to come before the keys.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._allowing: dict[str, ASGIApp] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app
        if scope["type"] == "http" and (origins := scope["state"]["gateway"].settings.cors_origins):
            if origins not in self._allowing:
                self._allowing[origins] = allowing(self.app, origins.split(","))
            app = self._allowing[origins]
        await app(scope, receive, send)


def allowing(app: ASGIApp, origins: list[str]) -> CORSMiddleware:
    """Return `app` for pages of these origins."""
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_origin_regex=LOCALHOST if "localhost" in origins else None,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=EXPOSED,
    )
