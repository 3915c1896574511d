"""Every field that the official client documents for responses has a decision."""

from typing import Any, get_args, get_type_hints

import pytest
from llm_api.dialects import openai_messages, openai_responses, openai_responses_items, openai_responses_tools
from llm_api.dialects.decisions import Documented
from openai.types import responses, shared_params
from openai.types.responses import response_create_params, response_input_item_param

from tests.api.support.decided import undecided


@pytest.mark.parametrize(
    ("kind", "documented"),
    [
        (openai_responses.ResponsesRequest, response_create_params.ResponseCreateParamsStreaming),
        (openai_responses.StreamOptions, response_create_params.StreamOptions),
        (openai_responses.ReasoningOptions, shared_params.Reasoning),
        (openai_responses_tools.TextOptions, responses.ResponseTextConfigParam),
        (openai_responses_tools.SchemaFormat, responses.ResponseFormatTextJSONSchemaConfigParam),
        (openai_responses_tools.FunctionTool, responses.FunctionToolParam),
        (openai_responses_tools.FunctionChoice, responses.ToolChoiceFunctionParam),
        (openai_responses_tools.AllowedChoice, responses.ToolChoiceAllowedParam),
        (openai_responses_items.Message, responses.EasyInputMessageParam),
        (openai_responses_items.Message, response_input_item_param.Message),
        (openai_responses_items.Message, responses.ResponseOutputMessageParam),
        (openai_responses_items.FunctionCall, responses.ResponseFunctionToolCallParam),
        (openai_responses_items.FunctionCallOutput, response_input_item_param.FunctionCallOutput),
        (openai_responses_items.Reasoning, responses.ResponseReasoningItemParam),
        (openai_responses_items.TextPart, responses.ResponseInputTextParam),
        (openai_responses_items.TextPart, responses.ResponseOutputTextParam),
        (openai_responses_items.ImagePart, responses.ResponseInputImageParam),
        (openai_messages.RefusalPart, responses.ResponseOutputRefusalParam),
    ],
)
def test_every_documented_field_has_a_decision(kind: Any, documented: Any) -> None:
    assert undecided(kind, get_type_hints(documented)) == set()


@pytest.mark.parametrize(
    ("union", "documented"),
    [
        (openai_responses_items.Item, responses.ResponseInputItemParam),
        (openai_responses_items.Part, responses.ResponseInputContentParam),
        (openai_responses_tools.AnyTool, responses.ToolParam),
        (openai_responses_tools.ToolChoice, response_create_params.ToolChoice),
    ],
)
def test_every_documented_type_has_a_decision(union: Any, documented: Any) -> None:
    types = {name for kind in objects(union) for name in get_args(kind.model_fields["type"].annotation)}
    wanted = {
        name
        for kind in get_args(documented)
        if isinstance(kind, type)
        for name in strings(get_type_hints(kind)["type"])
    }
    assert wanted - types == set()


def test_what_may_be_included_is_what_the_client_documents() -> None:
    assert set(strings(openai_responses.Included)) == set(strings(responses.ResponseIncludable))


def objects(annotation: Any) -> list[type[Documented]]:
    if isinstance(annotation, type) and issubclass(annotation, Documented):
        return [annotation]
    return [kind for inner in get_args(annotation) for kind in objects(inner)]


def strings(annotation: Any) -> list[str]:
    """Return the strings in a literal, optional or not."""
    if isinstance(annotation, str):
        return [annotation]
    return [name for inner in get_args(annotation) for name in strings(inner)]
