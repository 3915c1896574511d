"""Every field that the official client documents for chat completions has a decision."""

from typing import Any, get_type_hints

import pytest
from llm_api.dialects import openai, openai_messages, openai_tools
from llm_api.dialects.openai_chat import ChatRequest
from openai.types import chat, shared_params
from openai.types.chat import completion_create_params
from openai.types.shared_params import response_format_json_schema

from tests.api.support.decided import undecided


@pytest.mark.parametrize(
    ("kind", "documented"),
    [
        (ChatRequest, completion_create_params.CompletionCreateParamsStreaming),
        (openai.StreamOptions, chat.ChatCompletionStreamOptionsParam),
        (openai_messages.SystemMessage, chat.ChatCompletionSystemMessageParam),
        (openai_messages.SystemMessage, chat.ChatCompletionDeveloperMessageParam),
        (openai_messages.UserMessage, chat.ChatCompletionUserMessageParam),
        (openai_messages.AssistantMessage, chat.ChatCompletionAssistantMessageParam),
        (openai_messages.ToolMessage, chat.ChatCompletionToolMessageParam),
        (openai_messages.FunctionMessage, chat.ChatCompletionFunctionMessageParam),
        (openai_messages.TextPart, chat.ChatCompletionContentPartTextParam),
        (openai_messages.RefusalPart, chat.ChatCompletionContentPartRefusalParam),
        (openai_messages.ImagePart, chat.ChatCompletionContentPartImageParam),
        (openai_messages.ImageURL, chat.chat_completion_content_part_image_param.ImageURL),
        (openai_messages.OtherPart, chat.ChatCompletionContentPartInputAudioParam),
        (openai_messages.ToolCall, chat.ChatCompletionMessageFunctionToolCallParam),
        (openai_messages.CustomToolCall, chat.ChatCompletionMessageCustomToolCallParam),
        (openai_tools.FunctionTool, chat.ChatCompletionFunctionToolParam),
        (openai_tools.Function, shared_params.FunctionDefinition),
        (openai_tools.Custom, chat.ChatCompletionCustomToolParam),
        (openai_tools.FunctionChoice, chat.ChatCompletionNamedToolChoiceParam),
        (openai_tools.AllowedChoice, chat.ChatCompletionAllowedToolChoiceParam),
        (openai_tools.AllowedTools, chat.ChatCompletionAllowedToolsParam),
        (openai_tools.SchemaFormat, shared_params.ResponseFormatJSONSchema),
        (openai_tools.Schema, response_format_json_schema.JSONSchema),
    ],
)
def test_every_documented_field_has_a_decision(kind: Any, documented: Any) -> None:
    assert undecided(kind, get_type_hints(documented)) == set()


def test_every_field_of_an_answers_message_has_a_decision_as_input() -> None:
    documented = chat.ChatCompletionMessage.model_fields
    assert undecided(openai_messages.AssistantMessage, documented) == set()
