"""Every field of Ollama's own API has a decision, and what goes out may come in."""

from typing import Any

import ollama._types as official
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_api.dialects import ollama, ollama_fields
from llm_api.dialects.decisions import Documented
from llm_api.dialects.dialect import encode
from llm_api.dialects.ollama_answers import chat_fields
from llm_api.upstream.chunk import Chunk, ToolCall

from tests.api.support.decided import undecided

TEXTS = st.text()
ARGUMENTS = st.dictionaries(TEXTS, st.none() | st.integers() | TEXTS | st.lists(st.none() | TEXTS))
CALLS = st.lists(st.builds(ToolCall, TEXTS, st.text(min_size=1, max_size=99), ARGUMENTS), max_size=3)


@given(st.builds(Chunk, TEXTS, TEXTS, CALLS))
def test_every_message_that_goes_out_may_come_in(chunk: Chunk) -> None:
    message = chat_fields(chunk, 0)["message"]
    undocumented: list[str] = []
    received = ollama_fields.OllamaMessage.model_validate_json(encode(message), context=undocumented)
    assert ollama_fields.declared(received) == message
    assert undocumented == []


@pytest.mark.parametrize(
    ("kind", "documented"),
    [
        (ollama.OllamaChatRequest, official.ChatRequest),
        (ollama.OllamaGenerateRequest, official.GenerateRequest),
        (ollama.OllamaEmbedRequest, official.EmbedRequest),
        (ollama.OllamaEmbeddingsRequest, official.EmbeddingsRequest),
        (ollama_fields.OllamaOptions, official.Options),
        (ollama_fields.OllamaMessage, official.Message),
        (ollama_fields.OllamaTool, official.Tool),
    ],
)
def test_every_field_of_the_official_client_has_a_decision(kind: type[Documented], documented: Any) -> None:
    assert undecided(kind, documented.model_fields) == set()
