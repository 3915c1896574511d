"""uv.lock, and what runs without its packages."""

import re
import subprocess
import sys

import pytest

from dev.settings import ROOT


def test_the_lock_names_only_the_public_index_and_every_file_has_a_hash() -> None:
    lock = (ROOT / "uv.lock").read_text()
    hosts = set(re.findall(r"https?://([^/\"]+)", lock))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}
    files = [line for line in lock.splitlines() if "files.pythonhosted.org" in line]
    assert files
    assert [line for line in files if 'hash = "sha256:' not in line] == []


@pytest.mark.parametrize("module", ["dev.__main__", "dev.doctor.report", "dev.doctor.tools", "dev.up.down"])
def test_doctor_and_down_need_no_packages(module: str) -> None:
    command = [sys.executable, "-S", "-c", f"import {module}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
