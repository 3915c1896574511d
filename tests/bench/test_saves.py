"""The measurement of saves restores the file, and reports a save that is never live."""

from pathlib import Path

import pytest

from bench import BenchError, saves


def test_the_file_is_restored_when_a_save_is_never_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = tmp_path / "main.py"
    main.write_text("app = 1\n")
    monkeypatch.setattr(saves, "MAIN", main)
    with pytest.raises(BenchError, match="was not live"):
        list(saves.saves("http://127.0.0.1:1", count=2, patience=0.05))
    assert main.read_text() == "app = 1\n"
