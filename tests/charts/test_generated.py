"""Generated files agree with the code that they are generated from."""

from pathlib import Path

import pytest
import yaml
from llm_api.settings import Settings
from pydantic import Field

from dev.generate import chart_common, chart_readme, chart_settings, models, render


def test_generated_files_are_up_to_date() -> None:
    stale = [str(path) for path, text in render().items() if path.read_text() != text]
    assert stale == [], "run `make generate`"


def test_a_new_setting_reaches_the_charts_values_and_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    class MoreSettings(Settings):
        new_limit: int | None = Field(default=None, ge=3, description="Most new things")

    monkeypatch.setattr(chart_settings, "Settings", MoreSettings)
    made = chart_settings.render()
    assert "  # -- Most new things\n  newLimit: null\n" in made[chart_settings.CHART / "values.yaml"]
    schema = made[chart_settings.CHART / "values.schema.json"]
    assert '"newLimit": { "type": ["integer", "null"], "minimum": 3 }' in schema


@pytest.mark.parametrize("default", ["", "gpt-4o=gemma3:270m,claude-*=gemma3:270m", "*", "true", "a #b"])
def test_a_settings_text_is_the_same_text_in_the_charts_values(
    monkeypatch: pytest.MonkeyPatch, default: str
) -> None:
    class MoreSettings(Settings):
        model_aliases: str = Field(default=default, description="Other names of models")

    monkeypatch.setattr(chart_settings, "Settings", MoreSettings)
    values = yaml.safe_load(chart_settings.render()[chart_settings.CHART / "values.yaml"])
    assert values["settings"]["modelAliases"] == default


def test_a_new_default_model_reaches_both_charts_and_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    class OtherSettings(Settings):
        model: str = Field(default="other:1b", description="Model for requests that name none")

    monkeypatch.setattr(chart_settings, "Settings", OtherSettings)
    monkeypatch.setattr(models, "GatewaySettings", OtherSettings)
    assert "\nmodel: other:1b\n" in chart_settings.render()[chart_settings.CHART / "values.yaml"]
    template, module = models.render().values()
    assert 'ternary "other:1b" "smollm2:135m"' in template
    assert 'OLLAMA = "other:1b"\n' in module


def test_a_file_without_the_marks_around_its_generated_part_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(chart_settings, "CHART", tmp_path)
    for name in ("values.yaml", "values.schema.json"):
        (tmp_path / name).write_text("settings: {}\n")
    with pytest.raises(ValueError, match="BEGIN generated"):
        chart_settings.render()


VALUES = """\
# Not a description.
image:
  # -- Where it comes from,
  # in two lines
  repository: a|b
  # -- Items. Of each:
  #   name: What it is called
  items:
    - name: x
# -- Timing
probes:
  startup:
    periodSeconds: 1
"""


def test_a_readme_has_a_row_for_each_described_value() -> None:
    assert [value.row() for value in chart_readme.describe(VALUES)] == [
        '| `image.repository` | Where it comes from, in two lines | `"a\\|b"` |\n',
        '| `image.items` | Items. Of each: <br>`name`: What it is called | `[{"name": "x"}]` |\n',
        '| `probes` | Timing | `{"startup": {"periodSeconds": 1}}` |\n',
    ]


def test_a_value_without_a_description_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"without a description .*: image\.tag, empty"):
        chart_readme.describe(VALUES + "empty: {}\n" + "image:\n  repository: a\n  tag: b\n")


def test_what_both_charts_share_calls_each_charts_own_helpers() -> None:
    copies = [text for path, text in chart_common.render().items() if path.parent.name == "templates"]
    assert len(copies) == len(chart_common.TEMPLATES)
    assert all("llm-runtime." in text and '"llm-api.' not in text for text in copies)
