"""llm-comply, an independent test suite of other vendors' APIs, against the gateway.

Some of its tests run only if the model's name is that of a vendor's model that thinks, so an alias names one.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

import httpx
import llm_comply  # type: ignore[import-untyped]
import pytest
from llm_comply.schema import SpecLoader  # type: ignore[import-untyped]
from llm_comply.tests import get_tests  # type: ignore[import-untyped]

from tests.clients.platform import CHAT, HELLO, KEY, MESSAGES, MODEL, RESPONSES, proves

FORMATS = {
    "openai-chat": (CHAT, "gpt-5"),
    "open-responses": (RESPONSES, "gpt-5"),
    "anthropic": (MESSAGES, "claude-sonnet-4-5"),
}
CASES = [
    pytest.param(name, case.id, id=case.id, marks=proves("llm-comply", api, case.name))
    for name, (api, _) in FORMATS.items()
    for case in get_tests(name)
]
# Its runner looks for these events under names that its own copy of the specification does not have.
MISNAMED = {
    "response.reasoning_summary_text.delta": "ResponseReasoningSummaryDeltaStreamingEvent",
    "response.reasoning_summary_text.done": "ResponseReasoningSummaryDoneStreamingEvent",
}
Run = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def run(gateway: str) -> Run:
    """Return a function that runs the tests of a format, once, and returns the results by test."""

    @cache
    def run_format(name: str) -> dict[str, Any]:
        options = ["--base-url", f"{gateway}/v1", "--api-key", KEY, "--model", FORMATS[name][1]]
        options += ["--ignore", ",".join(f"unknown SSE event type: {event}" for event in MISNAMED)]
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


@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver is deprecated:DeprecationWarning")
def test_the_events_that_the_suite_misnames_follow_its_specification(gateway: str) -> None:
    body = {"model": MODEL, "input": HELLO, "stream": True}
    headers = {"authorization": f"Bearer {KEY}"}
    text = httpx.post(f"{gateway}{RESPONSES}", json=body, headers=headers, timeout=60).text
    specification, seen = SpecLoader(files(llm_comply).joinpath("specs/openresponses.json")), set[str]()
    for line in text.splitlines():
        event = json.loads(line.removeprefix("data: ")) if line.startswith("data: {") else {}
        if event.get("type") in MISNAMED:
            assert specification.validate(event, MISNAMED[event["type"]]) == []
            seen.add(event["type"])
    assert seen == MISNAMED.keys()
