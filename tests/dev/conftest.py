"""Fixtures of the developer's commands."""

import os
from collections.abc import Callable, Iterator

import pytest

from dev.__main__ import main
from tests.dev.fake_gateway import FakeGateway


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs in this machine's clusters changes no result."""
    monkeypatch.setenv("KUBECONFIG", os.devnull)


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    """A fake gateway that listens on loopback."""
    fake = FakeGateway()
    with fake.serve():
        yield fake


@pytest.fixture
def dev(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run `python -m dev` with some arguments; returns exit status, standard output and standard error."""
    for variable in {
        "NO_PROXY",
        "no_proxy",
        *(name for name in os.environ if name.lower().endswith("_proxy")),
    }:
        monkeypatch.setenv(variable, "")  # also restores what the command sets

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main(arguments)
        except SystemExit as exited:  # argparse's usage errors
            status = int(exited.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run
