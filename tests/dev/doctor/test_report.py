"""Which checks a choice needs, and what the exit status says of them."""

from dataclasses import dataclass

import pytest

from dev import configuration
from dev.doctor import choice, ollama, probe, report
from dev.settings import Values

DOCKER = probe.ContainerEngine(True, "Docker 28.2.2", 8 * 1024**3, 4)


def values(**settings: str) -> Values:
    return configuration.parse({"engine": "llamacpp", "profile": "local", **settings})


@dataclass
class Machine:
    """The facts of a machine: who holds which port (none is held by default)."""

    holders: dict[int, str]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine without containers, whose ports are free unless a test changes that."""
    found = Machine({})
    monkeypatch.setattr(
        probe, "container_engine", lambda: probe.ContainerEngine(False, "no Docker is on the PATH")
    )
    monkeypatch.setattr(probe, "port_is_free", lambda port: port not in found.holders)
    monkeypatch.setattr(probe, "port_holder", lambda port: found.holders[port])
    monkeypatch.setattr(probe, "container_on", lambda _: "")
    monkeypatch.setattr(probe, "published_port", lambda *_: None)
    monkeypatch.setattr(choice, "choose_engine", lambda *_: ("llamacpp", None))
    return found


def test_doctor_fails_when_a_check_does(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.holders[8000] = "process 1: nc"
    assert report.main([]) == 1
    shown = capsys.readouterr().out
    assert "PROFILE=local ENGINE=llamacpp" in shown
    assert "no Docker is on the PATH" in shown
    assert "FAIL  port 8000 taken by process 1: nc" in shown
    assert "API_PORT=8001" in shown


def test_a_moved_port_is_the_one_that_is_checked(machine: Machine) -> None:
    machine.holders[8000] = "process 1: nc"
    assert all(check.state != "FAIL" for check in report.service_ports(values(api_port="8001")))


def test_jaegers_port_has_to_be_free_where_there_are_traces(machine: Machine) -> None:
    machine.holders[16686] = "process 3: jaeger"
    cluster = {"profile": "cluster"}
    without, traced = (report.cluster(values(**cluster, tracing=on), DOCKER) for on in ("false", "true"))
    assert "port 16686" not in {check.name for check in without}
    assert next(check for check in traced if check.name == "port 16686").state != "ok"


def test_with_an_ollama_of_the_host_its_port_need_not_be_free(machine: Machine) -> None:
    machine.holders[11434] = "process 2: ollama serve"
    assert [check.name for check in report.service_ports(values(engine="host"))] == ["port 8000"]
    assert report.service_ports(values(engine="llamacpp"))[1].state == "FAIL"


@pytest.mark.parametrize(("reachable", "state"), [(True, "ok"), (False, "FAIL")])
def test_an_ollama_of_the_host_has_to_be_reachable_from_pods(
    reachable: bool, state: str, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "network_gateway", lambda _: "172.18.0.1")
    monkeypatch.setattr(ollama, "can_connect", lambda *_: reachable)
    found = {check.name: check for check in report.cluster(values(engine="host"), DOCKER)}
    assert found["ollama"].state == state
    assert "port 11434" not in found
    assert "ollama" not in {check.name for check in report.cluster(values(engine="ollama"), DOCKER)}
