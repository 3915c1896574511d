"""Requests as Ollama reads them."""

import pytest
from llm_runtime.schemas import GenerateRequest


def test_options_are_read_as_ollama_reads_them() -> None:
    request = GenerateRequest.model_validate_json(
        '{"options": {"num_predict": 3.9, "seed": null, "temperature": 1}}'
    )
    assert request.options is not None
    assert (request.options.num_predict, request.options.seed, request.options.temperature) == (3, -1, 1.0)


@pytest.mark.parametrize(("given", "unloads"), [("0", True), ('"0m"', True), ("-1", False), ('"5m"', False)])
def test_a_keep_alive_of_zero_unloads_the_model(given: str, unloads: bool) -> None:
    assert GenerateRequest.model_validate_json(f'{{"keep_alive": {given}}}').unloads is unloads
