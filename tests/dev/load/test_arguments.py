"""The command lines: what they mean, and what they refuse."""

from pathlib import Path

import pytest

from dev.autoscale import command as autoscale
from dev.load import command as load
from dev.load import local as load_local
from dev.load.job import SCRIPTS
from dev.load.lines import Request
from tests.dev.recorded import request


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("90", 90), ("5m", 300), ("1h", 3600), ("1.5s", 1.5)]
)
def test_durations_are_read_as_they_are_written(text: str, seconds: float) -> None:
    assert load.duration(text) == seconds


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["--scenario", "storm"], "invalid choice: 'storm'"),
        (["--rate", "0"], "'0' is not a number above 0"),
        (["--rate", "many"], "'many' is not a number above 0"),
        (["--rate", "nan"], "'nan' is not a number above 0"),
        (["--duration", "soon"], "'soon' is not a duration"),
        (["--duration=-5s"], "'-5s' is not a duration"),
        (["--duration", "0s"], "'0s' is not a duration"),
    ],
)
def test_bad_arguments_are_refused_with_their_reason(
    argv: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        load.main(argv)
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


def test_options_become_the_settings_of_the_scripts() -> None:
    run = load.run_of(
        load.arguments(["--scenario", "soak", "--rate", "0.5", "--duration", "2m", "--no-stream"])
    )
    assert run.script == "soak"
    assert run.settings["BASE_URL"] == "http://llm-api.llm:8000"
    assert (run.settings["RATE"], run.settings["DURATION"], run.settings["STREAM"]) == ("0.5", "120", "false")


def test_every_setting_is_one_that_a_script_reads() -> None:
    text = "".join(path.read_text() for path in SCRIPTS.glob("*.js"))
    run = load.run_of(load.arguments(["--model", "m"]))
    for name in {**run.settings, **autoscale.settings(autoscale.arguments([]))}:
        assert f"__ENV.{name}" in text or f"'{name}'" in text


def test_a_local_runtime_means_the_local_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILE", "local")
    assert load.run_of(load.arguments([])).settings["BASE_URL"] == "http://localhost:8000"


def test_without_k6_the_local_load_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(load_local, "ROOT", tmp_path)
    assert load.main(["--runtime", "local"]) == 2
    assert "k6, and none is on the PATH" in capsys.readouterr().err


@pytest.mark.parametrize("program", [load.main, autoscale.main])
def test_without_a_cluster_both_programs_say_so(
    program: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    monkeypatch.delenv("PROFILE", raising=False)
    assert callable(program)
    assert program([]) == 2
    assert "no cluster" in capsys.readouterr().err


def test_progress_tells_the_last_seconds_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    requests: list[Request] = [request(n / 2) for n in range(20)]
    assert "offered 2.0/s" in load.progress(requests)
    found = load.follow(['REQ {"at":1,"outcome":"failed","status":502,"seconds":1,"error":"away"}', "a word"])
    assert [r.outcome for r in found] == ["failed"]
    assert capsys.readouterr().out == "failed: status 502 after 1.00 s: away\na word\n"
