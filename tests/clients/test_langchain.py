"""LangChain's chat models of three vendors, and its embeddings."""

from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_ollama import ChatOllama, OllamaEmbeddings
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from tests.clients.platform import (
    ASK_WEATHER,
    CHAT,
    EMBEDDINGS,
    HELLO,
    MESSAGES,
    MODEL,
    OLLAMA_CHAT,
    OLLAMA_EMBED,
    PIXEL,
    RESPONSES,
    City,
    closes_no_connections,
    get_weather,
    proves,
)


def anthropic(**given: Any) -> BaseChatModel:
    make: Any = ChatAnthropic  # its types demand what its code does not
    model: BaseChatModel = make(model=MODEL, max_retries=0, **given)
    return model


pytestmark = closes_no_connections
MODELS: dict[tuple[str, str], Callable[[], BaseChatModel]] = {
    ("langchain-openai", CHAT): lambda: ChatOpenAI(model=MODEL, max_retries=0),
    ("langchain-openai", RESPONSES): lambda: ChatOpenAI(model=MODEL, max_retries=0, use_responses_api=True),
    ("langchain-anthropic", MESSAGES): anthropic,
    ("langchain-ollama", OLLAMA_CHAT): lambda: ChatOllama(model=MODEL),
}


def each_model(*features: str) -> pytest.MarkDecorator:
    """Run a test with each chat model, which proves these features."""
    return pytest.mark.parametrize(
        "model",
        [
            pytest.param(make, id=f"{package}-{api}", marks=proves(package, api, *features))
            for (package, api), make in MODELS.items()
        ],
    )


@each_model("text", "conversation")
def test_an_answer_is_appended_and_the_model_asked_again(model: Callable[[], BaseChatModel]) -> None:
    greeting = HumanMessage(HELLO)
    answer = model().invoke([greeting])
    assert answer.text
    assert answer.usage_metadata
    assert answer.usage_metadata["output_tokens"] > 0
    assert model().invoke([greeting, answer, HumanMessage(ASK_WEATHER)]).text


@each_model("stream", "conversation")
def test_a_stream_says_the_same_and_may_be_sent_back(model: Callable[[], BaseChatModel]) -> None:
    greeting = HumanMessage(HELLO)
    first, *chunks = model().stream([greeting])
    answer: Any = sum(chunks, first)
    assert answer.text == model().invoke([greeting]).text != ""
    assert model().invoke([greeting, answer, greeting]).text


@each_model("tools")
def test_an_agent_calls_a_tool_and_answers(model: Callable[[], BaseChatModel]) -> None:
    agent: Any = create_agent(model(), [get_weather])
    _, call, result, answer = agent.invoke({"messages": [HumanMessage(ASK_WEATHER)]})["messages"]
    assert [made["name"] for made in call.tool_calls] == ["get_weather"]
    assert result.content.startswith("Rain in ")
    assert isinstance(answer, AIMessage)
    assert answer.text


@each_model("tools", "stream")
@pytest.mark.asyncio(loop_scope="module")  # the models share connections
async def test_an_agent_streams(model: Callable[[], BaseChatModel]) -> None:
    agent: Any = create_agent(model(), [get_weather])
    given = {"messages": [HumanMessage(ASK_WEATHER)]}
    pieces = [piece async for piece, _ in agent.astream(given, stream_mode="messages")]
    assert any(piece.type == "tool" for piece in pieces)
    assert "".join(piece.text for piece in pieces if piece.type == "AIMessageChunk")


@each_model("structured output")
def test_an_answer_is_parsed_into_a_class(model: Callable[[], BaseChatModel]) -> None:
    assert isinstance(model().with_structured_output(City).invoke(HELLO), City)


@each_model("images")
def test_an_image_is_accepted(model: Callable[[], BaseChatModel]) -> None:
    image = {"type": "image", "base64": PIXEL, "mime_type": "image/png"}
    assert model().invoke([HumanMessage([{"type": "text", "text": HELLO}, image])]).text


@proves("langchain-anthropic", MESSAGES, "thinking")
def test_anthropics_thinking_is_a_block_of_reasoning() -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    answer = anthropic(max_tokens=2000, thinking=thinking).invoke(HELLO)
    assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text"]


@proves("langchain-openai", RESPONSES, "thinking")
@pytest.mark.parametrize("streaming", [False, True])
def test_the_thinking_of_responses_is_a_block_of_reasoning(streaming: bool) -> None:
    reasoning = {"effort": "low", "summary": "auto"}
    answer = ChatOpenAI(model=MODEL, max_retries=0, streaming=streaming, reasoning=reasoning).invoke(HELLO)
    assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text"]
    assert answer.content_blocks[0].get("reasoning")


@proves("langchain-ollama", OLLAMA_CHAT, "thinking")
def test_ollamas_thinking_is_a_block_of_reasoning() -> None:
    answer = ChatOllama(model=MODEL, reasoning=True).invoke(HELLO)
    assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text"]


@pytest.mark.parametrize(
    "model",
    [
        # Without check_embedding_ctx_length, it would send the tokens of OpenAI's own models.
        pytest.param(
            lambda: OpenAIEmbeddings(model=MODEL, check_embedding_ctx_length=False),
            id="langchain-openai",
            marks=proves("langchain-openai", EMBEDDINGS, "embeddings"),
        ),
        pytest.param(
            lambda: OllamaEmbeddings(model=MODEL),
            id="langchain-ollama",
            marks=proves("langchain-ollama", OLLAMA_EMBED, "embeddings"),
        ),
    ],
)
def test_texts_are_embedded(model: Callable[[], Embeddings]) -> None:
    one, two = model().embed_documents(["one", "two"])
    assert len(one) == len(two)
    assert one == pytest.approx(model().embed_query("one"), abs=1e-6)
