"""The environment of Envoy and LiteLLM, and its lock."""

import re

import pytest

from bench import BenchError, packages


def test_a_failure_of_uv_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "UV", ("false",))
    with pytest.raises(BenchError, match="cannot be made"):
        packages.install()


def test_the_lock_names_only_the_public_index() -> None:
    hosts = set(re.findall(r'"(https?://[^/"]+)', (packages.PROJECT / "uv.lock").read_text()))
    assert hosts == {"https://pypi.org", "https://files.pythonhosted.org"}
