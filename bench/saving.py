"""Saves a file of a running app, and asks the app what it serves.

A save adds a route that returns its word, when the file arrived where it is served (by the file's change
time, which unpacking an archive cannot set), and when it was imported. A pod's clock is that of its node.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import BenchError, tilted

PATH = "/saved"
ROUTE = """

@app.get("{path}", include_in_schema=False)
def saved(loaded: float = __import__("time").time()) -> dict[str, str | float]:
    return {{"word": "{word}", "arrived": __import__("os").stat(__file__).st_ctime, "loaded": loaded}}
"""
POLL_SECONDS = 0.01
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy to this machine


@dataclass(frozen=True)
class App:
    """An app that reloads.

    Attributes:
        main: The file that is saved; its `app` is a FastAPI app.
        tilt: The port of the page of the Tilt that brings the file to its pod, if one does.
    """

    name: str
    url: str
    main: Path
    tilt: int | None = None


@dataclass(frozen=True)
class Save:
    """The seconds that a save took.

    Attributes:
        watched: From the save until Tilt noticed it and the file had rested; nothing in the local profile.
        copied: From then until the file was in its place: the archive, the way into the pod, unpacking.
        loaded: From then until the file had been loaded.
        started: From then until it was served: the start of the app and the takeover.
    """

    watched: float
    copied: float
    loaded: float
    started: float

    @property
    def brought(self) -> float:
        """From the save until the file was in its place: what Tilt takes."""
        return self.watched + self.copied

    @property
    def reloaded(self) -> float:
        """From then until it was served: what the reload takes."""
        return self.loaded + self.started

    @property
    def total(self) -> float:
        """From the save until it was served."""
        return self.brought + self.reloaded


def served(url: str) -> dict[str, str | float] | None:
    """Return what the added route says, {} if there is no such route, None if the app is not reachable."""
    try:
        with OPENER.open(url + PATH, timeout=5) as response:
            return dict(json.load(response))
    except urllib.error.HTTPError:
        return {}
    except OSError:
        return None


def wait(url: str, word: str | None, patience: float) -> dict[str, str | float]:
    """Wait until the route returns the word (None: until the route is gone); return what it says.

    Raises:
        BenchError: it took longer than `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while (seen := served(url)) is None or seen.get("word") != word:
        if time.monotonic() > deadline:
            raise BenchError(
                f"a save was not live within {patience:g} s: is `tilt up` or `make local` running?"
            )
        time.sleep(POLL_SECONDS)
    return seen


@contextmanager
def restored(app: App, patience: float = 60) -> Iterator[str]:
    """Yield the text of the app's file; at the end write it back, and wait until that is served.

    Raises:
        BenchError: that took longer than `patience` seconds.
    """
    original = app.main.read_text()
    try:
        yield original
    finally:
        app.main.write_text(original)
    wait(app.url, None, patience)


def save(app: App, original: str, word: str) -> None:
    """Write the file with a route that returns the word."""
    app.main.write_text(original + ROUTE.format(path=PATH, word=word))


def saves(app: App, count: int, patience: float = 60) -> Generator[Save, None, None]:
    """Save the file `count` times, each time after the last save is live; yield what each took.

    Raises:
        BenchError: a save took longer than `patience` seconds.
    """
    with restored(app, patience) as original:
        for number in range(count):
            word = f"{time.time_ns():x}-{number}"
            began = time.time()
            save(app, original, word)
            seen = wait(app.url, word, patience)
            ended = time.time()
            arrived, loaded = float(seen["arrived"]), float(seen["loaded"])
            noticed = began if app.tilt is None else tilted.noticed(app.tilt, app.main, began)
            yield Save(noticed - began, arrived - noticed, loaded - arrived, ended - loaded)
