"""`make up` with another AUTOSCALER leaves none of the one before."""

import pytest

from dev import kubectl
from dev.up import autoscalers

HPA, KEDA = autoscalers.KINDS["cpu"], autoscalers.KINDS["queue"]


def removed(monkeypatch: pytest.MonkeyPatch, autoscaler: str, keda: bool) -> list[str]:
    """Return the kinds of which both workloads' objects are deleted."""
    deleted = []

    def output(verb: str, kind: str, *names: str) -> str:
        if verb == "get":
            return "found" if keda else ""
        assert names[:2] == ("llm-api", "llm-runtime")
        deleted.append(kind)
        return f"{kind} deleted\n"

    monkeypatch.setattr(kubectl, "output", output)
    assert autoscalers.remove_others(autoscaler).count("deleted") == len(deleted)
    return deleted


@pytest.mark.parametrize(("autoscaler", "kinds"), [("cpu", [KEDA]), ("queue", [HPA]), ("none", [HPA, KEDA])])
def test_the_autoscalers_of_other_settings_are_removed(
    monkeypatch: pytest.MonkeyPatch, autoscaler: str, kinds: list[str]
) -> None:
    assert removed(monkeypatch, autoscaler, keda=True) == kinds


@pytest.mark.parametrize(("autoscaler", "kinds"), [("cpu", []), ("none", [HPA])])
def test_without_keda_there_is_nothing_of_it(
    monkeypatch: pytest.MonkeyPatch, autoscaler: str, kinds: list[str]
) -> None:
    assert removed(monkeypatch, autoscaler, keda=False) == kinds
