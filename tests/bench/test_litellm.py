"""The peer's environment and lock."""

import re

import pytest

from bench import BenchError, litellm


def test_a_failure_of_uv_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm, "UV", ("false",))
    with pytest.raises(BenchError, match="cannot be made"):
        litellm.install()


def test_the_lock_names_only_the_public_index() -> None:
    hosts = set(re.findall(r'"(https?://[^/"]+)', (litellm.PROJECT / "uv.lock").read_text()))
    assert hosts == {"https://pypi.org", "https://files.pythonhosted.org"}
