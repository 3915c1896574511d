"""The images and charts that are pushed, and where Argo CD's manifests come from."""

from pathlib import Path

import pytest

from dev import FixableError, configuration, release
from dev.gitops import artifacts, command, manifests, source
from dev.settings import ROOT
from dev.settings import Values as Settings
from tests.charts.conftest import helm
from tests.charts.helm import Helm, by_kind
from tests.dev.gitops.conftest import Cluster

__all__ = ["helm"]  # the fixture
DIGEST = "sha256:" + "ab" * 32


def settings(**given: str) -> Settings:
    return configuration.parse({"engine": "simulated", "model": "smollm2:135m", **given})


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """The commands of Docker and helm, which push nothing."""
    calls: list[tuple[str, ...]] = []

    def run(*arguments: str) -> str:
        calls.append(arguments)
        return f"gitops: digest: {DIGEST} size: 1\n" if arguments[:2] == ("docker", "push") else ""

    monkeypatch.setattr(artifacts, "run", run)
    monkeypatch.setattr(release, "push", lambda *arguments: calls.append(("helm", *arguments)))
    monkeypatch.setattr(release, "OUTPUT", tmp_path)
    return calls


def test_images_are_those_of_production_and_named_by_their_digest(pushed: list[tuple[str, ...]]) -> None:
    releases = artifacts.push(settings(python_image="other/python:3"))
    builds = [call for call in pushed if call[:2] == ("docker", "build")]
    assert all(call[call.index("--target") + 1] == "prod" for call in builds)
    assert all("PYTHON_IMAGE=other/python:3" in call for call in builds)
    assert [one.chart for one in releases] == ["llm-runtime", "llm-api"]
    assert all(DIGEST in one.values for one in releases)


def test_charts_go_to_the_clusters_registry_at_the_version_of_their_files(
    pushed: list[tuple[str, ...]],
) -> None:
    releases = artifacts.push(settings())
    charts = [call for call in pushed if call[0] == "helm"]
    assert [call[1] for call in charts] == ["charts/llm-runtime", "charts/llm-api"]
    assert [call[2] for call in charts] == [one.version for one in releases]
    assert {call[3] for call in charts} == {"oci://localhost:5005/charts"}


def test_a_changed_file_is_another_version_and_the_same_files_are_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "charts/one"
    folder.mkdir(parents=True)
    monkeypatch.setattr(artifacts, "ROOT", tmp_path)
    (folder / "Chart.yaml").write_text("version: 0.3.0\n")
    first = artifacts.version("one")
    assert artifacts.version("one") == first
    assert first.startswith("0.3.0-")
    (folder / "values.yaml").write_text("b")
    assert artifacts.version("one") != first
    assert release.parse_version(f"v{first}") == first


@pytest.mark.parametrize("chart", ["llm-api", "llm-runtime"])
def test_the_values_render_in_production_with_an_autoscaler(helm: Helm, chart: str, tmp_path: Path) -> None:
    values = artifacts.chart_values(chart, settings()) | {"image": {"repository": "r/x", "digest": DIGEST}}
    file = tmp_path / "values.json"
    file.write_text(manifests.release(chart, "1", values).values)
    objects = by_kind(helm.template(ROOT / "charts" / chart, files=[file]))
    assert {"HorizontalPodAutoscaler", "NetworkPolicy"} <= objects.keys()


def test_argo_cds_images_come_from_a_mirror_where_there_is_one() -> None:
    text = "  image: quay.io/argoproj/argocd:v3\n  image: public.ecr.aws/docker/library/redis:8\n"
    assert source.with_mirror(text, "") == text
    assert source.with_mirror(text, "mirror:5000") == (
        "  image: mirror:5000/argoproj/argocd:v3\n  image: mirror:5000/docker/library/redis:8\n"
    )


def test_manifests_that_cannot_be_had_name_the_setting(tmp_path: Path) -> None:
    with pytest.raises(FixableError, match=r"(?s)cannot be had.*ARGOCD_MANIFESTS=FILE"):
        source.read(str(tmp_path / "missing.yaml"))


def test_an_engine_without_an_image_of_its_own_is_refused(cluster: Cluster) -> None:
    with pytest.raises(FixableError, match=r"(?s)ENGINE=ollama has no image.*ENGINE=llamacpp"):
        command.settings({"ENGINE": "ollama"})
