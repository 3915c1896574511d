"""dev/bootstrap runs a uv or mise that is new enough, or downloads one, and updates .venv."""

import hashlib
import io
import os
import platform
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from dev.settings import ROOT

PROGRAMS = "sh dirname uname tr mkdir rm cut sed sha256sum find chmod mv tar gzip curl ls"
# Stands for uv: it prints how it was called, and refuses what UV_FAILS says.
UV = """\
#!/bin/sh
echo "uv $*" >&2
case "$*" in ${UV_FAILS:-never}) exit 2;; *export*) echo locked==1;; esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout, in a folder whose name has a space and an umlaut."""
    folder = tmp_path / "my clönes"
    (folder / "dev").mkdir(parents=True)
    shutil.copy(ROOT / "dev/bootstrap", folder / "dev")
    (folder / "dev/bootstrap.pins").write_text("")
    (folder / ".venv/bin").mkdir(parents=True)
    put(folder / ".venv/bin/tool", '#!/bin/sh\necho "$0 $1, $PATH"\n')
    return folder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH with the basic programs, without uv and Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in PROGRAMS.split():
        program = shutil.which(name)
        if program is None:
            pytest.skip(f"{name} is not on the PATH")
        (folder / name).symlink_to(program)
    return folder


def put(program: Path, script: str) -> None:
    program.write_text(script)
    program.chmod(0o755)


def pin(checkout: Path, archive: Path, checksum: str = "") -> None:
    """Pin uv 9.9 to an archive."""
    machine = f"{platform.system()}-{platform.machine()}"
    checksum = checksum or hashlib.sha256(archive.read_bytes()).hexdigest()
    (checkout / "dev/bootstrap.pins").write_text(
        f"# a comment\nuv 9.9 {machine} {checksum} file://{archive}\n"
    )


def pack(folder: Path, script: str) -> Path:
    """Pack a uv as its releases do."""
    archive = folder / "uv-some-platform.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo("uv-some-platform/uv")
        member.size = len(script)
        tar.addfile(member, io.BytesIO(script.encode()))
    return archive


