"""`make ask` streams an answer, and every way to have none says why and what to do."""

import socket
from typing import Any

import pytest

from dev.gateway import ask, client


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run ask with arguments; (exit status, standard output, standard error)."""

    def _run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["ask", *arguments])
        status = ask.main()
        said = capsys.readouterr()
        return status, said.out, said.err

    return _run


def test_the_answer_is_printed_and_a_line_about_it(run: Any, gateway: Any) -> None:
    status, out, err = run("Say hello.", "--url", gateway.url)
    assert (status, out) == (0, "Hello\n")
    assert err == "[tiny: 10 tokens, first after 0.10 s, 20 tokens/s]\n"
    assert gateway.asked == [{"prompt": "Say hello.", "stream": True}]


def test_options_and_the_key_reach_the_gateway(
    run: Any, gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_API_KEY", "secret")
    run("Hi", "--url", gateway.url, "--model", "tiny", "--system", "Be brief.", "--tokens", "5")
    assert gateway.keys == ["Bearer secret"]
    assert gateway.asked[0] == {
        "prompt": "Hi",
        "model": "tiny",
        "system": "Be brief.",
        "options": {"num_predict": 5},
        "stream": True,
    }


def test_the_prompt_can_come_from_the_environment(
    run: Any, gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPT", "From make")
    run("--url", gateway.url)
    assert gateway.asked[0]["prompt"] == "From make"


def test_no_prompt_is_a_usage_error(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMPT", raising=False)
    status, _, err = run()
    assert status == 2
    assert "make ask PROMPT=" in err


@pytest.mark.parametrize(
    ("status", "kind", "fix"),
    [
        (401, "invalid_api_key", "LLM_API_KEY"),
        (404, "model_not_found", "/v1/models"),
        (503, "overloaded", "busy"),
    ],
)
def test_a_refusal_is_said_with_its_fix(run: Any, gateway: Any, status: int, kind: str, fix: str) -> None:
    gateway.refusals["/generate"] = (status, {"error": {"type": kind, "message": "because"}})
    code, out, err = run("Hi", "--url", gateway.url)
    assert (code, out) == (1, "")
    assert f"the gateway says {status} {kind}: because" in err
    assert fix in err


def test_an_error_inside_the_stream_is_no_answer(run: Any, gateway: Any) -> None:
    gateway.streamed = [{"response": "Hel", "done": False}, {"error": {"type": "runtime", "message": "gone"}}]
    status, out, err = run("Hi", "--url", gateway.url)
    assert (status, out) == (1, "Hel")
    assert "gone" in err


def test_a_stream_that_breaks_off_is_no_answer(run: Any, gateway: Any) -> None:
    gateway.streamed = gateway.streamed[:1]
    status, _, err = run("Hi", "--url", gateway.url)
    assert status == 1
    assert "ended before the answer did" in err


def test_an_address_where_nothing_listens_says_how_to_start(run: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        status, _, err = run("Hi", "--url", f"http://127.0.0.1:{unused.getsockname()[1]}")
    assert status == 1
    assert "nothing listens at" in err
    assert "make up" in err


@pytest.mark.parametrize("url", ["localhost:8000", "http://no such host", "nonsense"])
def test_an_address_that_is_none_is_said(run: Any, url: str) -> None:
    status, _, err = run("Hi", "--url", url)
    assert status == 1
    assert "check the address" in err


def test_an_error_of_a_foreign_shape_is_shown_as_it_came() -> None:
    error = client.refusal(502, b"<html>Bad gateway</html>")
    assert str(error) == "the gateway says 502 unknown: <html>Bad gateway</html>"


def test_the_default_address_follows_the_port_and_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLM_URL", raising=False)
    monkeypatch.setenv("API_PORT", "8123")
    assert client.default_url() == "http://localhost:8123"
    monkeypatch.setenv("LLM_URL", "http://elsewhere:1")
    assert client.default_url() == "http://elsewhere:1"
