"""Settings of the gateway, from environment variables with the prefix LLM_."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _without_slash(url: str) -> str:
    given = HttpUrl(url)
    if given.username or given.password or given.query or given.fragment:
        raise ValueError("must have no user, query or fragment")
    return str(given).rstrip("/")


def _some(keys: SecretStr | None) -> SecretStr | None:
    """Empty keys must not open the gateway to everyone."""
    if keys is not None:
        given = [key.strip() for key in keys.get_secret_value().split(",") if key.strip()]
        if not given:
            raise ValueError("there is no key in it; leave it unset to serve everyone")
        if not all(key.isascii() and key.isprintable() for key in given):
            raise ValueError("a key has a character that is not one of ASCII's printable ones")
    return keys


class Settings(BaseSettings):
    """One field per variable: LLM_RUNTIME_URL, LLM_MAX_RUNNING and so on."""

    model_config = SettingsConfigDict(env_prefix="LLM_", env_ignore_empty=True)

    runtime_url: Annotated[str, AfterValidator(_without_slash)] = "http://localhost:11434"
    runtime_balance: Literal["none", "dns"] = Field(
        default="none", description="dns: each generation goes to the least busy address behind the name."
    )
    model: str = Field(default="gemma3:270m", min_length=1, description="For requests that name none.")
    num_thread: int | None = Field(default=None, ge=1, description="Unset: the runtime decides.")

    max_running: int = Field(default=2, ge=1, description="Generations at once.")
    max_waiting: int = Field(default=16, ge=0, description="Requests that wait; the next one is refused.")
    request_timeout_seconds: Seconds = Field(default=120, description="Waiting and generating together.")
    connect_timeout_seconds: Seconds = 2
    first_token_timeout_seconds: Seconds = 60
    between_tokens_timeout_seconds: Seconds = 15
    shutdown_grace_seconds: float = Field(default=60, ge=0, description="To finish what runs after SIGTERM.")
    models_interval_seconds: Seconds = Field(default=2, description="Between two looks at the runtime.")

    max_body_bytes: int = Field(default=1_048_576, ge=1)
    max_prompt_chars: int = Field(default=65_536, ge=1)
    max_output_tokens: int = Field(
        default=4096, ge=1, description="Also what a request gets that names none."
    )
    body_timeout_seconds: Seconds = Field(default=10, description="For a client to send its whole body.")

    api_keys: Annotated[SecretStr | None, NoDecode, AfterValidator(_some)] = Field(
        default=None, description="Comma-separated; unset: everyone is served."
    )
    key_requests_per_minute: int = Field(default=0, ge=0, description="Of each key; 0: no limit.")

    log_format: Literal["json", "console"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class SettingsError(RuntimeError):
    """Names each variable with a wrong value."""


def load() -> Settings:
    """Return the settings of the environment. Raises SettingsError."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"LLM_{str(e['loc'][0]).upper()}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors(include_input=False)
        ]
    raise SettingsError("settings cannot be used\n  " + "\n  ".join(lines))
