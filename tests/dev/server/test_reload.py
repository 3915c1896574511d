"""A save: new requests get the new code, old streams complete on the old code, and nobody is refused."""

from pathlib import Path

import httpx
import pytest

from tests.dev.server.support import HOLD, Dev, dev_server
from tests.waiting import until_sync


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


def test_a_package_that_only_the_app_can_find_is_imported_by_each_save_and_told_once(
    dev: Dev, tmp_path_factory: pytest.TempPathFactory
) -> None:
    packages = tmp_path_factory.mktemp("packages")
    (packages / "picky.py").write_text("")
    for word in ("two", "three"):
        dev.save(f"import sys\nsys.path.append({str(packages)!r})\nimport picky\nWORD = '{word}'")
        dev.serves(word)
        dev.prints("reload: each save imports picky, which cannot stay loaded")
    assert dev.log.count("cannot stay loaded") == 1
