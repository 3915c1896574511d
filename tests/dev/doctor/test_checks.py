"""A check that fails names its fix; a check that passes names what it found."""

import pytest

from dev.doctor import checks
from dev.doctor.checks import GIB, Check

KIND = {
    "current-context": "production",
    "contexts": [
        {"name": "production", "context": {"cluster": "production"}},
        {"name": "kind-llm", "context": {"cluster": "kind-llm"}},
    ],
    "clusters": [
        {"name": "production", "cluster": {"server": "https://10.1.2.3:6443"}},
        {"name": "kind-llm", "cluster": {"server": "https://127.0.0.1:40123"}},
    ],
}


def moved(server: str) -> dict[str, object]:
    return {**KIND, "clusters": [{"name": "kind-llm", "cluster": {"server": server}}]}


PROBLEMS = {
    "engine down": (checks.engine(False, "no Docker"), "FAIL", "make local"),
    "memory short": (checks.memory(3 * GIB, 4, 8, "Docker"), "FAIL", "Docker Desktop"),
    "memory tight": (checks.memory(6 * GIB, 4, 8, "Docker"), "warn", "MONITORING=false"),
    "memory short, local": (
        checks.memory(GIB // 2, 1, 2, "this machine"),
        "FAIL",
        "ENGINE=simulated",
    ),
    "one processor": (checks.processors(1), "warn", "CPUs"),
    "disk full": (checks.disk(GIB, "/var/lib/docker", 8, 15), "FAIL", "docker system prune"),
    "disk tight": (checks.disk(9 * GIB, "/var/lib/docker", 8, 15), "warn", "docker system prune"),
    "inotify far too low": (
        checks.inotify((8192, 128)),
        "FAIL",
        "sudo sysctl fs.inotify.max_user_watches=524288",
    ),
    "inotify low": (checks.inotify((192536, 128)), "warn", "fs.inotify.max_user_instances=512"),
    "port taken": (checks.port(8000, "the API", "process 12: nc"), "FAIL", "stop that program"),
    "port taken by whom": (checks.port(8000, "the API", ""), "FAIL", "lsof -i :8000"),
    "port taken, movable": (checks.port(8000, "the API", "", "API_PORT"), "FAIL", "API_PORT=8001"),
    "context elsewhere": (checks.context(moved("https://10.1.2.3:6443")), "FAIL", "rename-context kind-llm"),
    "context nowhere": (checks.context({**KIND, "clusters": None}), "FAIL", "rename-context kind-llm"),
    "tool missing": (checks.tool("kind", None, "0.33.0"), "warn", "0.33.0"),
}


@pytest.mark.parametrize(("check", "state", "fix"), PROBLEMS.values(), ids=PROBLEMS)
def test_a_problem_names_its_fix(check: Check, state: str, fix: str) -> None:
    assert check.state == state
    assert fix in check.fix
    assert "fix: " in str(check)


FINE = {
    "engine": checks.engine(True, "Docker 28.2"),
    "memory": checks.memory(16 * GIB, 4, 8, "Docker"),
    "memory unknown": checks.memory(None, 4, 8, "Docker"),
    "processors": checks.processors(2),
    "processors unknown": checks.processors(0),
    "disk": checks.disk(100 * GIB, "/", 8, 15),
    "inotify": checks.inotify((524288, 512)),
    "no inotify": checks.inotify(None),
    "port": checks.port(8000, "the API", None),
    "no kubeconfig": checks.context(None),
    "context of its own": checks.context(KIND),
    "tool": checks.tool("kind", "0.33.0 (/usr/bin/kind)", "0.33.0"),
}


@pytest.mark.parametrize("check", FINE.values(), ids=FINE)
def test_a_check_that_passes_is_one_line_without_a_fix(check: Check) -> None:
    assert check.state == "ok"
    assert "\n" not in str(check)


@pytest.mark.parametrize(
    "server", ["https://127.0.0.1:1", "https://localhost:1", "https://[::1]:1", "https://0.0.0.0:1"]
)
def test_a_context_on_this_machine_is_the_local_one(server: str) -> None:
    assert checks.context(moved(server)).state == "ok"


def test_the_context_that_will_be_replaced_as_current_is_named() -> None:
    config = {"current-context": "production", "contexts": None, "clusters": None}
    assert "now: production" in checks.context(config).message


def test_a_fix_of_two_lines_is_indented_under_its_check() -> None:
    text = str(Check("engine", "FAIL", "down", "start it\nor install it"))
    assert text.splitlines() == [
        "FAIL  engine    down",
        "        fix: start it",
        "             or install it",
    ]


@pytest.mark.parametrize(
    ("address", "wanted", "state", "fix"),
    [
        ("127.0.0.1:8443", True, "ok", ""),
        ("", True, "FAIL", "make down, then make up"),
        ("", False, "warn", "make down, then make up"),
        ("127.0.0.1:9443", True, "FAIL", "HTTPS_PORT=9443"),
    ],
)
def test_a_cluster_has_to_publish_https_at_the_port_of_the_setting(
    address: str, wanted: bool, state: str, fix: str
) -> None:
    check = checks.published(address, 8443, wanted)
    assert check.state == state
    assert fix in check.fix
