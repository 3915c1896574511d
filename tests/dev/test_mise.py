"""mise is brought along where it is absent, and only with the checksum that is pinned or listed."""

import hashlib
from pathlib import Path

import pytest

from dev import mise

BINARY = b"#!/bin/sh\nexit 0\n"
GOOD = hashlib.sha256(BINARY).hexdigest()


@pytest.fixture(autouse=True)
def no_mise_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    monkeypatch.setattr("shutil.which", lambda *_: None)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")


def serve(monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]) -> list[str]:
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        for end, content in files.items():
            if url.endswith(end):
                return content
        raise OSError("no route to host")

    monkeypatch.setattr(mise, "fetch", fetch)
    return asked


def test_a_download_with_the_pinned_checksum_is_kept_and_not_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(mise.CHECKSUMS, "linux-x64", GOOD)
    asked = serve(monkeypatch, {"-linux-x64": BINARY})
    program, problem = mise.bring(tmp_path)
    assert (program, problem) == (str(tmp_path / f".tools/mise-{mise.VERSION}"), "")
    assert Path(program or "").stat().st_mode & 0o100
    assert mise.bring(tmp_path) == (program, "")
    assert len(asked) == 1


def test_a_download_with_another_checksum_is_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, {"-linux-x64": b"something else"})
    program, problem = mise.bring(tmp_path)
    assert program is None
    assert "checksum" in problem
    assert not (tmp_path / f".tools/mise-{mise.VERSION}").exists()


def test_a_platform_without_a_pin_is_held_to_the_releases_own_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    listed = f"{'0' * 64}  ./mise-v{mise.VERSION}-macos-x64\n{GOOD}  ./mise-v{mise.VERSION}-macos-arm64\n"
    serve(monkeypatch, {"SHASUMS256.txt": listed.encode(), "-macos-arm64": BINARY})
    assert mise.bring(tmp_path)[1] == ""
    assert "no checksum of mise for macos-arm64 is pinned" in capsys.readouterr().out


def test_a_mirror_takes_the_place_of_the_releases_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISE_DOWNLOAD_URL", "https://mirror.example/mise/")
    asked = serve(monkeypatch, {})
    problem = mise.bring(tmp_path)[1]
    assert asked == [f"https://mirror.example/mise/v{mise.VERSION}/mise-v{mise.VERSION}-linux-x64"]
    assert "cannot be reached (no route to host)" in problem


def test_a_platform_that_mise_does_not_know_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert mise.bring(tmp_path) == (None, "mise has no release for Linux on riscv64")


def test_only_web_addresses_are_fetched() -> None:
    with pytest.raises(OSError, match="no web address"):
        mise.fetch("file:///etc/passwd")


def fake_mise(tmp_path: Path, script: str) -> None:
    file = tmp_path / f".tools/mise-{mise.VERSION}"
    file.parent.mkdir()
    (tmp_path / ".tools/bin").mkdir()
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def test_an_installed_tool_is_linked_into_the_projects_folder(tmp_path: Path) -> None:
    fake_mise(tmp_path, 'case $1 in exec) echo "$MISE_DATA_DIR/installs/helm";; esac')
    assert mise.install("helm", "3.22.0", tmp_path) == ""
    assert (tmp_path / ".tools/bin/helm").readlink() == tmp_path / ".tools/mise/installs/helm"


def test_an_installation_that_fails_hands_on_mises_words(tmp_path: Path) -> None:
    fake_mise(tmp_path, "echo 'mise ERROR no such host' >&2; exit 1")
    assert "no such host" in mise.install("helm", "3.22.0", tmp_path)
