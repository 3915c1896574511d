"""pydantic-ai's agents, on the models of two vendors, and its embedder."""

from collections.abc import Callable

import pytest
from pydantic_ai import Agent, BinaryContent, Embedder, NativeOutput
from pydantic_ai.messages import ThinkingPart, ToolReturnPart
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel

from tests.clients.platform import (
    ASK_WEATHER,
    CHAT,
    EMBEDDINGS,
    HELLO,
    MESSAGES,
    MODEL,
    PIXEL,
    RESPONSES,
    City,
    closes_no_connections,
    get_weather,
    proves,
)

CLIENT = "pydantic-ai-slim"
MODELS: dict[str, Callable[[str], Model]] = {
    CHAT: OpenAIChatModel,
    RESPONSES: OpenAIResponsesModel,
    MESSAGES: AnthropicModel,
}
pytestmark = [pytest.mark.asyncio(loop_scope="module"), *closes_no_connections]  # models share connections


def each_model(*features: str) -> pytest.MarkDecorator:
    """Run a test with each model, which proves these features."""
    return pytest.mark.parametrize(
        "make",
        [pytest.param(make, id=api, marks=proves(CLIENT, api, *features)) for api, make in MODELS.items()],
    )


@each_model("text", "conversation")
async def test_an_answer_is_part_of_the_next_request(make: Callable[[str], Model]) -> None:
    agent = Agent(make(MODEL), instructions="Be brief.")
    first = await agent.run(HELLO)
    assert first.output
    assert first.usage.output_tokens > 0
    assert (await agent.run(ASK_WEATHER, message_history=first.all_messages())).output


@each_model("stream", "conversation")
async def test_a_streamed_answer_is_part_of_the_next_request(make: Callable[[str], Model]) -> None:
    agent = Agent(make(MODEL))
    async with agent.run_stream(HELLO) as stream:
        text = "".join([piece async for piece in stream.stream_text(delta=True)])
    assert text == (await agent.run(HELLO)).output != ""
    assert (await agent.run(HELLO, message_history=stream.all_messages())).output


@each_model("tools")
@pytest.mark.parametrize("streamed", [False, True])
async def test_an_agent_calls_a_tool_and_answers(make: Callable[[str], Model], streamed: bool) -> None:
    agent = Agent(make(MODEL), tools=[get_weather])
    if streamed:
        async with agent.run_stream(ASK_WEATHER) as stream:
            output, messages = await stream.get_output(), stream.all_messages()
    else:
        result = await agent.run(ASK_WEATHER)
        output, messages = result.output, result.all_messages()
    results = [part for message in messages for part in message.parts if isinstance(part, ToolReturnPart)]
    assert [part.tool_name for part in results] == ["get_weather"]
    assert output


@each_model("structured output")
async def test_an_agent_returns_an_object_by_calling_a_tool(make: Callable[[str], Model]) -> None:
    assert isinstance((await Agent(make(MODEL), output_type=City).run(HELLO)).output, City)


@each_model("structured output")
@pytest.mark.parametrize("streamed", [False, True])
async def test_an_agent_returns_an_object_by_the_apis_own_format(
    make: Callable[[str], Model], streamed: bool
) -> None:
    # It knows by their names which of Anthropic's models can.
    model = make("claude-opus-4-8" if make is AnthropicModel else MODEL)
    agent = Agent(model, output_type=NativeOutput(City))
    if streamed:
        async with agent.run_stream(HELLO) as stream:
            assert isinstance(await stream.get_output(), City)
    else:
        assert isinstance((await agent.run(HELLO)).output, City)


@each_model("thinking")
async def test_thinking_is_a_part_of_its_own(make: Callable[[str], Model]) -> None:
    result = await Agent(make(MODEL)).run(HELLO, model_settings={"thinking": True, "max_tokens": 4096})
    parts = [part for message in result.all_messages() for part in message.parts]
    assert [part.content for part in parts if isinstance(part, ThinkingPart)] != []
    assert result.output


@each_model("images")
async def test_an_image_is_accepted(make: Callable[[str], Model]) -> None:
    image = BinaryContent.from_data_uri(f"data:image/png;base64,{PIXEL}")
    assert (await Agent(make(MODEL)).run([HELLO, image])).output


@proves(CLIENT, EMBEDDINGS, "embeddings")
async def test_texts_are_embedded() -> None:
    embedded = await Embedder(f"openai:{MODEL}").embed_documents(["one", "two"])
    assert len(embedded.embeddings) == 2
