"""The default number of threads."""

from pathlib import Path

import pytest
from llm_runtime.engines.threads import default_threads


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


@pytest.mark.parametrize(
    ("limit", "threads"),
    [
        ("max 100000", 8),
        ("400000 100000", 4),
        ("250000 100000", 2),
        ("50000 100000", 1),
        ("1600000 100000", 8),
    ],
)
def test_a_containers_limit_counts_in_whole_cores(tmp_path: Path, limit: str, threads: int) -> None:
    root = write(tmp_path, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": f"{limit}\n"})
    assert default_threads(root, cores=8) == threads


def test_the_lowest_limit_of_all_parent_groups_counts(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/kubepods/pod1/container\n",
        "sys/fs/cgroup/kubepods/cpu.max": "600000 100000\n",
        "sys/fs/cgroup/kubepods/pod1/cpu.max": "300000 100000\n",
        "sys/fs/cgroup/kubepods/pod1/container/cpu.max": "max 100000\n",
    }
    assert default_threads(write(tmp_path, files), cores=8) == 3


@pytest.mark.parametrize(("quota", "threads"), [("-1", 8), ("200000", 2), ("150000", 1)])
def test_cgroups_version_1_are_read_as_well(tmp_path: Path, quota: str, threads: int) -> None:
    files = {
        "proc/self/cgroup": "12:cpuset:/\n3:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n",
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": f"{quota}\n",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    }
    assert default_threads(write(tmp_path, files), cores=8) == threads


def test_without_cgroups_the_number_of_cores_counts(tmp_path: Path) -> None:
    assert default_threads(tmp_path, cores=6) == 6


def test_this_machine_gets_at_least_one_thread() -> None:
    assert default_threads() >= 1
