"""Gateway and peer get the same requests, and the text in their streams is found."""

import pytest

from bench.targets import beside_peers, platform, text_of, tokens_of

NDJSON = '{"model":"m","response":" words","done":false}\n{"model":"m","response":"","done":true}\n'
CHAT = '{"model":"m","message":{"role":"assistant","content":" words"},"done":false}'
SSE = (
    'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
    'data: {"choices":[{"index":0,"delta":{"content":" words"}}]}\n\n'
    'data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}\n\n'
    'data: {"choices":[],"usage":{"total_tokens":2}}\n\n'
    "data: [DONE]\n\n"
)


@pytest.mark.parametrize("stream", [NDJSON, CHAT, SSE])
def test_a_stream_of_one_token_has_one_in_each_format(stream: str) -> None:
    assert tokens_of(stream) == 1


def test_a_role_without_text_is_not_the_first_token() -> None:
    assert text_of(SSE.splitlines()[0]) == ""
    assert text_of(SSE.splitlines()[2]) == " words"


def test_an_error_in_a_stream_is_not_a_token() -> None:
    with pytest.raises(ValueError, match="the stream has an error"):
        text_of('{"error": {"message": "the runtime failed"}}')


def test_a_line_that_is_neither_ndjson_nor_sse_is_refused() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        text_of("<html>")


def test_runtime_and_gateway_get_the_same_body() -> None:
    direct, gateway = platform("http://runtime", "http://gateway", "m")
    assert direct.body(8, True) == gateway.body(8, True)
    assert direct.body(8, True)["options"] == {"num_predict": 8}
    assert (direct.url, gateway.url) == ("http://runtime/api/generate", "http://gateway/generate")


def test_gateway_and_peer_get_the_same_body_and_the_peer_its_key() -> None:
    names = ("direct", "gateway", "envoy", "litellm")
    targets = beside_peers({name: f"http://{name}" for name in names}, "m", "sk-key")
    direct, floor, gateway, peer = targets
    assert [target.name for target in targets] == ["direct", "envoy", "gateway", "litellm"]
    assert all(target.url.startswith(f"http://{target.name}/") for target in targets)
    assert gateway.body(8, False) == peer.body(8, False)
    assert direct.body(8, False) == floor.body(8, False)
    assert gateway.headers == {}
    assert peer.headers == {"Authorization": "Bearer sk-key"}
