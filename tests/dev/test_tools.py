"""Tools are taken from the PATH where they serve, else from .tools, else installed; never silently."""

from pathlib import Path

import pytest

from dev import FixableError, mise, tools


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "mise.toml").write_text('[tools]\nhelm = "3.22.0"\npromtool = "3.16.0"\nkubectl = "1.37.2"\n')
    return tmp_path


def program(folder: Path, name: str, words: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\nprintf '%s\\n' '{words}'\n")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize(
    ("words", "version"),
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
def test_a_version_is_read_from_what_a_tool_says(words: str, version: tuple[int, ...] | None) -> None:
    assert tools.parse_version(words) == version


@pytest.mark.parametrize(
    ("version", "minimum", "enough"),
    [
        ((0, 33, 20), "0.33.20", True),
        ((0, 9, 0), "0.33.0", False),
        ((1, 0, 0), "0.99.9", True),
        (None, "9.9.9", True),
    ],
)
def test_versions_are_compared_as_numbers(
    version: tuple[int, ...] | None, minimum: str, enough: bool
) -> None:
    assert tools.serves(version, minimum) is enough


def test_every_tool_has_a_pin_and_the_pin_serves() -> None:
    pinned = tools.pins()
    assert set(pinned) == set(tools.TOOLS)
    for name, tool in tools.TOOLS.items():
        assert tools.serves(tools.parse_version(pinned[name]), tool.minimum), name


def test_a_tool_on_the_path_that_serves_is_used(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = program(root / "elsewhere", "helm", "v3.20.1+g1234")
    monkeypatch.setenv("PATH", f"{there.parent}:/bin:/usr/bin")
    assert tools.find(tools.TOOLS["helm"], root) == (str(there), f"3.20.1 ({there})")


def test_a_tool_on_the_path_that_is_too_old_is_not_used(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = program(root / "elsewhere", "helm", "v2.9.0")
    monkeypatch.setenv("PATH", f"{there.parent}:/bin:/usr/bin")
    assert tools.find(tools.TOOLS["helm"], root) is None


def test_an_installed_tool_serves_until_its_pin_moves(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = program(root / ".tools/bin", "helm", "v3.22.0")
    monkeypatch.setenv("PATH", f"{ours.parent}:/bin")
    (root / ".tools/versions").mkdir()
    (root / ".tools/versions/helm").write_text("3.22.0")
    assert tools.find(tools.TOOLS["helm"], root) == (str(ours), "3.22.0 (.tools)")
    (root / ".tools/versions/helm").write_text("3.21.0")
    assert tools.find(tools.TOOLS["helm"], root) is None


def test_prometheus_module_has_its_own_way_to_count() -> None:
    assert tools.TOOLS["promtool"].go_target("3.16.0").endswith("/promtool@v0.316.0")
    assert tools.TOOLS["promtool"].go_target("3.5.1").endswith("@v0.305.1")
    assert tools.TOOLS["helm"].go_target("3.22.0") == "helm.sh/helm/v3/cmd/helm@v3.22.0"


def test_a_tool_that_cannot_be_had_says_why_and_what_to_do(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mise, "install", lambda *_: "the download failed")
    with pytest.raises(FixableError) as caught:
        tools.install(tools.TOOLS["kubectl"], root)
    text = str(caught.value)
    assert "kubectl 1.37.2 is missing" in text
    assert "the download failed" in text
    assert "fix: install kubectl 1.31.0 or newer" in text


def test_what_mise_cannot_bring_is_built_with_go(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = root / "go"
    program(folder, "go", "").write_text('#!/bin/sh\necho "$@" >"$GOBIN/called"\ntouch "$GOBIN/helm"\n')
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
    monkeypatch.setattr(mise, "install", lambda *_: "the download failed")
    tools.install(tools.TOOLS["helm"], root)
    assert "version.version=v3.22.0" in (root / ".tools/bin/called").read_text()
    assert tools.find(tools.TOOLS["helm"], root) == (str(root / ".tools/bin/helm"), "3.22.0 (.tools)")


def test_all_missing_tools_are_named_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(mise, "install", lambda *_: "the download failed")
    with pytest.raises(FixableError) as caught:
        tools.ensure(("helm", "promtool"), root)
    assert "helm 3.22.0 is missing" in str(caught.value)
    assert "promtool 3.16.0 is missing" in str(caught.value)
