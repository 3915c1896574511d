"""Clients in JavaScript, where Node and npm are installed: OpenAI's official one, and the AI SDK."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.clients.platform import ASK_WEATHER, CHAT, CITY, EMBEDDINGS, HELLO, MODEL, PIXEL, RESPONSES, proves

FOLDER = Path(__file__).parent / "node"
GIVEN = {"MODEL": MODEL, "HELLO": HELLO, "ASK_WEATHER": ASK_WEATHER, "PIXEL": PIXEL, "CITY": CITY}
OLDEST_NODE = 20
INSTALL_SECONDS = 600  # some thousand files
pytestmark = pytest.mark.timeout(INSTALL_SECONDS + 100)
OFFLINE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ERR_SOCKET_TIMEOUT", "EHOSTUNREACH")
FEATURES = ("text", "stream", "tools", "conversation", "structured output", "thinking", "images")
CASES = [
    *(("openai", "openai_chat", CHAT, feature) for feature in ("models", *FEATURES)),
    *(("openai", "openai_responses", RESPONSES, feature) for feature in FEATURES),
    *(("ai", "ai_chat", CHAT, feature) for feature in FEATURES),
    *(("ai", "ai_responses", RESPONSES, feature) for feature in FEATURES),
    ("openai", "openai_chat", EMBEDDINGS, "embeddings"),
    ("ai", "ai_chat", EMBEDDINGS, "embeddings"),
]
Run = Callable[[str], dict[str, str | None]]


@pytest.fixture(scope="module")
def modules() -> None:
    """Install the packages of the lock file, unless they are."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("Node and npm are not on the PATH")
    version = _output([node, "--version"]).stdout
    if int(version.strip().removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"Node is {version.strip()}, older than {OLDEST_NODE}")
    lock, installed = FOLDER / "package-lock.json", FOLDER / "node_modules/installed.json"
    if installed.exists() and installed.read_text() == lock.read_text():
        return
    install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    done = _output(install, INSTALL_SECONDS)
    if done.returncode and any(code in done.stderr for code in OFFLINE):
        pytest.skip(f"npm cannot reach its registry: {done.stderr[:200]}")
    assert done.returncode == 0, done.stderr
    installed.write_text(lock.read_text())


@pytest.fixture
def run(modules: None, gateway: str) -> Run:
    return _run


@cache
def _run(module: str) -> dict[str, str | None]:
    """Try all features of a module, once; return what went wrong with each."""
    done = _output(["node", "main.mjs", module], GIVEN=json.dumps(GIVEN))
    assert done.returncode == 0, done.stderr
    outcomes: dict[str, str | None] = json.loads(done.stdout)
    return outcomes


def _output(command: list[str], seconds: float = 100, **environment: str) -> Any:
    return subprocess.run(
        command,
        cwd=FOLDER,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@pytest.mark.parametrize(
    ("module", "feature"),
    [
        pytest.param(module, feature, marks=proves(f"npm:{client}", api, feature))
        for client, module, api, feature in CASES
    ],
)
def test_a_feature_works(run: Run, module: str, feature: str) -> None:
    wrong = run(module)[feature]
    assert wrong is None, wrong
