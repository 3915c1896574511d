"""What is shown of Argo CD."""

import time

import pytest

from dev import FixableError
from dev.gitops import argo, command, manifests, shown
from tests.dev.gitops.conftest import Cluster
from tests.dev.gitops.test_argo import OLD, RELEASE, application


@pytest.fixture
def deployed(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster in which Argo CD has one release."""
    monkeypatch.setattr(argo, "is_installed", lambda: True)
    cluster.objects["applicationset/llm"] = manifests.application_set([RELEASE], [OLD])
    cluster.objects["application/llm-api"] = application()
    return cluster


def test_each_application_is_a_line_with_its_version_and_state(deployed: Cluster) -> None:
    assert shown.states() == ["llm-api 0.1.0-h1: Synced Healthy"]
    deployed.objects["application/llm-api"] = application("OutOfSync", "Degraded")
    assert shown.states() == ["llm-api 0.1.0-h1: OutOfSync Degraded"]
    del deployed.objects["application/llm-api"]
    assert "is not found" in shown.states()[0]


def test_all_is_well_when_argo_cd_says_so_of_every_application(
    deployed: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["state"]) == 0
    assert capsys.readouterr().out == "Synced Healthy\n"
    deployed.objects["application/llm-api"] = application("OutOfSync")
    with pytest.raises(FixableError, match="llm-api is OutOfSync"):
        command.main(["state"])


def test_without_a_release_it_says_how_there_would_be_one(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(argo, "is_installed", lambda: False)
    assert "make gitops ARGS=install" in shown.states()[0]
    with pytest.raises(FixableError, match=r"no release.*\n.*make gitops ARGS=install"):
        shown.ready()


def test_a_state_is_printed_when_it_changes_and_not_twice(
    deployed: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = iter([application(), application(health="Progressing")])

    def sleep(_: float) -> None:
        try:
            deployed.objects["application/llm-api"] = next(changes)
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr(time, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        shown.watch()
    assert capsys.readouterr().out.splitlines() == [
        "llm-api 0.1.0-h1: Synced Healthy",
        "llm-api 0.1.0-h1: Synced Progressing",
    ]
