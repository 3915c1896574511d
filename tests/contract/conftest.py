from collections.abc import Iterator

import httpx
import pytest

from tests.contract.support import OLLAMA_MODEL, OLLAMA_URL, Json, Target
from tests.processes import service

ENGINES = [
    "simulated",
    pytest.param("llamacpp", marks=pytest.mark.slow),
    *(["ollama"] if OLLAMA_URL else []),
]


@pytest.fixture(scope="session", params=ENGINES)
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The embedded runtime with either engine and, where OLLAMA_URL names one, a real Ollama."""
    if request.param == "ollama":
        yield Target("ollama", OLLAMA_URL, OLLAMA_MODEL)
        return
    # llama.cpp's threads spin while they wait for each other: on a busy machine, two are far slower than one.
    settings = {"RUNTIME_ENGINE": request.param, "RUNTIME_SLOTS": "2", "RUNTIME_THREADS": "1"}
    settings["RUNTIME_POOLING"] = "mean"  # embeddings also of a model that was not made for them
    with service("runtime", tmp_path_factory.mktemp(request.param) / "log", **settings) as url:
        yield Target(request.param, url, "smollm2:135m")


@pytest.fixture
def http(target: Target) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=target.url, timeout=target.timeout, trust_env=False) as client:
        yield client


@pytest.fixture
def body(target: Target) -> Json:
    """A small, repeatable request without its prompt or messages."""
    return {"model": target.model, "options": {"temperature": 0, "seed": 7, "num_predict": 12}}
