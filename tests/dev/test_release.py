"""`make release` pushes the charts at the version of a tag, and prints the digests as values."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev import FixableError, release
from dev.doctor import tools
from tests.dev.registry import registry

HELM = tools.find("helm")
needs_helm = pytest.mark.skipif(HELM is None, reason="helm is missing")
DIGEST = "sha256:" + "0123456789abcdef" * 4
IMAGES = {name: f"ghcr.io/someone/platform/{name}@{DIGEST}" for name in release.VALUES}


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that names both images; the release is written beside it."""
    monkeypatch.setattr(release, "OUTPUT", tmp_path / "release")
    folder = tmp_path / "images"
    folder.mkdir()
    for name, image in IMAGES.items():
        (folder / name).write_text(f"{image}\n")
    return folder


def helm(*arguments: str) -> str:
    assert HELM
    done = subprocess.run([HELM[0], *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_helm
def test_a_pushed_chart_installs_the_image_of_the_release_in_production(dev: Any, images: Path) -> None:
    with registry() as host:
        status, out, err = dev(
            "release", "--tag=v1.2.3", f"--charts=oci://{host}/charts", f"--images={images}", "--plain-http"
        )
        assert (status, err) == (0, "")
        pulled = images.parent / "pulled"
        references = (images.parent / "release/charts.txt").read_text().split()
        for reference in references:
            assert reference.startswith(f"{host}/charts/")
            assert f"oci://{reference}" in out
            helm("pull", f"oci://{reference}", "--plain-http", "--untar", f"--untardir={pulled}")
    assert [reference.partition("@")[0].rpartition("/")[2] for reference in references] == [
        "llm-api",
        "llm-runtime",
        "llm-monitoring",
    ]
    for name, image in IMAGES.items():
        chart = yaml.safe_load((pulled / name / "Chart.yaml").read_text())
        assert (chart["version"], chart["appVersion"]) == ("1.2.3", "1.2.3")
        files = (pulled / name / "values-production.yaml", images.parent / f"release/{name}.yaml")
        rendered = helm("template", name, str(pulled / name), *(f"--values={file}" for file in files))
        assert f"image: {image.replace('@', ':1.2.3@')}\n" in rendered


@needs_helm
def test_a_registry_that_refuses_the_charts_fails_the_release(dev: Any, images: Path) -> None:
    with registry(refuses=True) as host:
        arguments = (f"--charts=oci://{host}/charts", f"--images={images}", "--plain-http")
        status, _, err = dev("release", "--tag=v1.2.3", *arguments)
    assert status == 1
    assert err.startswith("error: helm push failed: ")
    assert "403" in err


@pytest.mark.parametrize(
    ("tag", "version"),
    [("v0.1.0", "0.1.0"), ("v1.20.3", "1.20.3"), ("v1.2.3-rc.1", "1.2.3-rc.1"), ("v1.2.3-0a", "1.2.3-0a")],
)
def test_the_version_is_the_tag_without_its_v(tag: str, version: str) -> None:
    assert release.parse_version(tag) == version


@pytest.mark.parametrize(
    "tag",
    [
        "1.2.3",
        "v1.2",
        "v01.2.3",
        "v1.2.3-",
        "v1.2.3-rc.01",
        "v1.2.3+build",
        "v1.2.3\n",
        "v\u0661.2.3",
        "latest",
        "",
    ],
)
def test_another_tag_is_refused(tag: str) -> None:
    with pytest.raises(FixableError, match=r"is not a version\n  fix: TAG=v1\.2\.3"):
        release.parse_version(tag)


@pytest.mark.parametrize(
    "text", ["", "ghcr.io/someone/llm-api:v1.2.3", f"llm-api@{DIGEST[:-1]}", f"two llm@{DIGEST}"]
)
def test_an_image_without_its_digest_is_refused_before_anything_is_pushed(
    dev: Any, images: Path, text: str
) -> None:
    (images / "llm-runtime").write_text(text)
    status, _, err = dev("release", "--tag=v1.2.3", "--charts=oci://127.0.0.1:1/charts", f"--images={images}")
    assert status == 1
    assert "which is no image with its digest\n  fix: write REPOSITORY@sha256:..." in err
    assert not (images.parent / "release").exists()


def test_an_image_that_was_not_built_is_named(dev: Any, images: Path) -> None:
    (images / "llm-runtime").unlink()
    status, _, err = dev("release", "--tag=v1.2.3", "--charts=oci://127.0.0.1:1/charts", f"--images={images}")
    assert status == 1
    assert f"{images / 'llm-runtime'}: No such file" in err


def test_charts_go_to_an_oci_registry_only(dev: Any, images: Path) -> None:
    status, _, err = dev("release", "--tag=v1.2.3", "--charts=ghcr.io/someone/", f"--images={images}")
    assert status == 1
    assert "fix: CHARTS=oci://ghcr.io/someone\n" in err
