"""`make smoke` says a line for each check, and fails when one of them does."""

from typing import Any

import pytest

from dev.gateway import client, smoke


def run(gateway: Any) -> int:
    return smoke.run(client.Gateway(gateway.url, timeout=5))


def test_a_gateway_that_works_passes_every_check(gateway: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(gateway) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == len(smoke.CHECKS)
    assert all(line.startswith("ok ") for line in said)


def test_a_model_that_is_away_fails_its_checks_and_no_other(
    gateway: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    away = (503, {"error": {"type": "runtime_unavailable", "message": "the runtime is away"}})
    gateway.refusals = {"/ready": away, "/generate": away}
    assert run(gateway) == 4
    said = capsys.readouterr().out
    assert "FAIL  GET /ready: the gateway says 503 runtime_unavailable: the runtime is away" in said
    assert "ok    GET /health" in said
    assert "FAIL  POST /generate, unknown model: status 503, not 404" in said


def test_an_answer_of_another_shape_fails(gateway: Any, capsys: pytest.CaptureFixture[str]) -> None:
    gateway.refusals = {"/v1/models": (200, {"models": []})}
    assert run(gateway) == 2
    assert "FAIL  GET /v1/models: the answer has another shape (KeyError('data'))" in capsys.readouterr().out


def test_a_stream_in_one_piece_fails(gateway: Any) -> None:
    gateway.streamed = gateway.streamed[1:]
    assert run(gateway) == 1


def test_metrics_that_count_nothing_fail(gateway: Any, capsys: pytest.CaptureFixture[str]) -> None:
    gateway.refusals = {"/metrics": (200, b"llm_requests_waiting 0.0\n")}
    assert run(gateway) == 1
    assert "counts no answer" in capsys.readouterr().out


def test_the_exit_status_tells_of_failures(
    gateway: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["smoke", "--url", gateway.url, "--wait", "5"])
    assert smoke.main() == 0
    assert "all 8 checks passed" in capsys.readouterr().out
    gateway.refusals = {"/health": (500, b"")}
    assert smoke.main() == 1
    assert "1 of 8 checks failed" in capsys.readouterr().out
