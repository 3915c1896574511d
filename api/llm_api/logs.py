"""Configures structlog for the gateway and uvicorn alike: JSON in a cluster, readable lines elsewhere."""

import logging
import sys

import structlog
from structlog.types import Processor

from llm_api.settings import Settings


def configure(settings: Settings) -> None:
    """Set the format and the level of the whole process."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=settings.log_format == "json"),
    ]
    console = structlog.dev.ConsoleRenderer(
        colors=sys.stdout.isatty(),
        sort_keys=False,
        # If rich is installed, its tracebacks would show local variables, prompts and keys among them.
        exception_formatter=structlog.dev.plain_traceback,
    )
    renderers: list[Processor] = [console]
    if settings.log_format == "json":
        renderers = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[*shared, *renderers],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(),
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.INFO))
    uvicorn = logging.getLogger("uvicorn")
    uvicorn.handlers, uvicorn.propagate = [], True
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # The gateway logs a line of its own for each request, with more in it.
    access = logging.getLogger("uvicorn.access")
    access.handlers, access.propagate = [], False
