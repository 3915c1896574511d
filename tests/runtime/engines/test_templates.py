"""The capabilities of a model, from its metadata and chat template."""

from typing import Any

import pytest
from llm_runtime.engines.templates import capabilities_of, fill_tokens

LLAMA = {"general.architecture": "llama"}
FILL = {f"tokenizer.ggml.fim_{part}_token_id": token for part, token in (("pre", 3), ("suf", 4), ("mid", 5))}
OLD_FILL = {
    f"tokenizer.ggml.{part}_token_id": token for part, token in (("prefix", 3), ("suffix", 4), ("middle", 5))
}


@pytest.mark.parametrize(
    ("metadata", "template", "capabilities"),
    [
        ({}, "{{ messages }}", ("completion",)),
        ({}, "{% if tools %}", ("completion", "tools")),
        ({}, "{{ message.tool_calls }}", ("completion", "tools")),
        ({}, "<think>\n</think>", ("completion", "thinking")),
        ({}, "content.split('</think>')[-1]", ("completion", "thinking")),
        ({}, "content.split('</think>')[-1] reasoning_content", ("completion",)),
        ({"llama.pooling_type": 1}, "", ("embedding",)),
        ({"bert.pooling_type": 1}, "", ("completion",)),
        (FILL, "", ("completion", "insert")),
    ],
    ids=str,
)
def test_capabilities_follow_from_metadata_and_template(
    metadata: dict[str, Any], template: str, capabilities: tuple[str, ...]
) -> None:
    assert capabilities_of(LLAMA | metadata, template) == capabilities


@pytest.mark.parametrize("metadata", [FILL, OLD_FILL], ids=str)
def test_all_three_tokens_are_needed_to_fill_a_gap(metadata: dict[str, int]) -> None:
    assert fill_tokens(metadata) == (3, 4, 5)
    for key in metadata:
        assert fill_tokens({name: token for name, token in metadata.items() if name != key}) == ()


def test_pooling_by_setting_adds_embeddings() -> None:
    assert capabilities_of(LLAMA, "", embedding=True) == ("completion", "embedding")
    assert capabilities_of(LLAMA | {"llama.pooling_type": 1}, "", embedding=True) == ("embedding",)
