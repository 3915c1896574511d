"""The measurement of saves restores the file, and reports a save that is never live."""

from pathlib import Path

import pytest

from bench import BenchError, bare, saves, tilted
from bench.saving import App
from bench.saving import saves as measured


def test_the_file_is_restored_when_a_save_is_never_live(tmp_path: Path) -> None:
    app = App("an app", "http://127.0.0.1:1", tmp_path / "main.py")
    app.main.write_text("app = 1\n")
    with pytest.raises(BenchError, match="was not live"):
        list(measured(app, count=2, patience=0.05))
    assert app.main.read_text() == "app = 1\n"


def test_a_bare_app_is_reloaded_by_uvicorn_and_its_saves_are_taken_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with bare.local() as app:
        [[took]] = saves.in_turn([app], 1)
    assert took.total == pytest.approx(took.brought + took.loaded + took.started)
    assert 0 < took.loaded < took.total
    assert took.watched == 0, "no Tilt watches"
    assert abs(took.brought) < took.total, "on this machine nothing brings the file"
    saves.report(app, [took])
    assert "a bare app: median of 1 saves" in capsys.readouterr().out


# What `tilt get filewatch -o json` prints, without what is not needed.
WATCHES = """{"items": [
  {"status": {"lastEventTime": null}},
  {"status": {"fileEvents": [
    {"seenFiles": ["/project/api/main.py"], "time": "2026-11-28T15:21:05.063326Z"},
    {"seenFiles": ["/project/api/other.py"], "time": "2026-11-28T15:21:06.063326Z"}
  ]}}
]}"""


def test_what_tilt_noticed_of_a_file_is_read_from_its_watches() -> None:
    assert tilted.events(WATCHES, "/project/api/main.py") == [1795879265.063326]
    assert tilted.events(WATCHES, "/project/api/main") == []
