"""The platform's settings: declared once, read from the environment, Tilt's flags and tilt_config.json."""

from pathlib import Path

import pytest

from dev import FixableError, configuration
from dev.settings import SETTINGS, TABLE, help_text, markdown_table


def parse(**variables: str) -> dict[str, object]:
    return configuration.parse(configuration.given(variables))


def test_every_default_is_a_value_of_its_setting() -> None:
    values = parse()
    assert values["autoscaler"] == "cpu"
    assert values["monitoring"] is True
    assert values["api_port"] == 8000
    assert values["profile"] == values["engine"] == values["model"] == ""


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), ("1", True), ("0", False)])
def test_a_switch_is_read_as_tilt_reads_it(text: str, value: bool) -> None:
    assert parse(MONITORING=text)["monitoring"] is value


@pytest.mark.parametrize(
    ("variable", "text", "fix"),
    [
        ("ENGINE", "olama", "ENGINE=ollama"),
        ("ENGINE", "embedded", "ENGINE=ollama"),
        ("PROFILE", "locl", "PROFILE=local"),
        ("AUTOSCALER", "hpa", "AUTOSCALER=cpu"),
        ("MONITORING", "no", "MONITORING=true"),
        ("API_PORT", "http", "API_PORT=8000"),
        ("API_PORT", "0", "API_PORT=8000"),
        ("RUNTIME_PORT", "70000", "RUNTIME_PORT=11434"),
        ("RUNTIME_PORT", "-1", "RUNTIME_PORT=11434"),
        ("API_PORT", "٣", "API_PORT=8000"),
    ],
)
def test_a_wrong_value_is_refused_by_name_with_a_right_one(variable: str, text: str, fix: str) -> None:
    with pytest.raises(FixableError) as refusal:
        parse(**{variable: text})
    assert f"{variable}={text} is not" in refusal.value.problem
    assert fix in refusal.value.fix


@pytest.mark.parametrize(
    ("text", "problem", "fix"),
    [
        ("a,,b", "MODEL=a,,b has an empty entry", "MODEL=a,b"),
        ("a,", "MODEL=a, has an empty entry", "MODEL=a"),
        ("a, b,a", "MODEL=a, b,a has an entry twice", "MODEL=a,b"),
    ],
)
def test_a_list_with_an_empty_entry_or_one_twice_is_refused(text: str, problem: str, fix: str) -> None:
    with pytest.raises(FixableError) as refusal:
        parse(MODEL=text)
    assert (refusal.value.problem, refusal.value.fix) == (problem, fix)


def test_a_lists_entries_may_have_spaces_around_them() -> None:
    assert parse(MODEL=" a:1 , b:2")["model"] == "a:1,b:2"


@pytest.mark.parametrize(
    ("former", "fix"),
    [
        ("ollama", "ENGINE=ollama"),
        ("embedded", "ENGINE=llamacpp"),
        ("simulated", "ENGINE=simulated"),
        ("local", "PROFILE=local"),
    ],
)
def test_a_former_value_of_runtime_is_refused_with_its_new_words(former: str, fix: str) -> None:
    with pytest.raises(FixableError, match="RUNTIME is now PROFILE and ENGINE") as refusal:
        parse(RUNTIME=former)
    assert refusal.value.fix == fix


def test_a_runtime_variable_of_another_program_does_no_harm() -> None:
    assert parse(RUNTIME="nodejs20.x") == parse()


def test_an_empty_variable_is_not_set_and_a_later_source_wins() -> None:
    file, environment = {"MODEL": "a:1", "ENGINE": "simulated"}, {"MODEL": "b:1", "ENGINE": ""}
    assert configuration.given(file, environment) == {"model": "b:1", "engine": "simulated"}


def test_tilts_configuration_file_is_read_as_variables(tmp_path: Path) -> None:
    file = tmp_path / "tilt_config.json"
    assert configuration.from_file(file) == {}
    file.write_text('{"engine": "simulated", "monitoring": false}')
    assert configuration.from_file(file) == {"ENGINE": "simulated", "MONITORING": "False"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"runtime": "embedded"}', "unknown settings: runtime.*runtime is now profile and engine"),
        ('{"node_image": "x"}', "unknown settings: node_image"),
        ("[1]", "is not a JSON object"),
        ("{", "is not a JSON object"),
    ],
)
def test_a_wrong_configuration_file_is_refused_by_name(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "tilt_config.json").write_text(text)
    with pytest.raises(FixableError, match=f"(?s)tilt_config.json.*{message}"):
        configuration.from_file(tmp_path / "tilt_config.json")


def test_the_tables_have_a_row_for_every_setting() -> None:
    rows = markdown_table("platform").splitlines() + markdown_table("mirror").splitlines()
    for setting in TABLE:
        assert len([row for row in rows if row.startswith(f"| `{setting.variable}=` |")]) == 1
        assert len([line for line in help_text().splitlines() if f" {setting.variable} " in line]) == 1
    assert "`ollama`, `host`, `llamacpp`, `simulated`" in markdown_table()


def test_the_help_of_a_flag_has_values_and_default() -> None:
    assert SETTINGS["autoscaler"].usage.endswith(": cpu, queue, none (default: cpu)")
