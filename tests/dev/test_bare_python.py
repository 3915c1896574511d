"""The commands that start before any package is installed."""

import subprocess
import sys

import pytest

from dev.settings import ROOT


@pytest.mark.parametrize("module", ["dev.up.down", "dev.doctor.report", "dev.tilt.plan", "dev.https.command"])
def test_down_doctor_and_the_tiltfiles_questions_need_the_standard_library_alone(module: str) -> None:
    # -S leaves site-packages out.
    command = [sys.executable, "-S", "-c", f"import dev.__main__, {module}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
