"""`up`: which settings reach Tilt, and what a failed check prevents."""

import pytest

from dev import FixableError, configuration
from dev.doctor import checks, probe, tools
from dev.doctor import report as doctor
from dev.settings import Values
from dev.up import cluster, local, start, tilt

READY = probe.ContainerEngine(True, "Docker 28.2.2", 8 * 1024**3, 4)


def test_settings_given_to_make_reach_tilt() -> None:
    given = configuration.given(
        {"ENGINE": "llamacpp", "MONITORING": "false", "HOME": "/root", "NODE_IMAGE": "x"}
    )
    assert tilt.flags(given) == ["--engine=llamacpp", "--monitoring=false"]


def test_local_chooses_the_local_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def run(values: Values, _environment: object) -> int:
        started.append((values["profile"], values["engine"]))
        return 0

    monkeypatch.setattr(local, "start", run)
    monkeypatch.delenv("PROFILE", raising=False)
    monkeypatch.setenv("ENGINE", "simulated")
    assert start.main(["--local"]) == 0
    assert started == [("local", "simulated")]


def test_local_and_another_profile_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILE", "cluster")
    with pytest.raises(FixableError, match="make local contradicts PROFILE=cluster"):
        start.main(["--local"])


def test_what_was_chosen_is_given_to_tilt_and_a_variable_wins_over_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(configuration, "from_file", lambda: {"ENGINE": "simulated", "AUTOSCALER": "none"})
    monkeypatch.setattr(probe, "container_engine", lambda: READY)
    given, containers = start.resolve({"AUTOSCALER": "cpu"})
    assert containers is READY
    chosen = {"profile": "cluster", "engine": "simulated", "model": "smollm2:135m", "gateway": "traefik"}
    assert given == {"autoscaler": "cpu", **chosen}
    assert "--engine=simulated" in tilt.flags(given)


@pytest.mark.parametrize(
    ("variable", "text"),
    [("ENGINE", "olama"), ("RUNTIME", "embedded"), ("API_PORT", "http"), ("PROFILE", "x")],
)
def test_a_wrong_setting_is_refused_before_the_machine_is_asked_anything(
    variable: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "container_engine", lambda: pytest.fail("the machine was asked"))
    monkeypatch.setenv(variable, text)
    with pytest.raises(FixableError, match=f"(?s){variable}={text}.*fix: "):
        start.main([])


def test_a_failed_check_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = [checks.port(8000, "the API", "process 1: nc")]
    monkeypatch.setattr(doctor, "cluster", lambda *_: failing)
    monkeypatch.setattr(doctor, "local", lambda _: failing)
    monkeypatch.setattr(tools, "ensure", lambda _: pytest.fail("tools were installed"))
    monkeypatch.setattr(cluster, "apply", lambda _: pytest.fail("the cluster was created"))
    monkeypatch.setattr(local, "supervise", lambda *_: pytest.fail("the processes were started"))
    with pytest.raises(FixableError, match="nothing was started"):
        start.start_cluster({"engine": "ollama"}, READY)
    values = configuration.parse({"profile": "local", "engine": "simulated", "model": "m"})
    with pytest.raises(FixableError, match="nothing was started"):
        local.start(values, {})
