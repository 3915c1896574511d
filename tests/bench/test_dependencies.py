"""The measurement of a new dependency puts the project's files back."""

from contextlib import suppress
from pathlib import Path

from bench import dependencies


def test_the_files_of_the_project_are_restored_after_an_error(tmp_path: Path) -> None:
    before = {"api/pyproject.toml": "[project]\n", "uv.lock": "version = 1\n"}
    (tmp_path / "api").mkdir()
    dependencies.write(before, tmp_path)
    with suppress(RuntimeError), dependencies.files_restored(tmp_path):
        dependencies.write(dict.fromkeys(before, "changed"), tmp_path)
        assert (tmp_path / "uv.lock").read_text() == "changed"
        raise RuntimeError
    assert {file: (tmp_path / file).read_text() for file in before} == before
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["api", "pyproject.toml", "uv.lock"]
