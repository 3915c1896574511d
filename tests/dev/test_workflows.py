"""GitHub's workflows run targets and settings that exist, by actions that are pinned, with few rights."""

import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev import settings
from dev.release import VALUES
from dev.settings import ROOT

WORKFLOWS = {file.stem: file for file in (ROOT / ".github/workflows").glob("*.yaml")}
MAKEFILE = (ROOT / "Makefile").read_text()


def jobs(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(WORKFLOWS[name].read_text())["jobs"]
    return found


@pytest.mark.parametrize("file", WORKFLOWS.values(), ids=lambda file: file.stem)
def test_every_action_is_pinned_by_its_commit_with_the_version_beside_it(file: Path) -> None:
    for line in re.findall(r"uses: (.*)", file.read_text()):
        assert line.startswith("./") or re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_an_action_has_the_same_commit_everywhere() -> None:
    text = "".join(file.read_text() for file in WORKFLOWS.values())
    pins = set(re.findall(r"uses: ([\w/-]+)@(\w+)", text))
    assert len(pins) == len({action for action, _ in pins})


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_runs_targets_of_the_makefile(name: str) -> None:
    commands = [step["run"] for job in jobs(name).values() for step in job.get("steps", []) if "run" in step]
    commands += [chosen["run"] for chosen in included(name) if "run" in chosen]
    targets = re.findall(r"\bmake ([a-z-]+)", "\n".join(commands))
    assert targets
    assert set(targets) <= set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.MULTILINE))


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_only_read_unless_a_job_needs_more(name: str) -> None:
    assert yaml.safe_load(WORKFLOWS[name].read_text())["permissions"] == {"contents": "read"}


def included(name: str) -> list[dict[str, str]]:
    """Return what the matrices of a workflow list one by one."""
    matrices = [job["strategy"]["matrix"] for job in jobs(name).values() if "strategy" in job]
    return [chosen for matrix in matrices for chosen in matrix.get("include", [])]


def test_the_production_jobs_choose_settings_that_the_platform_has() -> None:
    given = [re.findall(r"(\w+)=(\S+)", chosen["run"]) for chosen in included("ci")]
    assert given
    for name, value in (pair for pairs in given for pair in pairs):
        setting = settings.SETTINGS[name.lower()]
        assert setting.parse(value) == (True if setting.kind == "switch" else value)


def test_the_cluster_jobs_choose_settings_that_the_platform_has() -> None:
    matrix = jobs("ci")["cluster"]["strategy"]["matrix"]
    command = next(s["run"] for s in jobs("ci")["cluster"]["steps"] if "ci-cluster" in s.get("run", ""))
    assert set(re.findall(r"(\w+)=\$\{\{ matrix\.(\w+) \}\}", command)) == {
        (key.upper(), key) for key in matrix
    }
    for values in product(*matrix.values()):
        for name, value in zip(matrix, values, strict=True):
            assert settings.SETTINGS[name].parse(value) == value


def test_the_release_builds_the_images_that_the_charts_need() -> None:
    built = jobs("release")["image"]["strategy"]["matrix"]["include"]
    assert {image["name"] for image in built} == set(VALUES)
    assert all((ROOT / image["folder"] / "Dockerfile").exists() for image in built)


def test_a_release_is_tested_first() -> None:
    needs = {name: job.get("needs") for name, job in jobs("release").items()}
    assert needs == {"ci": None, "image": "ci", "charts": "image"}
