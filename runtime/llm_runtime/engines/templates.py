"""What a GGUF model can do, as Ollama derives it from its metadata and chat template.

Rules: https://github.com/ollama/ollama/blob/main/server/images.go (capabilitiesForTemplate)
"""

from typing import Any

from llm_runtime.engines.engine import Capability

# The tokens before the prefix, the suffix and the middle of a text with a gap; older names second.
FILL_KEYS = (("fim_pre", "prefix"), ("fim_suf", "suffix"), ("fim_mid", "middle"))


def capabilities_of(
    metadata: dict[str, Any], template: str, *, embedding: bool = False
) -> tuple[Capability, ...]:
    """Return the capabilities of a model; `embedding`: although its file does not say how to pool.

    Two rules differ from Ollama's. Filling in the middle takes the model's own tokens for it, where Ollama
    needs a Go template with a suffix. Images take a second file, which this runtime does not load.
    """
    made_for_embeddings = f"{metadata.get('general.architecture')}.pooling_type" in metadata
    found: list[Capability] = [] if made_for_embeddings else ["completion"]
    if "tools" in template or "tool_call" in template:
        found.append("tools")
    if _thinks(template):
        found.append("thinking")
    if fill_tokens(metadata):
        found.append("insert")
    if made_for_embeddings or embedding:
        found.append("embedding")
    return tuple(found)


def fill_tokens(metadata: dict[str, Any]) -> tuple[int, ...]:
    """Return the three tokens for filling in the middle, or () if the model lacks one."""
    keys = [next((key for key in map(_key, names) if key in metadata), None) for names in FILL_KEYS]
    return tuple(int(metadata[key]) for key in keys if key) if all(keys) else ()


def _key(name: str) -> str:
    return f"tokenizer.ggml.{name}_token_id"


def _thinks(template: str) -> bool:
    if "<think>" in template and "</think>" in template:
        return True
    # Templates of Qwen and DeepSeek that only remove earlier thinking from the conversation.
    splits = "content.split('</think>')" in template or 'content.split("</think>")' in template
    return splits and "reasoning_content" not in template and "<SPECIAL_12>" not in template
