"""A gateway and a simulated runtime for the whole folder, and the record of what clients were seen to do."""

import gc
from collections.abc import Generator, Iterator

import pytest

from dev.generate.client_matrix import Cell
from tests.clients.platform import KEY, MODEL, SIMULATED
from tests.clients.record import Record
from tests.processes import service

RECORD = pytest.StashKey[Record]()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a gateway that asks for a key, before a runtime that can do everything; yield its address."""
    logs = tmp_path_factory.mktemp("clients")
    with service("runtime", logs / "runtime.log", **SIMULATED) as runtime:
        settings = {
            "LLM_RUNTIME_URL": runtime,
            "LLM_MODEL": MODEL,
            "LLM_API_KEYS": KEY,
            "LLM_MAX_RUNNING": "8",
            "LLM_MODEL_ALIASES": f"gpt-*={MODEL},claude-*={MODEL},text-embedding-*={MODEL}",
            "LLM_LOG_LEVEL": "warning",
        }
        with service("api", logs / "gateway.log", **settings) as url:
            yield url


@pytest.fixture(autouse=True)
def _environment(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what docs/clients.md tells users to set, and nothing else: clients are opened without arguments."""
    monkeypatch.setenv("OPENAI_BASE_URL", f"{gateway}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", gateway)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("OLLAMA_HOST", gateway)
    monkeypatch.setenv("OLLAMA_API_KEY", KEY)


@pytest.fixture(scope="module")
def _garbage_collected() -> Iterator[None]:
    yield
    gc.collect()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note every cell of the table before -k and -m take tests away."""
    cells = [cell for item in items for cell in _cells(item)]
    config.stash[RECORD] = Record(cells, (item.path for item in items))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note the outcome of each test for the cells that it proves."""
    report = yield
    if report.when == "call" or not report.passed:
        for cell in _cells(item):
            item.config.stash[RECORD].note(cell, report.outcome)
    return report


@pytest.fixture
def seen(request: pytest.FixtureRequest) -> Record:
    """The record of this run."""
    return request.config.stash[RECORD]


def _cells(item: pytest.Item) -> list[Cell]:
    return [
        Cell(client, api, feature)
        for mark in item.iter_markers("proves")
        for client, api, *features in [mark.args]
        for feature in features
    ]
