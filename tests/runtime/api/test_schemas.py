"""Requests as Ollama reads them."""

import pytest
from llm_runtime.api.schemas import GenerateRequest
from llm_runtime.names import is_name, same_model


def test_options_are_read_as_ollama_reads_them() -> None:
    wish = GenerateRequest.model_validate_json(
        '{"options": {"num_predict": 3.9, "seed": null, "temperature": 1}}'
    )
    assert wish.options is not None
    assert (wish.options.num_predict, wish.options.seed, wish.options.temperature) == (3, -1, 1.0)


@pytest.mark.parametrize(("given", "unloads"), [("0", True), ('"0m"', True), ("-1", False), ('"5m"', False)])
def test_a_keep_alive_of_nothing_unloads_the_model(given: str, unloads: bool) -> None:
    assert GenerateRequest.model_validate_json(f'{{"keep_alive": {given}}}').unloads is unloads


def test_a_name_may_have_a_host_a_namespace_and_a_tag() -> None:
    for name in ("x", "_x:1b", "me/x", "http://mirror:5000/library/x:1b", "registry.ollama.ai/library/x"):
        assert is_name(name)
    assert not is_name("host.example/x")
    assert same_model(" registry.ollama.ai/library/X ", "x:latest")
