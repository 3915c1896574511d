"""The project's own modules: what has changed, and their code as of one moment."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.abc import PathEntryFinder
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from dev.server.order import Order, imports_of

# A file changed so recently may change again without a new time stamp: some file systems count whole seconds.
RECENT_NS = 2_000_000_000

IGNORED = (".", "__pycache__")
"""How the names of folders begin that have no code of the project; a path that leaves it begins so, too."""

Stamp = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class File:
    """A module's source, and the file's stamp when it was read; None if that cannot tell a later change."""

    stamp: Stamp | None
    text: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The project at one moment.

    Attributes:
        texts: Of the modules, by their paths below the root.
        data: The stamps of the other files.
    """

    texts: Mapping[str, bytes]
    data: Mapping[str, Stamp]

    def imports(self, path: str) -> str:
        """Return the lines of a module up to the last of the imports at its top.

        Raises:
            SyntaxError: The source cannot be parsed.
            ValueError: The source contains null bytes.
        """
        return imports_of(self.texts[path])


class Sources:
    """Every Python file below a folder.

    A change is a text that is other than the last one, whatever the file's times say: an archive brings whole
    seconds, a file moved back is older than the one it replaces, and a clock can be wrong.

    Attributes:
        order: What this process has loaded of them.
    """

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.order = Order()
        self._files: dict[str, File] = {}
        self._others: dict[str, Stamp] = {}
        self._code: dict[str, tuple[bytes, CodeType]] = {}

    def scan(self) -> list[str]:
        """Read what may have changed; return the paths, below the root, whose text is new, other or gone."""
        stamps = dict(self._walk())
        self._others = {path: stamp for path, stamp in stamps.items() if not path.endswith(".py")}
        python = stamps.keys() - self._others.keys()
        found = {path: file for path in python if (file := self._read(path, stamps[path]))}
        before, self._files = self._files, found
        changed = before.keys() ^ found.keys()
        changed |= {path for path in before.keys() & found.keys() if before[path].text != found[path].text}
        return sorted(os.path.relpath(path, self.root) for path in changed)

    def snapshot(self) -> Snapshot:
        """Return what the last scan has found."""
        texts = {os.path.relpath(path, self.root): file.text for path, file in self._files.items()}
        return Snapshot(texts, self._others)

    def owns(self, path: str) -> bool:
        """Return whether a file or folder is the project's own; a virtual environment in it is not."""
        below = os.path.relpath(path, self.root).split(os.sep)
        return below == ["."] or not any(part.startswith(IGNORED) for part in below)

    def compile(self) -> None:
        """Compile what has changed, for all forks to come; errors are left to them."""
        for path in self._files:
            try:
                self.code(path)
            except (SyntaxError, ValueError):
                continue

    def code(self, path: str) -> CodeType:
        """Return the code of a module as of the last scan.

        Raises:
            SyntaxError: The source cannot be compiled.
            ValueError: The source contains null bytes.
            OSError: The file is not among those scanned, and cannot be read.
        """
        file = self._files.get(path)
        text = file.text if file else Path(path).read_bytes()
        known = self._code.get(path)
        if known is None or known[0] != text:
            known = self._code[path] = text, compile(text, path, "exec", dont_inherit=True)
        return known[1]

    def path_hook(self) -> Callable[[str], PathEntryFinder]:
        """Return an entry for sys.path_hooks that imports the modules below the root from here.

        It uses no bytecode files: Python tells stale ones by the source's size and whole second.
        """

        class Loader(SourceFileLoader):
            def get_code(_, fullname: str) -> CodeType:  # noqa: N805 - `self` is the Sources
                return self.code(_.path)

            def exec_module(_, module: ModuleType) -> None:  # noqa: N805
                path = os.path.relpath(_.path, self.root)
                with self.order.loading(module.__name__, path, self.code(_.path)):
                    super().exec_module(module)

        class Extension(ExtensionFileLoader):
            def exec_module(_, module: ModuleType) -> None:  # noqa: N805
                self.order.admit(module.__name__)
                super().exec_module(module)

        find = FileFinder.path_hook((Extension, EXTENSION_SUFFIXES), (Loader, [".py"]))

        def hook(path: str) -> PathEntryFinder:
            if not self.owns(path):
                raise ImportError("not one of the project's folders", path=path)
            return find(path)

        return hook

    def _walk(self) -> Iterator[tuple[str, Stamp]]:
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if not name.startswith(IGNORED)]
            for name in names:
                path = os.path.join(folder, name)
                try:
                    stat = os.stat(path)
                except OSError:  # gone since it was listed, or a dangling link
                    continue
                yield path, (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)

    def _read(self, path: str, stamp: Stamp) -> File | None:
        known = self._files.get(path)
        if known and known.stamp == stamp:
            return known
        now = time.time_ns()
        try:
            text = Path(path).read_bytes()
        except OSError:  # gone, or unreadable: importing it says why
            return None
        mtime, ctime = stamp[:2]
        return File(stamp if max(mtime, ctime) < now - RECENT_NS else None, text)
