"""`python -m dev VERB` runs a verb, reports errors in one way, and prepares the process for it."""

import os
import subprocess
import sys
from typing import Any

import pytest

from dev import FixableError
from dev.__main__ import VERBS
from dev.gateway import ask
from dev.settings import ROOT
from tests.dev.fake_gateway import DONE, FakeGateway
from tests.waiting import SECONDS


def python_dev(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    """Run `python -m dev` as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "dev", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        timeout=SECONDS,
    )


def test_the_help_lists_every_verb(dev: Any) -> None:
    status, out, _ = dev("--help")
    assert status == 0
    assert all(f"    {verb}" in out for verb in VERBS)


@pytest.mark.parametrize("arguments", [[], ["brew"]])
def test_a_missing_or_unknown_verb_is_a_usage_error(dev: Any, arguments: list[str]) -> None:
    status, _, err = dev(*arguments)
    assert status == 2
    assert "VERB" in err


@pytest.mark.parametrize(
    ("error", "printed"),
    [
        (FixableError("the kettle is empty"), "error: the kettle is empty\n"),
        (
            FixableError("the kettle is empty", "fill it,\nthen try again"),
            "error: the kettle is empty\n  fix: fill it,\n       then try again\n",
        ),
    ],
)
def test_an_error_is_printed_with_its_fix_below_it(
    dev: Any, monkeypatch: pytest.MonkeyPatch, error: FixableError, printed: str
) -> None:
    def fail(_: list[str]) -> int:
        raise error

    monkeypatch.setattr(ask, "main", fail)
    assert dev("ask") == (1, "", printed)


def test_an_interrupt_ends_a_command_without_a_traceback(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(ask, "main", interrupted)
    assert dev("ask") == (130, "", "")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii"])
def test_text_that_the_terminal_cannot_show_does_not_end_the_answer(
    gateway: FakeGateway, encoding: str
) -> None:
    gateway.streamed = [{"response": "A 葉 and "}, {"response": "a \ud83d."}, DONE]
    done = python_dev("ask", "Hi", "--url", gateway.url, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stdout) == (0, b"A ? and a ?.\n")


def test_a_lone_surrogate_does_not_end_the_answer_in_utf_8(gateway: FakeGateway) -> None:
    gateway.streamed = [{"response": "A 葉 and a \ud83d."}, DONE]
    done = python_dev("ask", "Hi", "--url", gateway.url, PYTHONIOENCODING="utf-8")
    assert (done.returncode, done.stdout.decode()) == (0, "A 葉 and a ?.\n")


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("verb", [("ask", "Hi"), ("smoke",)])
def test_loopback_is_never_reached_through_a_proxy(
    gateway: FakeGateway, verb: tuple[str, ...], variable: str
) -> None:
    environment = {variable: "http://127.0.0.1:9", "NO_PROXY": "intranet.example", "LLM_URL": gateway.url}
    done = python_dev(*verb, **environment)
    assert done.returncode == 0, done.stderr
