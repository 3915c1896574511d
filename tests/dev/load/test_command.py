"""The command lines of `load` and `autoscale`: what they mean, and what they refuse."""

from pathlib import Path
from typing import Any

import pytest

from dev.autoscale import command as autoscale
from dev.doctor import tools
from dev.load import command as load
from dev.load.job import SCRIPTS
from dev.load.output import Sent
from tests.dev.recorded import request


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("90", 90), ("5m", 300), ("1h", 3600), ("1.5s", 1.5)]
)
def test_a_duration_may_have_a_unit(text: str, seconds: float) -> None:
    assert load.duration(text) == seconds


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--scenario", "storm"], "invalid choice: 'storm'"),
        (["--profile", "moon"], "invalid choice: 'moon'"),
        (["--rate", "0"], "'0' is not a number above 0"),
        (["--rate", "many"], "'many' is not a number above 0"),
        (["--rate", "nan"], "'nan' is not a number above 0"),
        (["--duration", "soon"], "'soon' is not a duration"),
        (["--duration=-5s"], "'-5s' is not a duration"),
        (["--duration", "0s"], "'0s' is not a duration"),
    ],
)
def test_an_invalid_option_is_a_usage_error_with_its_reason(
    dev: Any, arguments: list[str], reason: str
) -> None:
    status, _, err = dev("load", *arguments)
    assert status == 2
    assert reason in err


def test_an_invalid_variable_is_a_usage_error_that_names_the_environment(
    dev: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENARIO", "storm")
    status, _, err = dev("load")
    assert status == 2
    assert "(the environment sets --scenario to 'storm')" in err


def test_options_become_the_settings_of_the_scripts() -> None:
    run = load.run_of(
        load.parse(["--scenario", "soak", "--rate", "0.5", "--duration", "2m", "--stream", "false"])
    )
    assert run.script == "soak"
    assert run.settings["BASE_URL"] == "http://llm-api.llm:8000"
    assert (run.settings["RATE"], run.settings["DURATION"], run.settings["STREAM"]) == ("0.5", "120", "false")


def test_a_variable_sets_an_option_and_the_command_line_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE", "4")
    monkeypatch.setenv("MAX_TOKENS", "32")
    run = load.run_of(load.parse(["--rate", "5"]))
    assert (run.settings["RATE"], run.settings["MAX_TOKENS"]) == ("5", "32")


def test_every_setting_is_one_that_a_script_reads() -> None:
    text = "".join(path.read_text() for path in SCRIPTS.glob("*.js"))
    run = load.run_of(load.parse(["--model", "m"]))
    for name in {**run.settings, **autoscale.settings(autoscale.parse([]))}:
        assert f"__ENV.{name}" in text or f"'{name}'" in text


def test_the_local_profile_means_the_gateway_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILE", "local")
    monkeypatch.delenv("LLM_URL", raising=False)
    assert load.run_of(load.parse([])).settings["BASE_URL"] == "http://localhost:8000"
    monkeypatch.setenv("LLM_URL", "http://llm.example")
    assert load.run_of(load.parse([])).settings["BASE_URL"] == "http://llm.example"


def test_without_k6_the_local_load_names_what_is_missing(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "find", lambda *_: None)
    monkeypatch.setattr(tools, "install", lambda *_: False)
    status, _, err = dev("load", "--profile", "local")
    assert status == 1
    assert "could not install k6" in err


@pytest.mark.parametrize("verb", ["load", "autoscale"])
def test_without_a_cluster_the_error_has_its_fix(
    dev: Any, verb: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    status, _, err = dev(verb)
    assert status == 1
    assert err.startswith("error: no cluster: ")
    assert "  fix: make up" in err


def test_progress_tells_what_was_sent_and_is_in_flight_however_slow_the_answers_are() -> None:
    sent = [Sent(request(n / 2).at) for n in range(40)]
    shown = load.progress(sent, [request(19.5)])
    assert "   20 s  offered 2.0/s  answered 0.2/s  rejected 0.0/s  in flight 39  P95 0.50 s" in shown


def test_progress_is_printed_while_no_answer_has_ended(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "PROGRESS_SECONDS", 0)
    load.follow(['SENT {"at":1}', 'SENT {"at":1.5}'])
    assert "in flight 2" in capsys.readouterr().out


def test_k6s_own_lines_pass_and_its_requests_become_progress(capsys: pytest.CaptureFixture[str]) -> None:
    sent = [Sent(request(n / 2).at) for n in range(20)]
    assert "offered 2.0/s" in load.progress(sent, [request(n / 2) for n in range(20)])
    failed = 'REQ {"at":1,"outcome":"failed","status":502,"seconds":1,"error":"away"}'
    load.follow([failed, load.K6_WARNING, "a line of k6"])
    assert capsys.readouterr().out == "failed: status 502 after 1.00 s: away\na line of k6\n"
