"""The measurement of saves: the file is put back, a save that is not served is an error."""

from pathlib import Path

import pytest

from bench import BenchError, saves


def test_the_file_is_put_back_when_a_save_is_never_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = tmp_path / "main.py"
    main.write_text("app = 1\n")
    monkeypatch.setattr(saves, "MAIN", main)
    with pytest.raises(BenchError, match="was not served"):
        list(saves.saves("http://127.0.0.1:1", count=2, patience=0.05))
    assert main.read_text() == "app = 1\n"
