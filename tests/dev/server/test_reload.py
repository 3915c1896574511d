"""A save: new requests get the new code, old streams complete on the old code, and nobody is refused."""

import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.dev.server.support import Dev, Process, dev_server, processes
from tests.waiting import equals, until_sync

HOLD = """
import time
from pathlib import Path
Path("loading-{word}").touch()
while not Path("go-{word}").exists():
    time.sleep(0.01)
WORD = "{word}"
"""
"""A module that is not imported until a test lets it be."""


def test_old_streams_complete_on_the_old_code_and_new_requests_get_the_new_code(dev: Dev) -> None:
    with dev.stream() as old:
        assert next(old) == "one begins"
        dev.save('WORD = "two"')
        dev.serves("two")
        with dev.stream() as new:
            assert next(new) == "two begins"
            dev.has_generations(2)
            dev.finish_streams()
            assert [*old, *new] == ["one ends", "two ends"]
    dev.has_generations(1)


def test_a_connection_that_is_kept_open_gets_the_new_code(dev: Dev) -> None:
    before = connection(dev)
    for word in ("two", "three", "four"):
        dev.save(f'WORD = "{word}"')
        dev.serves(word)
        assert connection(dev) == before, "the reload closed a connection"


def connection(dev: Dev) -> object:
    """Return the client's end of the connection that a request is made on."""
    return dev.http.get("/").extensions["network_stream"].get_extra_info("socket").getsockname()


@pytest.mark.parametrize(
    "broken", ["WORD = (", "import nothing_of_this_name", "raise RuntimeError('at import')", ""]
)
def test_a_broken_save_changes_nothing_and_is_explained_once(dev: Dev, broken: str) -> None:
    with dev.stream() as old:
        assert next(old) == "one begins"
        pid = dev.http.get("/pid").text
        dev.save(broken)
        dev.prints("words.py does not start; the old code serves on until a save repairs it")
        assert dev.http.get("/pid").text == pid
        assert dev.log.count("Traceback") == 1
        assert dev.log.count("Error") == 1 + dev.log.count("raise RuntimeError")
        assert "importlib" not in dev.log
        dev.save('WORD = "two"')
        dev.serves("two")
        dev.finish_streams()
        assert list(old) == ["one ends"]


def test_an_app_that_fails_to_start_up_changes_nothing(dev: Dev) -> None:
    main = (dev.folder / "main.py").read_text()
    failing = "async def lifespan(app):\n    raise RuntimeError('at startup')\n    yield\n"
    dev.save(failing + main.replace("routes=[", "lifespan=lifespan, routes=["), "main.py")
    dev.prints("main.py does not start; the old code serves on")
    assert dev.word() == "one"
    assert dev.log.count("RuntimeError: at startup") == 1


def wait_for_ready(dev: Dev) -> None:
    """Save an app whose /pid answers 503 unless the file `ready` exists."""
    main = (dev.folder / "main.py").read_text()
    lazy = 'PlainTextResponse(PID, 200 if Path("ready").exists() else 503)'
    dev.save(main.replace("PlainTextResponse(PID)", lazy), "main.py")


def test_an_app_that_does_not_answer_yet_does_not_take_over(tmp_path: Path) -> None:
    with dev_server(tmp_path, "--probe", "/pid") as dev:
        pid = dev.http.get("/pid").text
        wait_for_ready(dev)
        dev.prints('"GET /pid HTTP/1.1" 503', times=3)
        assert dev.http.get("/pid").text == pid
        dev.save("", "ready")
        until_sync("another process", lambda: dev.http.get("/pid").text, lambda seen: seen != pid)


def test_an_app_that_answers_no_worse_than_the_one_before_takes_over(tmp_path: Path) -> None:
    with dev_server(tmp_path, "--probe", "/pid") as dev:
        dev.save("", "ready")
        wait_for_ready(dev)
        dev.prints("main.py is live")
        (dev.folder / "ready").unlink()
        dev.save('WORD = "two"')
        dev.serves("two")


def test_a_save_while_the_one_before_is_still_loading_is_the_one_that_counts(dev: Dev) -> None:
    dev.save(HOLD.format(word="two"))
    until_sync("the import of two", (dev.folder / "loading-two").exists)
    assert dev.word() == "one"
    dev.save('WORD = "three"')
    dev.serves("three")
    dev.has_generations(1)
    assert "words.py is live" in dev.log
    assert "does not start" not in dev.log


def test_a_save_during_the_first_start_is_served(tmp_path: Path) -> None:
    with dev_server(tmp_path, words=HOLD.format(word="one"), wait=False) as dev:
        until_sync("the import of one", (dev.folder / "loading-one").exists)
        dev.save('WORD = "two"')
        dev.prints("reload: serving")
        assert dev.word() == "two"


def test_code_that_does_not_start_at_first_is_served_once_it_is_repaired(tmp_path: Path) -> None:
    with dev_server(tmp_path, words="WORD = (", wait=False) as dev:
        dev.prints("the code does not start; nothing serves yet until a save repairs it")
        with pytest.raises(httpx.ConnectError):
            dev.word()
        dev.save('WORD = "two"')
        dev.prints("reload: serving")
        assert dev.word() == "two"


def test_at_most_four_generations_live_and_the_oldest_ends_its_streams_as_a_shutdown_does(dev: Dev) -> None:
    with ExitStack() as stack:
        streams = []
        for word in ("one", "two", "three", "four"):
            dev.save(f'WORD = "{word}"')
            dev.serves(word)
            streams.append(stack.enter_context(dev.stream()))
            assert next(streams[-1]) == f"{word} begins"
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
        streams = []
        for word in ("one", "two", "three", "four"):
            dev.save(f'WORD = "{word}"')
            dev.serves(word)
            streams.append(stack.enter_context(dev.stream()))
            assert next(streams[-1]) == f"{word} begins"
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


def test_new_packages_are_imported_on_a_signal_and_no_stream_is_cut(dev: Dev) -> None:
    with dev.stream() as old:
        assert next(old) == "one begins"
        pid = dev.http.get("/pid").text
        dev.process.send_signal(signal.SIGUSR1)
        until_sync("another process", lambda: dev.http.get("/pid").text, lambda seen: seen != pid)
        dev.finish_streams()
        assert list(old) == ["one ends"]
    dev.has_generations(1)
    dev.save('WORD = "two"')
    dev.serves("two")


def test_packages_stay_loaded_and_own_modules_are_fresh(dev: Dev) -> None:
    """Counted by what a generation imports that its parent has not."""
    dev.save("import json, sys\nWORD = str('colorsys' in sys.modules)\nimport colorsys")
    dev.serves("False")
    dev.save("import json, sys\nWORD = str('colorsys' in sys.modules) + ' now'\nimport colorsys")
    dev.serves("True now")


def test_modules_that_are_made_and_not_imported_are_left_out(dev: Dev) -> None:
    """Cython keeps its shared types in such a module."""
    dev.save("import sys, types\nsys.modules['made'] = types.ModuleType('made')\nWORD = 'two'")
    dev.serves("two")
    dev.save("WORD = 'three'")
    dev.serves("three")
    assert "cannot stay loaded" not in dev.log


def alive(children: list[Process]) -> list[int]:
    pids = {child.pid for child in children}
    return [process.pid for process in processes() if process.pid in pids]
