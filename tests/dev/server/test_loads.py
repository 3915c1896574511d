"""A save loads what it can have changed, and all of that, counted by the modules that each process loads."""

from pathlib import Path

import pytest

from tests.dev.server.project import CHAIN, WORDS, Project, started


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
