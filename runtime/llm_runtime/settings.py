"""Settings of the runtime, from environment variables with the prefix RUNTIME_."""

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

    engine: Literal["llamacpp", "simulated"] = "llamacpp"
    model: str = Field(default="smollm2:135m", min_length=1, description="The name it is served under.")
    model_path: Path | None = Field(default=None, description="A GGUF file; unset: the packaged SmolLM2.")
    threads: int | None = Field(default=None, ge=1, description="Unset: the CPU limit, else all cores.")
    slots: int = Field(default=1, ge=1, description="Generations at once; others wait.")
    context_length: int = Field(default=4096, ge=256, description="Tokens of each slot (llama.cpp).")
    simulated: Behavior = Behavior()
