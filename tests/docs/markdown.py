"""Find the commands, settings, metrics, alerts, panels and paths that a Markdown document names."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

URL = re.compile(r"\w+://[^\s`)\"'>]+")
CODE = re.compile(r"^```[\s\S]*?^```|`[^`]+`|(?<=\n\n)(?: {4}.*\n+)+", re.MULTILINE)
FILE = r"[\w.-]+\.(?:py|md|ya?ml|json|toml|tpl|txt|sh|js|lock|in|Tiltfile)"
FOLDERS = r"\.?[\w-]+/(?:[\w.*-]+/)*"
BEFORE_PATH = r"(?<![\w./:@<-])(?!(?:deploy|sts|HTTP)/)"
OUR_COMMAND = re.compile(r"(?:\bmake |\btilt up|python\S* -m (?:dev|bench|monitoring)\b)[^`\n]*")


class Mention(NamedTuple):
    """A name in a document, and the kind of thing that it names."""

    document: str
    line: int
    kind: str
    name: str


IN_CODE = {
    "make target": r"\bmake (?:[A-Z_]+=\S+ )*([a-z][\w-]*)",
    "Python module": r"python\S* -m ([\w.]+)",
    "verb": r"python\S* -m dev ([a-z][\w-]*)",
    "metric": r"(?<![\w/.:-])((?:llm|kube|container)[_:][a-z0-9_:]+)(?![\w/.-])",
    "chart value": rf"(?<![\w./:@-])(?<!-m )(?!{FILE}\b)([a-z]\w*(?:\.[a-z]\w*)+)(?![\w./:(*-])",
    "variable": r"(?<![\w$-])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[A-Z]{3,}(?==))(?!\w)",
    "HTTP path": r"(?:^`(?:[A-Z]+ )?|localhost:(?:8000|11434))(/[\w./-]*)(?=`$|[\s`\"'])",
    "Kubernetes object": r"\b((?:deploy|sts)/[\w-]+)",
    "path": rf"{BEFORE_PATH}({FOLDERS}[\w.*-]*)(?![\w/:])",
    "file": rf"(?<![\w/.*-])({FILE}|[A-Z]\w+file)(?![\w/:=-])",
    "log filter": r"logs -l app.kubernetes.io/name=llm-api[^|`]*\| (grep [^`]+)",
}
"""What finds the names of each kind in code spans and code blocks."""
ANYWHERE = {
    "alert": r"\b(LLM[A-Z][a-z]\w+)",
    "path": rf"{BEFORE_PATH}({FOLDERS}(?:{FILE}|(?![\w.*])))",
    "link": r"\]\(([^)\s]+)\)",
}
"""What finds them anywhere in a document."""
PANELS = re.compile(r"[Pp]anels?\s+((?:\*[^*]+\*(?:,\s+|\s+and\s+)?)+)")


def mentions(document: str, text: str) -> Iterator[Mention]:
    """Yield every name in a document. Of URLs, only those of the services on localhost count."""
    plain = URL.sub(lambda url: _local(url[0]).rjust(len(url[0])), text)
    for kind, offset, name in _found(plain):
        target = _link(document, name) if kind == "link" else name
        yield Mention(document, text.count("\n", 0, offset) + 1, kind, target)


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def read(path: Path, root: Path) -> list[Mention]:
    return list(mentions(str(path.relative_to(root)), path.read_text()))


def _link(document: str, target: str) -> str:
    """Return a link's target as PATH or PATH#ANCHOR, relative to the repository's root."""
    path, hash_sign, anchor = target.partition("#")
    folder = posixpath.dirname(document)
    return (posixpath.normpath(posixpath.join(folder, path)) if path else document) + hash_sign + anchor


def _local(url: str) -> str:
    return url.removeprefix("http://") if re.match(r"http://localhost:(8000|11434)/", url) else ""


def _found(text: str) -> Iterator[tuple[str, int, str]]:
    for code in CODE.finditer(text):
        for kind, pattern in IN_CODE.items():
            for match in re.finditer(pattern, code[0]):
                yield kind, code.start() + match.start(1), match[1]
        for command in OUR_COMMAND.finditer(code[0]):
            for match in re.finditer(r"(?<![\w-])--([a-z][\w-]*)", command[0]):
                yield "option", code.start() + command.start() + match.start(1), match[1]
    for kind, pattern in ANYWHERE.items():
        for match in re.finditer(pattern, text):
            yield kind, match.start(1), match[1]
    for group in PANELS.finditer(text):
        for match in re.finditer(r"\*([^*]+)\*", group[1]):
            yield "panel", group.start(1) + match.start(1), " ".join(match[1].split())
