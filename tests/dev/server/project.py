"""A project under a development server, whose modules note which process loads them."""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.dev.server.support import Dev, dev_server
from tests.waiting import until_sync

NOTE = "\nimport os; open(os.environ['LOADS'], 'a').write(f'{os.getpid()} {__name__}\\n')\n"
CHAIN = {"a.py": "A = 1", "b.py": "from a import A\nB = A + 1", "c.py": "C = 3"}
WORDS = "from b import B\nfrom c import C\nWORD = f'{B} {C}'"
numbers = itertools.count()


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
