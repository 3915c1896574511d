"""The tables of clients in docs/clients.md say what the tests of this folder, which ran before, have seen."""

from pathlib import Path

import pytest

from dev.generate import client_matrix
from dev.generate.client_matrix import NPM, Cell
from tests.clients.record import Record

FOLDER = Path(__file__).parent


def test_the_tables_in_the_documents_are_those_of_this_run(seen: Record) -> None:
    if set(seen.declared) - seen.outcomes.keys() or set(FOLDER.glob("test_*.py")) - seen.files:
        pytest.skip("only some of tests/clients ran")
    client_matrix.save(seen.outcomes)
    rows = client_matrix.tables(seen.outcomes).splitlines()
    page = client_matrix.PAGE.read_text().partition(client_matrix.BEGIN)[2].partition(client_matrix.END)[0]
    written = page.splitlines()
    if any(outcome == "skipped" for cell, outcome in seen.outcomes.items() if cell.client.startswith(NPM)):
        rows, written = ([row for row in table if "(npm)" not in row] for table in (rows, written))
    assert written == rows, "run `make generate`"


def test_the_worst_of_a_cells_tests_counts() -> None:
    cell, other = Cell("a", "/b", "c"), Cell("a", "/b", "d")
    record = Record([cell, cell, other])
    for outcome in ("passed", "failed", "skipped"):
        record.note(cell, outcome)
    assert record.declared == [cell, other]
    assert record.outcomes == {cell: "failed"}


def test_the_tables_show_what_did_not_pass_and_what_is_not_offered() -> None:
    outcomes = {
        Cell("openai", "/v1/x", "text"): "passed",
        Cell("openai", "/v1/x", "stream"): "failed",
        Cell("llm-comply", "/v1/x", "one"): "passed",
        Cell("llm-comply", "/v1/x", "two"): "skipped",
    }
    _, _, row, *_, suite = client_matrix.tables(outcomes).splitlines()
    assert [cell.strip() for cell in row.split("|")[3:8]] == ["`/v1/x`", "-", "yes", "failed", "-"]
    assert suite.endswith("| `/v1/x` | 1 | 2 |")