def bootstrap(
    checkout: Path, path: Path, *arguments: str, **variables: str
) -> "subprocess.CompletedProcess[str]":
    environment: Mapping[str, str] = {"PATH": str(path), "HOME": str(checkout.parent), **variables}
    command = ["sh", str(checkout / "dev/bootstrap"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_uv_on_the_path_that_accepts_the_project_is_run(checkout: Path, path: Path) -> None:
    put(path / "uv", UV)
    assert bootstrap(checkout, path, "uv", "lock", "--check").stderr == "uv lock --check\n"


def test_a_uv_is_downloaded_once_where_the_one_on_the_path_is_too_old(checkout: Path, path: Path) -> None:
    put(path / "uv", UV.replace('"uv $*"', '"old $*"'))
    pin(checkout, pack(checkout.parent, UV))
    first = bootstrap(checkout, path, "uv", "--version", UV_FAILS="cache dir")
    assert "bootstrap: uv 9.9 downloaded into .tools/ from file://" in first.stderr
    assert first.stderr.endswith("uv --version\n")
    assert bootstrap(checkout, path, "uv", "--version", UV_FAILS="cache dir").stderr == "uv --version\n"
    assert os.listdir(checkout / ".tools") == ["uv-9.9"]


def test_a_checksum_may_come_from_the_releases_own_list(checkout: Path, path: Path) -> None:
    archive = pack(checkout.parent, UV)
    checksum = hashlib.sha256(archive.read_bytes()).hexdigest()
    pin(checkout, archive, "SHASUMS256.txt")
    sums = checkout.parent / "SHASUMS256.txt"
    sums.write_text(f"{'0' * 64}  ./another.tar.gz\n{checksum}  ./{archive.name}\n")
    assert bootstrap(checkout, path, "uv", "--version").stderr.endswith("uv --version\n")
    shutil.rmtree(checkout / ".tools")
    sums.write_text(f"{checksum}  ./another.tar.gz\n")
    assert "does not have the checksum" in bootstrap(checkout, path, "uv", "--version").stderr


def test_a_download_with_another_checksum_is_refused_and_removed(checkout: Path, path: Path) -> None:
    pin(checkout, pack(checkout.parent, UV), checksum="0" * 64)
    refused = bootstrap(checkout, path, "uv", "--version")
    assert refused.returncode == 1
    assert "does not have the checksum of dev/bootstrap.pins" in refused.stderr
    assert os.listdir(checkout / ".tools") == []


def test_where_nothing_can_be_downloaded_the_error_has_a_fix(checkout: Path, path: Path) -> None:
    failed = bootstrap(checkout, path, "mise", "--version")
    assert failed.returncode == 1
    assert "error: no mise on the PATH is new enough" in failed.stderr
    assert "\n  fix: install mise" in failed.stderr


def test_a_folder_that_path_cannot_hold_is_refused(checkout: Path, path: Path) -> None:
    put(path / "uv", UV)
    refused = bootstrap(checkout.rename(checkout.parent / "a:b"), path, "uv", "--version")
    assert refused.returncode == 1
    assert "contains a colon" in refused.stderr
    assert "\n  fix: rename or move the folder" in refused.stderr


def test_a_command_runs_in_an_environment_that_matches_the_lock(checkout: Path, path: Path) -> None:
    put(path / "uv", UV)
    ran = bootstrap(checkout, path, "run", "--group", "dev", "tool", "an argument")
    assert ran.stdout == f"{checkout}/.venv/bin/tool an argument, {path}\n"
    pypi = "--default-index https://pypi.org/simple"
    assert ran.stderr.splitlines() == [
        f"uv sync --quiet --locked --inexact --no-default-groups {pypi}",
        "uv export --quiet --frozen --no-emit-workspace --group dev",
    ]


@pytest.mark.parametrize(
    ("failing", "fix"), [("sync*", "make lock"), ("export*", ""), ("pip*", "check the network")]
)
def test_a_command_does_not_run_where_the_environment_could_not_be_made(
    checkout: Path, path: Path, failing: str, fix: str
) -> None:
    put(path / "uv", UV)
    failed = bootstrap(checkout, path, "run", "tool", UV_FAILS=failing)
    assert failed.returncode != 0
    assert failed.stdout == ""
    assert fix in failed.stderr


@pytest.mark.parametrize(
    ("given", "name", "seen"),
    [
        ({"PYTHONPATH": "/others"}, "PYTHONPATH", "unset"),
        ({"PYTHONHOME": "/others"}, "PYTHONHOME", "unset"),
        ({"VIRTUAL_ENV": "/others"}, "VIRTUAL_ENV", "unset"),
        ({"UV_PROJECT_ENVIRONMENT": "/others"}, "UV_PROJECT_ENVIRONMENT", "{checkout}/.venv"),
        ({"PIP_INDEX_URL": "http://mirror"}, "UV_DEFAULT_INDEX", "http://mirror"),
        ({"PIP_INDEX_URL": "http://a", "UV_INDEX_URL": "http://b"}, "UV_DEFAULT_INDEX", "http://b"),
        ({"UV_INDEX_URL": "http://a", "UV_DEFAULT_INDEX": "http://b"}, "UV_DEFAULT_INDEX", "http://b"),
        ({"UV_DEFAULT_INDEX": "http://mirror"}, "PIP_INDEX_URL", "http://mirror"),
        ({"PIP_INDEX_URL": "http://a", "UV_DEFAULT_INDEX": "http://b"}, "PIP_INDEX_URL", "http://a"),
        ({"HOME": "/proc/none"}, "XDG_CACHE_HOME", "{checkout}/.tools/cache"),
        ({}, "XDG_CACHE_HOME", "unset"),
    ],
)
def test_the_environment_of_other_programs_does_not_lead_astray(
    checkout: Path, path: Path, given: dict[str, str], name: str, seen: str
) -> None:
    put(path / "uv", "#!/bin/sh\n[ \"$1\" = cache ] || eval 'echo \"${'$1'-unset}\"'\n")
    ran = bootstrap(checkout, path, "uv", name, **given)
    assert ran.stdout == seen.format(checkout=checkout) + "\n"


def test_the_index_of_pips_configuration_is_used_where_packages_are_missing(
    checkout: Path, path: Path
) -> None:
    put(path / "uv", f'{UV}case "$*" in *--offline*) exit 1;; pip*) echo "$UV_DEFAULT_INDEX" >&2;; esac\n')
    put(path / "python3", '#!/bin/sh\n[ "$5" != global.index-url ] || echo http://mirror\n')
    assert bootstrap(checkout, path, "run", "tool").stderr.endswith("-r -\nhttp://mirror\n")
    given = bootstrap(checkout, path, "run", "tool", UV_DEFAULT_INDEX="http://own")
    assert given.stderr.endswith("-r -\nhttp://own\n")
