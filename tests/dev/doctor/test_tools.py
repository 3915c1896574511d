"""Tools are taken from .tools or the PATH where they are new enough, and else installed by mise."""

import os
from pathlib import Path

import pytest

from dev import FixableError
from dev.doctor import tools

# Stands for dev/bootstrap: `mise install` writes the program, `mise bin-paths` says where.
BOOTSTRAP = """\
folder=$(dirname "$0")/../.tools/mise/installs/helm/3.22.0/linux-amd64
case "$1 $2 $3" in
    "mise install helm@3.22.0")
        mkdir -p "$folder" && echo '#!/bin/sh' >"$folder/helm" && chmod 755 "$folder/helm";;
    "mise bin-paths helm@3.22.0") echo "$folder";;
    *) echo "mise ERROR no such host" >&2 && exit 1;;
esac
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with three pinned tools, on a machine that has none."""
    (tmp_path / "mise.toml").write_text('[tools]\nhelm = "3.22.0"\npromtool = "3.16.0"\nk6 = "1.8.1"\n')
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/bootstrap").write_text(BOOTSTRAP)
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    return tmp_path


def put_on_path(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, output: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\nprintf '%s\\n' '{output}'\n")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return file


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("kind v0.33.0 go1.26.8 linux/amd64", (0, 33, 0)),
        ("Client Version: v1.32.4-dispatcher", (1, 32, 4)),
        ('version.BuildInfo{Version:"v3.22.0", GitCommit:""}', (3, 22, 0)),
        ("v0.33.20-dev, built 2026-11-24", (0, 33, 20)),
        ("k6 v1.0.0 (go1.26.8, linux/amd64)", (1, 0, 0)),
        ("version 4.1", (4, 1, 0)),
        ("promtool, version  (branch: , revision: unknown)", None),
    ],
)
def test_a_version_is_read_from_what_a_tool_prints(output: str, version: tuple[int, ...] | None) -> None:
    assert tools.parse_version(output) == version


def test_every_tool_has_a_pin_and_the_pin_is_new_enough() -> None:
    pinned = tools.pins()
    assert set(pinned) == set(tools.TOOLS)
    for name, (minimum, _) in tools.TOOLS.items():
        newest, oldest = tools.parse_version(pinned[name]), tools.parse_version(minimum)
        assert newest and oldest and newest >= oldest, name  # noqa: PT018 - one condition


@pytest.mark.parametrize("version", ["v3.20.1+g1234", "v3.14.0", "v4.0.0"])
def test_a_tool_on_the_path_that_is_new_enough_is_used(
    root: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    there = put_on_path(monkeypatch, root / "elsewhere", "helm", version)
    number = version[1:].partition("+")[0]
    assert tools.find("helm", root) == (str(there), f"{number} ({there})")


def test_a_tool_that_does_not_know_its_version_is_used(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = put_on_path(monkeypatch, root / "elsewhere", "promtool", "promtool, version  (branch: )")
    assert tools.find("promtool", root) == (str(there), f"of unknown version ({there})")


@pytest.mark.parametrize("version", ["v2.99.0", "v3.9.9"])
def test_a_tool_on_the_path_that_is_too_old_is_not_used(
    root: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    put_on_path(monkeypatch, root / "elsewhere", "helm", version)
    assert tools.find("helm", root) is None


def test_a_missing_tool_is_installed_once_and_found_after_the_checkout_was_renamed(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tools.ensure(["helm"], root)
    assert tools.path("helm", root) == str(root / ".tools/bin/helm")
    (root / "dev/bootstrap").write_text("echo mise was called again; exit 1\n")
    tools.ensure(["helm"], root)
    assert "again" not in capfd.readouterr().out
    renamed = root.rename(root.parent / "renamed")
    assert tools.find("helm", renamed) == (str(renamed / ".tools/bin/helm"), "3.22.0 (.tools)")


def test_an_installed_tool_is_used_until_its_pin_changes(root: Path) -> None:
    tools.ensure(["helm"], root)
    (root / "mise.toml").write_text('[tools]\nhelm = "3.23.0"\n')
    assert tools.find("helm", root) is None
    with pytest.raises(FixableError):
        tools.ensure(["helm"], root)
    assert not (root / ".tools/bin/helm").is_symlink(), "the old version would still be first on the PATH"


def test_all_tools_that_cannot_be_installed_are_named_at_once(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(
        FixableError, match=r"(?s)install promtool, k6 .*promtool 2\.50\.0, k6 1\.0\.0"
    ) as caught:
        tools.ensure(["helm", "promtool", "k6"], root)
    assert "MISE_GITHUB_TOKEN" in caught.value.fix
    assert capfd.readouterr().err.count("no such host") == 2
    assert tools.find("helm", root)


def test_a_tool_that_is_missing_is_an_error(root: Path) -> None:
    with pytest.raises(FixableError, match="k6 is missing"):
        tools.path("k6", root)
