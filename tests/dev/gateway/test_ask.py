"""`ask` streams an answer; if there is none, it says why and what to do."""

import socket
from typing import Any

import pytest

from dev.gateway import client
from tests.dev.fake_gateway import DONE, FakeGateway


def test_the_answer_goes_to_stdout_and_its_statistics_to_stderr(dev: Any, gateway: FakeGateway) -> None:
    status, out, err = dev("ask", "Say hello.", "--url", gateway.url)
    assert (status, out) == (0, "Hello\n")
    assert err == "[tiny: 10 tokens, first after 0.10 s, 20 tokens/s]\n"
    assert gateway.asked == [{"prompt": "Say hello.", "stream": True}]


def test_options_and_the_key_reach_the_gateway(
    dev: Any, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_API_KEY", "secret")
    dev("ask", "Hi", "--url", gateway.url, "--model", "tiny", "--system", "Be brief.", "--max-tokens", "5")
    assert gateway.keys == ["Bearer secret"]
    assert gateway.asked[0] == {
        "prompt": "Hi",
        "model": "tiny",
        "system": "Be brief.",
        "options": {"num_predict": 5},
        "stream": True,
    }


def test_every_option_can_come_from_the_environment(
    dev: Any, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"PROMPT": "From make", "LLM_URL": gateway.url, "MODEL": "tiny", "SYSTEM": "Be brief."}
    for name, value in {**given, "MAX_TOKENS": "5"}.items():
        monkeypatch.setenv(name, value)
    assert dev("ask")[0] == 0
    assert dev("ask", "From the command line")[0] == 0
    assert [asked["prompt"] for asked in gateway.asked] == ["From make", "From the command line"]
    assert gateway.asked[0]["options"] == {"num_predict": 5}


def test_a_prompt_of_other_bytes_than_text_reaches_the_gateway(
    dev: Any, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPT", "caf\udce9")  # latin-1's byte for an e with an acute accent
    assert dev("ask", "--url", gateway.url)[0] == 0
    assert gateway.asked[0]["prompt"] == "caf\udce9"


def test_no_prompt_is_a_usage_error(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMPT", raising=False)
    status, _, err = dev("ask")
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
def test_a_refusal_is_reported_with_its_fix(
    dev: Any, gateway: FakeGateway, status: int, kind: str, fix: str
) -> None:
    gateway.refusals["/generate"] = (status, {"error": {"type": kind, "message": "because"}})
    code, out, err = dev("ask", "Hi", "--url", gateway.url)
    assert (code, out) == (1, "")
    assert f"error: the gateway answered {status} {kind}: because\n  fix: " in err
    assert fix in err


def test_an_error_inside_the_stream_is_an_error(dev: Any, gateway: FakeGateway) -> None:
    gateway.streamed = [{"response": "Hel", "done": False}, {"error": {"type": "runtime", "message": "gone"}}]
    status, out, err = dev("ask", "Hi", "--url", gateway.url)
    assert (status, out) == (1, "Hel")
    assert "gone" in err


def test_a_stream_that_ends_early_is_an_error(dev: Any, gateway: FakeGateway) -> None:
    gateway.streamed = gateway.streamed[:1]
    status, _, err = dev("ask", "Hi", "--url", gateway.url)
    assert status == 1
    assert "ended before the answer did" in err


def test_separators_that_only_unicode_calls_line_ends_stay_in_the_answer(
    dev: Any, gateway: FakeGateway
) -> None:
    gateway.streamed = [{"response": "one\u2028two\u0085three"}, DONE]
    assert dev("ask", "Hi", "--url", gateway.url)[:2] == (0, "one\u2028two\u0085three\n")


def test_an_address_where_nothing_listens_says_how_to_start(dev: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        status, _, err = dev("ask", "Hi", "--url", f"http://127.0.0.1:{unused.getsockname()[1]}")
    assert status == 1
    assert "nothing listens at" in err
    assert "make up" in err


@pytest.mark.parametrize("url", ["localhost:8000", "http://no such host", "nonsense", "http://[::1"])
def test_an_invalid_address_is_an_error(dev: Any, url: str) -> None:
    status, _, err = dev("ask", "Hi", "--url", url)
    assert status == 1
    assert "check the address" in err


def test_a_gateway_elsewhere_is_reached_through_the_proxy_of_the_environment(
    dev: Any, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.refusals["http://llm.example/generate"] = (200, DONE)
    monkeypatch.setenv("HTTP_PROXY", gateway.url)
    assert dev("ask", "Hi", "--url", "http://llm.example")[0] == 0


@pytest.mark.parametrize(
    ("variable", "value", "fix"),
    [
        ("HTTP_PROXY", "http://127.0.0.1:9", "check the proxy"),
        ("HTTP_PROXY", "gopher://127.0.0.1:9", "check HTTP_PROXY"),
        ("SSL_CERT_FILE", "/no/such/file.pem", "SSL_CERT_FILE"),
    ],
)
def test_a_proxy_or_certificate_that_does_not_serve_is_named(
    dev: Any, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, fix: str
) -> None:
    monkeypatch.setenv(variable, value)
    status, _, err = dev("ask", "Hi", "--url", "http://llm.example")
    assert status == 1
    assert fix in err


def test_an_error_in_another_format_is_shown_as_it_came() -> None:
    error = client.refusal(502, b"<html>Bad gateway</html>")
    assert str(error) == "the gateway answered 502 unknown: <html>Bad gateway</html>"


def test_the_default_address_follows_the_port_and_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLM_URL", raising=False)
    monkeypatch.setenv("API_PORT", "8123")
    assert client.default_url() == "http://localhost:8123"
    monkeypatch.setenv("LLM_URL", "http://elsewhere:1")
    assert client.default_url() == "http://elsewhere:1"
