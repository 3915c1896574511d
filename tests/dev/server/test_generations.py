"""How many generations live at once, and how they end."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.dev.server.support import HOLD, Dev, Process, dev_server, processes
from tests.waiting import equals, until_sync


def four_streams(dev: Dev, stack: ExitStack) -> list[Iterator[str]]:
    """Save four times; return a stream that each of these generations has begun."""
    streams = []
    for word in ("one", "two", "three", "four"):
        dev.save(f'WORD = "{word}"')
        dev.serves(word)
        streams.append(stack.enter_context(dev.stream()))
        assert next(streams[-1]) == f"{word} begins"
    return streams


def test_at_most_four_generations_live_and_the_oldest_ends_its_streams_as_a_shutdown_does(dev: Dev) -> None:
    with ExitStack() as stack:
        streams = four_streams(dev, stack)
        dev.has_generations(4)
        dev.save('WORD = "five"')
        dev.serves("five")
        assert list(streams[0]) == ["one is cut"]
        dev.has_generations(4)
        dev.finish_streams()
        assert [list(stream) for stream in streams[1:]] == [["two ends"], ["three ends"], ["four ends"]]
    dev.has_generations(1)


def test_a_fifth_generation_waits_for_streams_of_ordinary_length(tmp_path: Path) -> None:
    with dev_server(tmp_path, "--finish", "60") as dev, ExitStack() as stack:
        streams = four_streams(dev, stack)
        dev.save('WORD = "five"')
        dev.prints("4 generations have requests to finish: this save waits for that")
        assert dev.word() == "four"
        dev.finish_streams()
        dev.serves("five")
        assert [list(stream) for stream in streams] == [
            [f"{word} ends"] for word in ("one", "two", "three", "four")
        ]


def test_a_process_that_ends_by_itself_is_replaced_once(dev: Dev) -> None:
    for ended, explained in enumerate(["starting another one", "waiting for a save"]):
        dev.prints("reload: serving", times=ended + 1)
        [generation] = dev.generations()
        os.kill(generation.pid, signal.SIGKILL)
        dev.prints(f"status -9): {explained}")
        dev.has_generations(1 - ended)
    dev.save('WORD = "two"')
    dev.has_generations(1)
    dev.http.close()
    assert httpx.get(dev.url, trust_env=False).text == "two"


STOPS: dict[str, Callable[[Dev], None]] = {
    "while it serves": lambda dev: None,
    "while a save is loading": lambda dev: dev.save(HOLD.format(word="two")),
}


@pytest.mark.parametrize("moment", STOPS)
def test_a_stop_ends_every_generation_with_its_streams(dev: Dev, moment: str) -> None:
    with dev.stream() as old:
        assert next(old) == "one begins"
        dev.save('WORD = "1.5"')
        dev.serves("1.5")
        STOPS[moment](dev)
        if "loading" in moment:
            until_sync("the import of two", (dev.folder / "loading-two").exists)
        children = dev.children()
        assert len(dev.generations()) == 2 + ("loading" in moment)
        dev.stop()
        assert list(old) == ["one is cut"]
    assert alive(children) == []


def test_generations_end_with_a_supervisor_that_is_killed(dev: Dev) -> None:
    children = dev.children()
    dev.process.kill()
    until_sync("no generation", lambda: alive(children), equals([]))
    dev.process.wait()
    dev.ended = True


def alive(children: list[Process]) -> list[int]:
    pids = {child.pid for child in children}
    return [process.pid for process in processes() if process.pid in pids]
