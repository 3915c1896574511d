"""llm-comply, an independent test suite of other vendors' APIs, against the gateway.

Some of its tests run only if the model's name is that of a vendor's model that thinks, so an alias names one.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from llm_comply.tests import get_tests  # type: ignore[import-untyped]

from tests.clients.platform import CHAT, KEY, MESSAGES, proves

FORMATS = {"openai-chat": (CHAT, "gpt-5"), "anthropic": (MESSAGES, "claude-sonnet-4-5")}
CASES = [
    pytest.param(name, case.id, id=case.id, marks=proves("llm-comply", api, case.name))
    for name, (api, _) in FORMATS.items()
    for case in get_tests(name)
]
Run = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def run(gateway: str) -> Run:
    """Return a function that runs the tests of a format, once, and returns the results by test."""

    @cache
    def run_format(name: str) -> dict[str, Any]:
        options = ["--base-url", f"{gateway}/v1", "--api-key", KEY, "--model", FORMATS[name][1]]
        command = [sys.executable, "-m", "llm_comply.cli", "--json", "--format", name, *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
        assert done.stdout, done.stderr
        return {result["id"]: result for result in json.loads(done.stdout)["results"]}

    return run_format


@pytest.mark.parametrize(("name", "test"), CASES)
def test_the_suite_passes(run: Run, name: str, test: str) -> None:
    result = run(name)[test]
    if result["status"] == "skipped":
        pytest.skip(f"llm-comply: {result['errors']}")
    assert result["status"] == "passed", result["errors"]
