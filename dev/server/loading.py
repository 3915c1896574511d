"""Imports the app in the process of a generation."""

import importlib
import os
import sys
import traceback
from collections.abc import Set
from typing import Any

from uvicorn.importer import import_from_string

from dev.server.sources import Sources


def use(sources: Sources) -> None:
    """Import the project's own modules from these sources, from now on."""
    sys.dont_write_bytecode = True  # Python would take it for that of a later save
    sys.path[:] = [sources.root, *(path for path in sys.path if path not in ("", sources.root))]
    sys.path_hooks.insert(0, sources.path_hook())
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()


def load(name: str) -> Any:
    """Return what `module:attribute` names.

    Raises:
        Exception: Whatever the import raises.
    """
    return import_from_string(name)


def packages(sources: Sources, known: Set[str]) -> list[str]:
    """Return the names of the modules that are new, but for the project's own, in the order of their import.

    What has no spec was not imported by its name: Cython keeps its shared types in such modules.
    """

    def own(name: str) -> bool:
        module = sys.modules[name]
        places = [getattr(module, "__file__", None) or "", *getattr(module, "__path__", [])]
        return any(place and sources.owns(place) for place in places)

    return [
        name
        for name, module in sys.modules.items()
        if name not in known and getattr(module, "__spec__", None) and not own(name)
    ]


def explain(error: BaseException) -> str:
    """Return the traceback without the frames that load every app."""
    lines = traceback.TracebackException.from_exception(error)
    folders = tuple(os.path.dirname(path) + os.sep for path in (__file__, importlib.__file__))
    loader = import_from_string.__code__.co_filename
    lines.stack[:] = [
        frame
        for frame in lines.stack
        if not frame.filename.startswith((*folders, loader, "<frozen importlib"))
    ]
    return "".join(lines.format()).rstrip()
