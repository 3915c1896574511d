"""The command line."""

import argparse
import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve; where a name is one of uvicorn's options, it means the same."""

    app: str
    host: str
    port: int
    http: str
    log_level: str | None
    access_log: bool
    timeout_graceful_shutdown: int | None
    timeout_keep_alive: int
    probe: str
    finish: int


def parse(argv: list[str]) -> Options:
    """Read the command line; end the program if it is wrong."""
    grace = os.environ.get("UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN")
    parser = argparse.ArgumentParser(
        prog="python -m dev.server",
        description="Serve an app from the current folder, with a reload that nobody notices.",
    )
    parser.add_argument("app", help="module:attribute, as for uvicorn")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--http",
        default="uvicorn.protocols.http.httptools_impl:HttpToolsProtocol",
        help="module:class of the HTTP protocol, based on uvicorn's for httptools",
    )
    parser.add_argument("--log-level")
    parser.add_argument("--no-access-log", dest="access_log", action="store_false")
    parser.add_argument(
        "--timeout-graceful-shutdown",
        type=int,
        default=int(grace) if grace else None,
        help="seconds that requests get after SIGTERM; a save leaves them all the time they take",
    )
    parser.add_argument("--timeout-keep-alive", type=int, default=5)
    parser.add_argument(
        "--probe",
        default="/",
        help="new code takes over once this path answers below 400, or if it does not in the old code either",
    )
    parser.add_argument(
        "--finish",
        type=int,
        default=10,
        help="seconds that the requests of replaced code have at least; with four generations, a save waits",
    )
    return Options(**vars(parser.parse_args(argv)))
