"""OpenAI's responses, without state: https://platform.openai.com/docs/api-reference/responses/create."""

from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from llm_api.dialects.decisions import ANY_VALUE, Documented
from llm_api.dialects.fields import INTEGER, Tokens, check_prompt
from llm_api.dialects.openai import THINK, Effort, Sampling
from llm_api.dialects.openai_messages import length
from llm_api.dialects.openai_responses_answers import ResponseFormat
from llm_api.dialects.openai_responses_items import Item, for_ollama
from llm_api.dialects.openai_responses_output import Items
from llm_api.dialects.openai_responses_tools import (
    FunctionTool,
    TextOptions,
    ToolChoice,
    Tools,
    plan_of,
)
from llm_api.dialects.translate.output import Output
from llm_api.dialects.translate.tools import Plan
from llm_api.settings import Settings
from llm_api.upstream.client import Job

STATELESS = "the gateway stores nothing: send the whole conversation in `input`"
LOGPROBS, ENCRYPTED = "message.output_text.logprobs", "reasoning.encrypted_content"
Included = Literal[
    "message.output_text.logprobs",
    "reasoning.encrypted_content",
    # What belongs to items that there never are, or to input that is stored.
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "file_search_call.results",
    "message.input_image.image_url",
    "web_search_call.action.sources",
    "web_search_call.results",
]


class StreamOptions(Documented):
    NEUTRAL: ClassVar = {"include_obfuscation": (False,)}
    REFUSED: ClassVar = {"include_obfuscation": "events come as they are"}


class ReasoningOptions(Documented):
    effort: Effort | None = Field(None, description="Ollama's `think`; `none` turns thinking off.")
    summary: Literal["auto", "concise", "detailed"] | None = Field(
        None, description="Thinking comes as the summary, whole, with any of these and without."
    )
    NEUTRAL: ClassVar = {
        "context": ("auto", "all_turns"),
        "mode": ("standard",),
    }
    REFUSED: ClassVar = {
        "context": "leave earlier reasoning out of `input`",
        "generate_summary": "use `summary`",
        "mode": "use `effort`",
    }


class ResponsesRequest(Sampling):
    """A conversation to continue."""

    input: Annotated[list[Item], Field(min_length=1, max_length=4096, fail_fast=True)] | str
    instructions: str | None = None
    max_output_tokens: Tokens | None = None
    tools: Tools | None = None
    tool_choice: ToolChoice | None = Field(
        None, description="`required` and a function's name constrain what the model can write."
    )
    parallel_tool_calls: bool | None = Field(
        None, description="With `false`, all calls but the first are dropped."
    )
    text: TextOptions | None = None
    reasoning: ReasoningOptions | None = None
    include: list[Included] | None = Field(
        None, description="Log probabilities, and `encrypted_content` of the thinking: its text, unencrypted."
    )
    top_logprobs: Annotated[int, Field(ge=0, le=20), INTEGER] | None = Field(
        None, description="Without effect unless `include` asks for them."
    )
    truncation: Literal["auto", "disabled"] | None = Field(
        None, description="`auto` drops the oldest messages of a conversation that is too long."
    )
    metadata: Annotated[dict[str, str], Field(max_length=16)] | None = Field(None, description="Sent back.")
    stream_options: StreamOptions | None = None

    NEUTRAL: ClassVar[dict[str, Any]] = {
        "background": (False,),
        "context_management": ([],),
        "image": ({"context_compression": "auto"}, {"context_compression": "disabled"}),
        "max_tool_calls": ANY_VALUE,  # of tools that OpenAI runs
        "prompt_cache_key": ANY_VALUE,
        "prompt_cache_options": ANY_VALUE,
        "prompt_cache_retention": ANY_VALUE,
        "safety_identifier": ANY_VALUE,
        "service_tier": ("auto", "default"),
        "store": (True, False),
        "user": ANY_VALUE,
    }
    REFUSED: ClassVar[dict[str, str]] = {
        "access_programs": "there are none",
        "background": "send `stream: true`, and read while the model writes",
        "background_options": "there are no responses in the background",
        "context_management": "send `truncation: auto`, or a shorter `input`",
        "conversation": STATELESS,
        "image": "the model is given images as they are",
        "moderation": "ask a model for it in a request of its own",
        "previous_response_id": STATELESS,
        "prompt": "send its text as `instructions`",
        "service_tier": "there is one tier",
        "store": "nothing is stored in either case; the response has `store: false`",
    }

    def job(self, model: str, settings: Settings) -> Job:
        messages = [{"role": "system", "content": self.instructions}] if self.instructions else []
        said = self.input
        messages += [{"role": "user", "content": said}] if isinstance(said, str) else for_ollama(said)
        check_prompt(length(messages) + self.plan.length, settings)
        payload: dict[str, Any] = {"messages": messages} | self.sampling(settings, "max_output_tokens")
        # What the API says that these are, if the request does not.
        payload["options"] = {"temperature": 1.0, "top_p": 1.0} | payload["options"]
        payload["truncate"] = self.truncation == "auto"
        self.plan.apply(payload)
        needs = list(self.plan.needs)
        if any("images" in message for message in messages):
            needs.append("vision")
        if self.reasoning and self.reasoning.effort:
            payload["think"] = THINK[self.reasoning.effort]
            needs += ["thinking"] if payload["think"] else []
        if LOGPROBS in (self.include or ()):
            payload |= {"logprobs": True, "top_logprobs": self.top_logprobs or 0}
        return Job("/api/chat", model, payload, bool(self.stream), tuple(needs))

    def answer_format(self, request_id: str, model: str) -> ResponseFormat:
        items = Items(Output(self.plan), encrypted=ENCRYPTED in (self.include or ()))
        return ResponseFormat(request_id, self._echo(model), items)

    @cached_property
    def plan(self) -> Plan:
        """How the model is asked. Raises InvalidRequestError if the choice of a tool is impossible."""
        parallel = self.parallel_tool_calls is not False
        return plan_of(self.tools or (), self.tool_choice, self.text, parallel=parallel)

    def _echo(self, model: str) -> dict[str, Any]:
        """Return the fields of the response that repeat the request."""
        choice, text, reasoning = self.tool_choice or "auto", self.text, self.reasoning
        given_format = text.format if text else None
        return {
            "model": model,
            "instructions": self.instructions,
            "max_output_tokens": self.max_output_tokens,
            "metadata": self.metadata or {},
            "parallel_tool_calls": self.parallel_tool_calls is not False,
            "reasoning": {
                "effort": reasoning and reasoning.effort,
                "summary": reasoning and reasoning.summary,
            },
            "temperature": 1.0 if self.temperature is None else self.temperature,
            "top_p": 1.0 if self.top_p is None else self.top_p,
            "presence_penalty": self.presence_penalty or 0.0,
            "frequency_penalty": self.frequency_penalty or 0.0,
            "text": {
                "format": given_format.model_dump(by_alias=True) if given_format else {"type": "text"},
                "verbosity": "medium",
            },
            "tool_choice": choice if isinstance(choice, str) else choice.model_dump(),
            "tools": [tool.echo() for tool in self.tools or () if isinstance(tool, FunctionTool)],
            "top_logprobs": self.top_logprobs or 0,
            "truncation": self.truncation or "disabled",
        }
