"""Requests for chat completions, as in https://platform.openai.com/docs/api-reference/chat."""

from functools import cached_property
from typing import Annotated, Any, ClassVar

from pydantic import Field

from llm_api.dialects.decisions import ANY_VALUE
from llm_api.dialects.fields import INTEGER, check_prompt
from llm_api.dialects.openai import THINK, Choices, Effort, Tokens
from llm_api.dialects.openai_answers import ChatFormat
from llm_api.dialects.openai_messages import Message, for_ollama, length
from llm_api.dialects.openai_tools import ResponseFormat, ToolChoice, Tools, plan_of
from llm_api.dialects.translate.tools import Plan
from llm_api.settings import Settings
from llm_api.upstream.client import Job


class ChatRequest(Choices):
    """A conversation to continue."""

    messages: list[Message] = Field(min_length=1, max_length=4096, fail_fast=True)
    max_completion_tokens: Tokens | None = Field(None, description="Comes before `max_tokens`.")
    tools: Tools | None = None
    tool_choice: ToolChoice | None = Field(
        None, description="`required` and a function's name constrain what the model can write."
    )
    parallel_tool_calls: bool | None = Field(
        None, description="With `false`, all calls but the first are dropped."
    )
    response_format: ResponseFormat | None = None
    reasoning_effort: Effort | None = Field(None, description="Ollama's `think`; `none` turns thinking off.")
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20), INTEGER] | None = Field(
        None, description="Without effect unless `logprobs` is true."
    )

    NEUTRAL: ClassVar[dict[str, Any]] = Choices.NEUTRAL | {
        "function_call": ("none", "auto"),
        "functions": ([],),
        "metadata": ANY_VALUE,
        "modalities": (["text"],),
        "prediction": ANY_VALUE,
        "prompt_cache_key": ANY_VALUE,
        "prompt_cache_options": ANY_VALUE,
        "prompt_cache_retention": ANY_VALUE,
        "safety_identifier": ANY_VALUE,
        "service_tier": ("auto", "default"),
        "store": (False,),
    }
    REFUSED: ClassVar[dict[str, str]] = Choices.REFUSED | {
        "audio": "answers are text",
        "function_call": "use `tool_choice`",
        "functions": "use `tools`",
        "modalities": "answers are text",
        "moderation": "ask a model for it in a request of its own",
        "service_tier": "there is one tier",
        "store": "the gateway keeps no answers",
        "web_search_options": "offer a tool that searches",
    }
    # OpenAI's clients send it to certain models, unasked.
    IGNORED: ClassVar = {"verbosity": "no model here knows it: ask for it in a message"}

    def job(self, model: str, settings: Settings) -> Job:
        plan, messages = self.plan, list(for_ollama(self.messages))
        check_prompt(length(messages) + plan.length, settings)
        limits = ("max_completion_tokens", "max_tokens")
        payload: dict[str, Any] = {"messages": messages} | self.sampling(settings, *limits)
        plan.apply(payload)
        needs = list(plan.needs)
        if any("images" in message for message in messages):
            needs.append("vision")
        if self.reasoning_effort:
            payload["think"] = THINK[self.reasoning_effort]
            needs += ["thinking"] if payload["think"] else []
        if self.logprobs:
            payload |= {"logprobs": True, "top_logprobs": self.top_logprobs or 0}
        return Job("/api/chat", model, payload, bool(self.stream), tuple(needs), self.n or 1)

    def answer_format(self, request_id: str, model: str) -> ChatFormat:
        return ChatFormat(request_id, model, self.plan, self.n or 1, include_usage=self.includes_usage)

    @cached_property
    def plan(self) -> Plan:
        """How the model is asked. Raises InvalidRequestError if the choice of a tool is impossible."""
        return plan_of(
            self.tools or (),
            self.tool_choice,
            self.response_format,
            parallel=self.parallel_tool_calls is not False,
        )
