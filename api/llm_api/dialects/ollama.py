"""Requests of Ollama's own API: https://github.com/ollama/ollama/blob/main/docs/api.md."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from llm_api.dialects.decisions import ANY_VALUE, Documented
from llm_api.dialects.embeddings import embed_job
from llm_api.dialects.fields import INTEGER, check_prompt
from llm_api.dialects.ollama_answers import (
    EmbeddingFormat,
    EmbedFormat,
    GenerationFormat,
    chat_fields,
    generate_fields,
)
from llm_api.dialects.ollama_fields import (
    Format,
    Images,
    KeepAlive,
    OllamaMessage,
    OllamaOptions,
    OllamaTool,
    Think,
    all_options,
    declared,
)
from llm_api.settings import Settings
from llm_api.upstream.client import Job

SHARED = ("format", "think", "truncate", "shift", "logprobs", "top_logprobs")


class OllamaModelRequest(Documented):
    """What all requests to a model have."""

    model: str = Field(min_length=1, max_length=256)
    options: OllamaOptions | None = None
    keep_alive: KeepAlive | None = Field(
        None, description="How long the model stays loaded; 0 without a prompt: unload it."
    )

    @property
    def kept(self) -> dict[str, Any]:
        return {} if self.keep_alive is None else {"keep_alive": self.keep_alive}


class OllamaGenerationRequest(OllamaModelRequest):
    """What /api/chat and /api/generate share."""

    stream: bool | None = Field(None, description="True if not given.")
    format: Format | None = Field(None, description='"json", or a JSON schema that the answer has to match.')
    think: Think | None = None
    truncate: bool | None = None
    shift: bool | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20), INTEGER] | None = None

    def _job(
        self,
        path: Literal["/api/chat", "/api/generate"],
        model: str,
        settings: Settings,
        prompt: dict[str, Any],
        needs: dict[str, Any],
    ) -> Job:
        """Return the job, which only loads or unloads the model if there is no prompt.

        `needs` says of each capability whether the request needs it.
        """
        payload = prompt | self.kept | {"options": all_options(self.options, settings)}
        if prompt:
            given = declared(self)
            payload |= {name: given[name] for name in SHARED if name in given}
            needs |= {"thinking": self.think}
        needed = tuple(name for name, value in needs.items() if value and prompt)
        return Job(path, model, payload, self.stream is not False, needed)


class OllamaChatRequest(OllamaGenerationRequest):
    """POST /api/chat: a conversation. Without messages, the model is only loaded."""

    NEUTRAL: ClassVar = {"_debug_render_only": (False,)}

    messages: Annotated[list[OllamaMessage], Field(max_length=1024, fail_fast=True)] | None = None
    tools: Annotated[list[OllamaTool], Field(max_length=256)] | None = None

    def job(self, model: str, settings: Settings) -> Job:
        messages = self.messages or []
        check_prompt(sum(message.length for message in messages), settings)
        prompt = {"messages": declared(messages)} if messages else {}
        if messages and self.tools:
            prompt["tools"] = declared(self.tools)
        needs = {"tools": self.tools, "vision": any(message.images for message in messages)}
        return self._job("/api/chat", model, settings, prompt, needs)

    def answer_format(self, request_id: str, model: str) -> GenerationFormat:
        return GenerationFormat(model, chat_fields)


class OllamaGenerateRequest(OllamaGenerationRequest):
    """POST /api/generate: a prompt. Without one, the model is only loaded."""

    NEUTRAL: ClassVar = {
        "template": ("",),
        "context": ([],),
        "_debug_render_only": (False,),
        "width": (0,),
        "height": (0,),
        "steps": (0,),
    }
    REFUSED: ClassVar = {
        "template": "send the formatted prompt with `raw`",
        "context": "send the conversation to /api/chat",
        "width": "models here generate text",
        "height": "models here generate text",
        "steps": "models here generate text",
    }

    prompt: str | None = None
    suffix: str | None = Field(None, description="Text that follows the answer: fill in the middle.")
    system: str | None = None
    raw: bool | None = Field(None, description="Send the prompt without the model's template.")
    images: Images | None = None

    def job(self, model: str, settings: Settings) -> Job:
        parts = {"prompt": self.prompt, "suffix": self.suffix, "system": self.system}
        prompt: dict[str, Any] = {name: text for name, text in parts.items() if text}
        check_prompt(sum(map(len, prompt.values())), settings)
        prompt |= {name: value for name, value in {"raw": self.raw, "images": self.images}.items() if value}
        needs = {"insert": self.suffix and not self.raw, "vision": self.images}
        return self._job("/api/generate", model, settings, prompt if self.prompt else {}, needs)

    def answer_format(self, request_id: str, model: str) -> GenerationFormat:
        return GenerationFormat(model, generate_fields)


def _context(options: OllamaOptions | None) -> dict[str, Any]:
    """Return the one option that matters to an embedding."""
    return {"num_ctx": options.num_ctx} if options and options.num_ctx else {}


class OllamaEmbedRequest(OllamaModelRequest):
    """POST /api/embed: texts. Without any, the model is only loaded."""

    input: str | Annotated[list[str], Field(max_length=2048, fail_fast=True)] | None = None
    truncate: bool | None = None
    dimensions: Annotated[int, Field(ge=0, le=65_536), INTEGER] | None = None

    @property
    def texts(self) -> list[str]:
        return [self.input] if isinstance(self.input, str) and self.input else list(self.input or ())

    def job(self, model: str, settings: Settings) -> Job:
        given: dict[str, Any] = {"truncate": self.truncate is not False}
        if self.dimensions:
            given["dimensions"] = self.dimensions
        return embed_job(model, self.texts, given | self.kept, settings, _context(self.options))

    def answer_format(self, request_id: str, model: str) -> EmbedFormat:
        return EmbedFormat(model, len(self.texts))


class OllamaEmbeddingsRequest(OllamaModelRequest):
    """POST /api/embeddings, the older form for one text. Its vector has the length 1, as of /api/embed."""

    prompt: str | None = None

    def job(self, model: str, settings: Settings) -> Job:
        texts = [self.prompt] if self.prompt else []
        return embed_job(model, texts, self.kept, settings, _context(self.options))

    def answer_format(self, request_id: str, model: str) -> EmbeddingFormat:
        return EmbeddingFormat(model, 1 if self.prompt else 0)


class OllamaShowRequest(Documented):
    """POST /api/show: a model to describe. `name` is the older spelling of `model`."""

    NEUTRAL: ClassVar = {"name": ANY_VALUE, "system": ("",), "template": ("",), "options": ({},)}
    REFUSED: ClassVar = dict.fromkeys(("system", "template", "options"), "it would describe another model")

    model: str = Field(min_length=1, max_length=256)
    verbose: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _older_spelling(cls, body: Any) -> Any:
        if isinstance(body, dict) and not body.get("model") and "name" in body:
            return body | {"model": body["name"]}
        return body
