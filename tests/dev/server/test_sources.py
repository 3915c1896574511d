"""A change is a text that is other than the last one, whatever the file's times say."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dev.server.sources import Sources

HOUR = 3600


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A module and a package, both saved an hour ago."""
    (tmp_path / "package/inner").mkdir(parents=True)
    for name in ("main.py", "package/__init__.py", "package/inner/deep.py"):
        (tmp_path / name).write_text("VALUE = 1")
        age(tmp_path / name, HOUR)
    return tmp_path


def age(path: Path, seconds: float) -> None:
    """Make a file look as if it was saved this long ago."""
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def replace(project: Path) -> None:
    (project / "main.py.new").write_text("VALUE = 2")
    (project / "main.py.new").replace(project / "main.py")


def move_an_older_file_back(project: Path) -> None:
    (project / "main.py.orig").write_text("VALUE = 2")
    age(project / "main.py.orig", 2 * HOUR)
    (project / "main.py.orig").rename(project / "main.py")


def keep_size_and_time(project: Path) -> None:
    before = (project / "main.py").stat()
    (project / "main.py").write_text("VALUE = 2")
    os.utime(project / "main.py", ns=(before.st_atime_ns, before.st_mtime_ns))


def save_in_the_future(project: Path) -> None:
    (project / "main.py").write_text("VALUE = 2")
    age(project / "main.py", -HOUR)


CHANGES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "write": (lambda project: (project / "main.py").write_text("VALUE = 2"), ["main.py"]),
    "replace by a temporary file": (replace, ["main.py"]),
    "move an older file back": (move_an_older_file_back, ["main.py"]),
    "keep the size and the time": (keep_size_and_time, ["main.py"]),
    "save in the future": (save_in_the_future, ["main.py"]),
    "add": (lambda project: (project / "package/new.py").touch(), ["package/new.py"]),
    "delete": (lambda project: (project / "main.py").unlink(), ["main.py"]),
    "rename": (lambda project: (project / "main.py").rename(project / "app.py"), ["app.py", "main.py"]),
    "add a folder": (
        lambda project: shutil.copytree(project / "package", project / "b"),
        ["b/__init__.py", "b/inner/deep.py"],
    ),
    "delete a folder": (lambda project: shutil.rmtree(project / "package/inner"), ["package/inner/deep.py"]),
    "rename a folder": (
        lambda project: (project / "package/inner").rename(project / "package/outer"),
        ["package/inner/deep.py", "package/outer/deep.py"],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_found_once(project: Path, change: str) -> None:
    sources = Sources(project)
    sources.scan()
    apply, expected = CHANGES[change]
    apply(project)
    assert sources.scan() == expected
    assert sources.scan() == []


IGNORED: dict[str, Callable[[Path], object]] = {
    "touch": lambda project: (project / "main.py").touch(),
    "write the same": lambda project: (project / "main.py").write_text("VALUE = 1"),
    "change another file": lambda project: (project / "notes.txt").touch(),
    "write in a cache": lambda project: shutil.copytree(project / "package", project / "__pycache__"),
    "write in a hidden folder": lambda project: shutil.copytree(project / "package", project / ".git"),
    "leave a dangling link": lambda project: (project / "link.py").symlink_to("nowhere"),
}


@pytest.mark.parametrize("change", IGNORED)
def test_what_changes_no_code_is_no_change(project: Path, change: str) -> None:
    sources = Sources(project)
    sources.scan()
    IGNORED[change](project)
    assert sources.scan() == []


def test_every_one_of_many_saves_within_a_moment_is_found(project: Path) -> None:
    sources = Sources(project)
    for number in range(10, 99):  # of the same size, and faster than the clock of the file system
        (project / "main.py").write_text(f"VALUE = {number}")
        assert sources.scan()[:1] == ["main.py"] if number > 10 else sources.scan()


def test_a_file_is_not_read_again_once_its_stamp_can_tell(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dev.server.sources.RECENT_NS", 0)
    sources = Sources(project)
    sources.scan()
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail(f"{self} is read"))
    assert sources.scan() == []


def test_code_is_that_of_the_last_scan_and_compiled_once(project: Path) -> None:
    sources, path = Sources(project), str(project / "main.py")
    sources.scan()
    sources.compile()
    first = sources.code(path)
    (project / "main.py").write_text("VALUE = 2")
    assert sources.code(path) is first
    sources.scan()
    assert 2 in sources.code(path).co_consts


def test_a_module_that_cannot_be_compiled_says_why_when_it_is_imported(project: Path) -> None:
    (project / "main.py").write_text("VALUE = (")
    sources = Sources(project)
    sources.scan()
    sources.compile()
    with pytest.raises(SyntaxError, match="never closed"):
        sources.code(str(project / "main.py"))


def test_only_the_projects_own_modules_are_imported_from_its_sources(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    hook = Sources(project).path_hook()
    found = hook(str(project)).find_spec("main")
    assert found is not None
    assert found.origin == str(project / "main.py")
    with pytest.raises(ImportError, match="not one of the project's folders"):
        hook(str(tmp_path_factory.mktemp("packages")))
