"""What a model can do, and the refusal of a request that needs more."""

from collections.abc import Collection

from llm_runtime.engines.engine import Capability
from llm_runtime.schemas import ChatRequest, GenerateRequest, GenerationRequest


def refusal(request: GenerationRequest, capabilities: Collection[Capability]) -> str | None:
    """Return why a model with these capabilities cannot do what is asked for, in Ollama's words, or None."""
    if isinstance(request, GenerateRequest) and request.raw and request.has_extras:
        return "raw mode does not support template, system, or context"
    missing = next((words for capability, words in _needs(request) if capability not in capabilities), None)
    return missing and f'"{request.model}" does not support {missing}'


def _needs(request: GenerationRequest) -> list[tuple[Capability | None, str]]:
    """Return each capability that the request needs, with its name in errors; None: no model here has it."""
    needs: list[tuple[Capability | None, str]] = []
    images = False
    if isinstance(request, GenerateRequest):
        needs.append(("completion", "generate"))
        images = bool(request.images)
        if request.suffix:
            needs.append(("insert", "insert"))
        if request.template:
            needs.append((None, "a template in the request"))
        if request.context:
            needs.append((None, "the context field"))
    elif isinstance(request, ChatRequest):
        needs.append(("completion", "chat"))
        images = any(message.images for message in request.messages or ())
        if request.tools:
            needs.append(("tools", "tools"))
    if images:
        needs.append(("vision", "images"))
    if request.think:
        needs.append(("thinking", "thinking"))
    return needs
