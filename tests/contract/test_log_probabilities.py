"""Log probabilities come with the tokens of an answer, if a request asks for them."""

import httpx
import pytest

from tests.contract.support import Json, each_route, lines, plain, text_of


@each_route
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("count", [0, 3])
def test_log_probabilities_come_with_their_tokens(
    http: httpx.Client, body: Json, route: str, question: Json, stream: bool, count: int
) -> None:
    request = body | question | {"logprobs": True, "top_logprobs": count}
    answers = lines(http, route, request) if stream else [plain(http, route, request)]
    entries = [entry for answer in answers for entry in answer.get("logprobs", [])]
    text = "".join(map(text_of, answers))
    assert "".join(entry["token"] for entry in entries).strip() == text.strip()
    assert all(entry["logprob"] <= 0 for entry in entries)
    assert all(bytes(entry["bytes"]).decode() == entry["token"] for entry in entries)
    assert all(len(entry.get("top_logprobs", [])) == count for entry in entries)


@each_route
@pytest.mark.parametrize("count", [-1, 21])
def test_a_number_of_alternatives_out_of_range_is_refused(
    http: httpx.Client, body: Json, route: str, question: Json, count: int
) -> None:
    response = http.post(route, json=body | question | {"logprobs": True, "top_logprobs": count})
    assert response.status_code == 400
    assert "top_logprobs" in response.json()["error"]
