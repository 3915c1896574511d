"""Anthropic's Messages API: https://platform.claude.com/docs/en/api/messages."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from llm_api.dialects.anthropic_answers import CountFormat, MessageFormat
from llm_api.dialects.anthropic_blocks import Message, TextBlock, length, translate
from llm_api.dialects.anthropic_fields import (
    AnyTool,
    AnyToolChoice,
    NamedToolChoice,
    OutputConfig,
    Thinking,
    Tool,
)
from llm_api.dialects.decisions import ANY_VALUE, Documented
from llm_api.dialects.fields import (
    INTEGER,
    Probability,
    Stops,
    Temperature,
    Tokens,
    check_prompt,
    runtime_options,
)
from llm_api.dialects.translate import tools as planning
from llm_api.errors import InvalidRequestError
from llm_api.settings import Settings
from llm_api.upstream.client import Job


class Prompt(Documented):
    """What the model is given: the fields that both routes have."""

    NEUTRAL: ClassVar = {
        "cache_control": ANY_VALUE,
        "speed": ("standard",),
        # The SDKs take these two as arguments, and send them as headers, which are ignored.
        "user_profile_id": ANY_VALUE,
        "workspace_id": ANY_VALUE,
    }
    REFUSED: ClassVar = {"speed": "there is one speed"}

    model: str = Field(min_length=1, max_length=256)
    messages: Annotated[list[Message], Field(min_length=1, max_length=100_000, fail_fast=True)]
    system: str | Annotated[list[TextBlock], Field(max_length=1024, fail_fast=True)] | None = None
    tools: Annotated[list[AnyTool], Field(max_length=1024, fail_fast=True)] | None = None
    tool_choice: AnyToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None

    def plan(self) -> planning.Plan:
        """Return how to offer the tools.

        Raises:
            InvalidRequestError: The choice is a tool that is not there.
        """
        choice, config = self.tool_choice, self.output_config
        answer_format = config.format.json_schema if config and config.format else None
        tools = [tool.translate() for tool in self.tools or () if isinstance(tool, Tool)]
        parallel = not (choice and choice.disable_parallel_tool_use)
        wanted: planning.Choice | planning.Tool = "auto"
        try:
            if isinstance(choice, NamedToolChoice):
                wanted = planning.find(tools, choice.name)
            elif choice:
                wanted = "required" if choice.type == "any" else choice.type
            return planning.plan(tools, wanted, answer_format, parallel=parallel)
        except ValueError as error:
            raise InvalidRequestError(f"tool_choice: {error}", param="tool_choice") from None

    def chat(self, model: str, options: dict[str, Any], settings: Settings, *, stream: bool) -> Job:
        """Return the job for this prompt. Raises InvalidRequestError if it is over a limit."""
        plan = self.plan()
        messages = translate(self.messages)
        if self.system:
            parts = [self.system] if isinstance(self.system, str) else [part.text for part in self.system]
            messages.insert(0, {"role": "system", "content": "".join(parts)})
        check_prompt(length(messages) + plan.length, settings)
        payload: dict[str, Any] = {"messages": messages, "options": runtime_options(options, settings)}
        plan.apply(payload)
        needs = list(plan.needs)
        if any("images" in message for message in messages):
            needs.append("vision")
        if (think := self._think()) is not None:
            payload["think"] = think
            needs += ["thinking"] * bool(think)
        return Job("/api/chat", model, payload, stream, tuple(needs))

    def _think(self) -> bool | str | None:
        """Return Ollama's `think`; None leaves it to the model. Without `thinking`, there is none."""
        if self.thinking is None or self.thinking.type == "disabled":
            return False
        if self.thinking.type != "enabled":
            return None
        effort = self.output_config and self.output_config.effort
        return {"xhigh": "high", "max": "high"}.get(effort, effort) if effort else True


class MessagesRequest(Prompt):
    """POST /v1/messages: a conversation to continue."""

    NEUTRAL: ClassVar = Prompt.NEUTRAL | {
        "metadata": ANY_VALUE,
        "diagnostics": ANY_VALUE,
        "service_tier": ("auto", "standard_only"),
    }
    REFUSED: ClassVar = Prompt.REFUSED | {
        "service_tier": "there is one tier",
        "container": "tools run at the client",
        "inference_geo": "the gateway's own runtime answers, wherever it runs",
    }

    max_tokens: Tokens = Field(description="More than the gateway allows is as much as it allows.")
    stop_sequences: Stops | None = Field(
        None,
        description="The reason is then `end_turn`: Ollama does not tell which of both ended the answer.",
    )
    stream: bool | None = None
    temperature: Temperature | None = None
    top_p: Probability | None = None
    top_k: Annotated[int, Field(ge=0), INTEGER] | None = None

    def job(self, model: str, settings: Settings) -> Job:
        options = self.model_dump(include={"temperature", "top_p", "top_k"}, exclude_none=True)
        options["num_predict"] = min(self.max_tokens, settings.max_output_tokens)
        if self.stop_sequences:
            options["stop"] = self.stop_sequences
        return self.chat(model, options, settings, stream=bool(self.stream))

    def answer_format(self, request_id: str, model: str) -> MessageFormat:
        omitted = self.thinking is not None and self.thinking.display == "omitted"
        return MessageFormat(request_id, model, self.plan(), show_thinking=not omitted)


class CountRequest(Prompt):
    """POST /v1/messages/count_tokens: a conversation whose tokens to count."""

    def job(self, model: str, settings: Settings) -> Job:
        """Return a job of one token, whose end counts those of the prompt.

        The prompt must not be truncated for that; Ollama takes 0 tokens for "as many as you like".
        """
        job = self.chat(model, {"num_predict": 1}, settings, stream=False)
        job.payload["truncate"] = False
        return job

    def answer_format(self, request_id: str, model: str) -> CountFormat:
        return CountFormat(request_id, model, self.plan(), show_thinking=False)
