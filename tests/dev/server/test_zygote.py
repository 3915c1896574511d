"""A save loads what it can have changed, and all of that, counted by the modules that each process loads."""

import itertools
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.dev.server.support import Dev, dev_server, processes
from tests.waiting import equals, until_sync

NOTE = "\nimport os; open(os.environ['LOADS'], 'a').write(f'{os.getpid()} {__name__}\\n')\n"
CHAIN = {"a.py": "A = 1", "b.py": "from a import A\nB = A + 1", "c.py": "C = 3"}
WORDS = "from b import B\nfrom c import C\nWORD = f'{B} {C}'"
numbers = itertools.count()


@pytest.fixture
def loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file, outside the project, in which modules note that they have been loaded."""
    monkeypatch.setenv("LOADS", str(tmp_path / "loads.txt"))
    return tmp_path / "loads.txt"


class Project:
    """A project under a development server, whose modules note that they are loaded."""

    def __init__(self, dev: Dev, loads: Path) -> None:
        self.dev, self._loads = dev, loads

    def save(self, name: str, text: str) -> int:
        """Save a module, and return the process of the generation that serves it."""
        before = self.pid()
        self.dev.save(f"{text}{NOTE}# {next(numbers)}", name)
        return until_sync("another generation", self.pid, lambda pid: pid != before)

    def pid(self) -> int:
        """Return the process that serves."""
        return int(self.dev.http.get("/pid").raise_for_status().text)

    def loaded(self, pid: int) -> list[str]:
        """Return what a process has loaded, in order."""
        lines = [line.split() for line in self._loads.read_text().splitlines()]
        return [name for number, name in lines if number == str(pid)]

    def resaved(self, name: str, text: str) -> list[str]:
        """Save a module until a zygote is ready and is forked; return what was loaded in the fork."""

        def save() -> int | None:
            pid, zygote = self.save(name, text), self.dev.zygote()
            return pid if zygote and self.forked_from(pid) == zygote.pid else None

        pid = until_sync("a fork of a zygote", save)
        assert pid is not None
        return self.loaded(pid)

    def forked_from(self, pid: int) -> int | None:
        """Return the parent of a process."""
        return next((each.parent for each in self.dev.generations() if each.pid == pid), None)


@contextmanager
def started(loads: Path, files: Mapping[str, str], words: str = WORDS) -> Iterator[Project]:
    """Serve a project of these files."""
    folder = loads.with_name("project")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text + NOTE if name.endswith(".py") else text)
    with dev_server(folder, words=words + NOTE) as dev:
        yield Project(dev, loads)


@pytest.fixture
def project(loads: Path) -> Iterator[Project]:
    """`words` imports `b`, which imports `a`, and then `c`."""
    with started(loads, CHAIN) as project:
        yield project


@pytest.mark.parametrize(
    ("name", "text", "expected", "word"),
    [
        ("words.py", WORDS.replace("{B}", "{B}!"), ["words"], "2! 3"),
        ("c.py", "C = 4", ["c", "words"], "2 4"),
        ("b.py", "from a import A\nB = A + 2", ["b", "c", "words"], "3 3"),
        ("a.py", "A = 2", ["a", "b", "c", "words"], "3 3"),
    ],
)
def test_a_save_loads_what_has_changed_and_what_came_after_it(
    project: Project, name: str, text: str, expected: list[str], word: str
) -> None:
    pid = project.save(name, text)
    assert project.dev.word() == word
    assert project.loaded(pid)[-len(expected) :] == expected
    if name != "a.py":  # the first of all: there is nothing to keep
        assert project.resaved(name, text) == expected
        assert project.dev.word() == word


def test_a_save_of_another_module_loads_that_one_too(project: Project) -> None:
    project.resaved("words.py", WORDS)
    assert project.loaded(project.save("a.py", "A = 10")) == ["a", "b", "c", "words"]
    assert project.dev.word() == "11 3"


def test_saves_in_turn_of_two_modules_load_from_the_first_of_them(project: Project) -> None:
    project.resaved("b.py", CHAIN["b.py"])
    assert project.resaved("c.py", "C = 5") == ["b", "c", "words"]
    assert project.dev.word() == "2 5"


def test_no_process_loads_a_module_twice(project: Project) -> None:
    for number, name in enumerate(["words.py", "a.py", "words.py", "c.py", "b.py"] * 2):
        project.save(name, {**CHAIN, "words.py": WORDS}[name] + f"\nN = {number}")
    lines = (project.dev.folder.parent / "loads.txt").read_text().splitlines()
    assert len(lines) == len(set(lines))


def test_what_a_module_registered_is_not_there_twice_and_classes_are_of_one_generation(loads: Path) -> None:
    files = {
        "a.py": "ALL = []\nclass A: pass",
        "b.py": "from a import A, ALL\nclass B(A): pass\nALL.append(B)",
    }
    checks = "{len(ALL)} {issubclass(B, A)} {isinstance(B(), ALL[0])}"
    words = f"from a import A, ALL\nfrom b import B\nWORD = f'{checks}'"
    with started(loads, files, words) as project:
        for name in ("b.py", "b.py", "a.py", "a.py", "b.py"):
            project.save(name, files[name])
            assert project.dev.word() == "1 True True"
        project.resaved("b.py", files["b.py"])
        assert project.dev.word() == "1 True True"


OPTIONAL = "try:\n    from extra import EXTRA as A\nexcept ImportError:\n    A = 1"


def test_a_module_that_appears_moves_or_goes_is_noticed_by_what_looks_for_it(loads: Path) -> None:
    with started(loads, CHAIN | {"a.py": OPTIONAL}) as project:
        project.resaved("words.py", WORDS)
        project.save("extra.py", "EXTRA = 10")
        assert project.dev.word() == "11 3"
        project.resaved("words.py", WORDS)
        for change in (lambda file: file.rename(file.with_name("other.py")), Path.unlink):
            if not (project.dev.folder / "extra.py").exists():
                project.save("extra.py", "EXTRA = 10")
            change(project.dev.folder / "extra.py")
            project.dev.serves("2 3")


def test_data_that_a_module_reads_when_it_is_loaded_is_that_of_the_save(loads: Path) -> None:
    files = CHAIN | {"a.py": "A = int(open('data.txt').read())", "data.txt": "1"}
    with started(loads, files) as project:
        project.resaved("words.py", WORDS)
        project.dev.save("10", "data.txt")
        project.save("words.py", WORDS)
        assert project.dev.word() == "11 3"


def test_what_a_module_does_before_it_imports_others_is_done_before_these_load(loads: Path) -> None:
    files = CHAIN | {"a.py": "import os\nA = int(os.environ.get('WORD_A', '1'))"}
    prepared = "import os\nos.environ['WORD_A'] = '10'\n" + WORDS
    with started(loads, files) as project:
        project.resaved("words.py", WORDS)
        for number in (10, 20, 30):
            project.save("words.py", prepared.replace("10", f"{number}"))
            assert project.dev.word() == f"{number + 1} 3"
        assert project.loaded(project.pid()) == ["a", "b", "c", "words"]


def test_a_package_and_the_modules_that_it_imports_stay_loaded(loads: Path) -> None:
    files = {"package/__init__.py": "from package.a import A\nB = A", "package/a.py": "A = 1"}
    words = "from package import B\nWORD = f'{B}'"
    with started(loads, files, words) as project:
        assert project.resaved("words.py", words) == ["words"]
        assert project.loaded(project.save("package/a.py", "A = 2")) == ["package.a", "package", "words"]
        assert project.dev.word() == "2"


def test_modules_that_import_in_a_circle_with_what_changes_are_loaded_with_it(loads: Path) -> None:
    files = CHAIN | {"b.py": "import words\nfrom a import A\nB = A + 1"}
    words = "from c import C\nfrom b import B\nWORD = f'{B} {C}'"
    with started(loads, files, words) as project:
        assert project.resaved("words.py", words) == ["a", "b", "words"]
        assert project.dev.word() == "2 3"


def test_modules_that_start_a_thread_are_loaded_by_each_generation(loads: Path) -> None:
    thread = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\nC = 3"
    with started(loads, CHAIN | {"c.py": thread}) as project:
        assert project.resaved("words.py", WORDS) == ["c", "words"]


def test_a_zygote_that_is_gone_is_not_needed(project: Project) -> None:
    project.resaved("words.py", WORDS)
    zygote = project.dev.zygote()
    assert zygote
    os.kill(zygote.pid, signal.SIGKILL)
    project.save("words.py", WORDS.replace("{B}", "{B}!"))
    assert project.dev.word() == "2! 3"
    project.dev.has_generations(1)
    [generation] = project.dev.generations()
    assert generation.parent == project.dev.process.pid


def test_how_a_fork_of_a_zygote_ended_is_known(project: Project) -> None:
    project.resaved("words.py", WORDS)
    os.kill(project.pid(), signal.SIGKILL)
    project.dev.prints("status -9): starting another one")
    project.dev.serves("2 3")


def test_a_zygote_ends_with_the_last_of_its_forks(project: Project) -> None:
    project.resaved("words.py", WORDS)
    before = project.dev.zygote()
    with project.dev.stream() as stream:
        next(stream)
        project.save("a.py", "A = 5")
        assert before in project.dev.children()
        project.dev.finish_streams()
        assert list(stream) == ["2 3 ends"]
    until_sync("the end of the old zygote", lambda: before in project.dev.children(), equals(False))


def test_packages_are_imported_again_and_forks_of_a_zygote_end_their_streams(project: Project) -> None:
    project.resaved("words.py", WORDS)
    before = project.pid()
    with project.dev.stream() as stream:
        next(stream)
        project.dev.process.send_signal(signal.SIGUSR1)
        until_sync("another generation", project.pid, lambda pid: pid != before)
        project.dev.finish_streams()
        assert list(stream) == ["2 3 ends"]
    until_sync("the end of the fork", lambda: before in [each.pid for each in processes()], equals(False))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left_when_the_server_ends(project: Project, number: signal.Signals) -> None:
    project.resaved("words.py", WORDS)
    pids = {child.pid for child in project.dev.children()}
    project.dev.process.send_signal(number)
    project.dev.process.wait(20)
    project.dev.ended = True
    until_sync("no process", lambda: [each for each in processes() if each.pid in pids], equals([]))


def test_a_file_that_was_seen_half_written_costs_no_zygote(project: Project) -> None:
    project.resaved("words.py", WORDS)
    zygote = project.dev.zygote()
    project.dev.save("", "words.py")
    project.dev.prints("words.py does not start")
    project.save("words.py", WORDS)
    assert project.dev.zygote() == zygote
