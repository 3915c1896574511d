"""make passes its variables on as they were given, and its targets run verbs that exist."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dev.__main__ import VERBS
from dev.settings import ROOT
from tests.waiting import SECONDS

STUB = """#!/bin/sh
exec python3 -c 'import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))' "$@"
"""
TARGETS = re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the Makefile, and with a dev/bootstrap that prints its arguments and environment."""
    folder = tmp_path / "a checkout"
    (folder / "dev").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "dev/bootstrap").write_text(STUB)
    return folder


def make(checkout: Path, *arguments: str, **environment: str) -> tuple[list[str], dict[str, str]]:
    """Run make, free of the make around the tests; return the last command's arguments and environment."""
    inherited = {
        name: value for name, value in os.environ.items() if name != "ARGS" and not name.startswith("MAKE")
    }
    done = subprocess.run(
        ["make", *arguments],
        cwd=checkout,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    found: Any = json.loads(done.stdout.splitlines()[-1])
    return found[0], found[1]


@pytest.mark.parametrize(
    "value",
    [
        "It costs $5 in $HOME",
        "$(shell echo no) ${HOME} $$ `id`",
        "issue #5",
        "spaces  inside  and after  ",
        """both 'single' and "double" quotes""",
        "a back\\slash, a comma, a % and a : = ;",
        "two\nlines",
        "das Wörterbuch, 葉",
    ],
)
@pytest.mark.parametrize("given_as", ["argument", "environment"])
def test_a_variable_reaches_the_command_as_it_was_given(checkout: Path, value: str, given_as: str) -> None:
    if given_as == "argument":
        _, environment = make(checkout, "ask", f"PROMPT={value}", "MODEL=other")
        assert environment["MODEL"] == "other"
    else:
        _, environment = make(checkout, "ask", PROMPT=value)
    assert environment["PROMPT"] == value


def test_a_make_that_a_target_runs_gets_the_same_variables(checkout: Path) -> None:
    (checkout / ".ci").mkdir()
    (checkout / ".ci/run").write_text("#!/bin/sh\nexec make --silent ask\n")
    (checkout / ".ci/run").chmod(0o755)
    _, environment = make(checkout, "ci", "PROMPT=It costs $5 in $HOME # 'here'")
    assert environment["PROMPT"] == "It costs $5 in $HOME # 'here'"


@pytest.mark.parametrize("target", [t for t in TARGETS if t not in ("ci", "help", "lock")])
def test_args_add_to_the_command_line(checkout: Path, target: str) -> None:
    arguments, _ = make(checkout, target, """ARGS=-k "one or two" --flag""")
    assert arguments[-3:] == ["-k", "one or two", "--flag"]


def test_every_verb_is_one_of_the_entry_points() -> None:
    verbs = set(re.findall(r"python -m dev ([a-z-]+)", (ROOT / "Makefile").read_text()))
    assert verbs <= VERBS.keys()
    assert VERBS.keys() - verbs == {"tilt", "https"}, "the Tiltfile's own verbs"


def test_the_local_target_chooses_the_local_profile(checkout: Path) -> None:
    arguments, environment = make(checkout, "local", "ENGINE=simulated")
    assert arguments[-3:] == ["dev", "up", "--local"]
    assert environment["ENGINE"] == "simulated"


def test_help_lists_every_target() -> None:
    done = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=SECONDS
    )
    assert re.findall(r"^  make ([a-z0-9-]+)", done.stdout, re.MULTILINE) == TARGETS
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    assert sorted(phony[1].split()) == sorted(TARGETS)
