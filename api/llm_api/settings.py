"""Settings of the gateway, from environment variables with the prefix LLM_."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from llm_api.names import parse_aliases

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@*\sA-Z]+")


def _without_slash(url: str) -> str:
    given = HttpUrl(url)
    if given.username or given.password or given.query or given.fragment:
        raise ValueError("must have no user, password, query or fragment")
    return str(given).rstrip("/")


def _collector(url: str | None) -> str | None:
    return url and _without_slash(url)


def _reject_empty(keys: SecretStr | None) -> SecretStr | None:
    """Raise ValueError for keys that nobody can send; an empty list must not let everyone in."""
    if keys is not None:
        given = [key.strip() for key in keys.get_secret_value().split(",") if key.strip()]
        if not given:
            raise ValueError("contains no key; unset it to serve everyone")
        if not all(key.isascii() and key.isprintable() for key in given):
            raise ValueError("keys must consist of printable ASCII characters")
    return keys


def _check_origins(origins: str | None) -> str | None:
    """Remove spaces; raise ValueError for what no browser sends as an origin."""
    given = [origin.strip() for origin in (origins or "").split(",") if origin.strip()]
    for origin in given:
        if origin not in ("*", "localhost") and not ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin!r} is not an origin such as https://app.example:8443")
    return ",".join(given) or None


def _check_aliases(aliases: str | None) -> str | None:
    parse_aliases(aliases or "")
    return aliases


class Settings(BaseSettings):
    """One field per variable: `max_running` is LLM_MAX_RUNNING."""

    model_config = SettingsConfigDict(env_prefix="LLM_", env_ignore_empty=True)

    runtime_url: Annotated[str, AfterValidator(_without_slash)] = Field(
        default="http://localhost:11434", description="Address of the runtime"
    )
    runtime_balance: Literal["none", "dns"] = Field(
        default="none",
        description="dns: send each generation to the least busy address behind the name; none: one address",
    )
    model: str = Field(
        default="gemma3:270m",
        min_length=1,
        description="Model for requests that name none; /ready reports on it",
    )
    model_aliases: Annotated[str | None, AfterValidator(_check_aliases)] = Field(
        default=None,
        description="Other names for models, comma-separated, for clients that insist on a name: "
        "gpt-4o=gemma3:270m; an alias that ends in * stands for every name that begins so: "
        "claude-*=gemma3:270m",
    )
    allow_model_changes: bool = Field(
        default=False,
        description="Let clients pull, create, copy, delete and push models through Ollama's API",
    )
    num_thread: int | None = Field(
        default=None, ge=1, description="Threads per generation; unset: the runtime decides"
    )

    max_running: int = Field(default=2, ge=1, description="Generations that run at once in a replica")
    max_waiting: int = Field(
        default=16, ge=0, description="Requests that may queue in a replica; any more are rejected with 503"
    )
    request_timeout_seconds: Seconds = Field(
        default=120, description="Deadline of a request in seconds, time in the queue included"
    )
    connect_timeout_seconds: Seconds = Field(default=2, description="Seconds to connect to the runtime")
    first_token_timeout_seconds: Seconds = Field(
        default=60,
        description="Seconds from sending a streaming request to the runtime until its first token; "
        "loading the model counts",
    )
    between_tokens_timeout_seconds: Seconds = Field(
        default=15, description="Seconds between two tokens of a stream"
    )
    wait_for_runtime_seconds: float = Field(
        default=0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds, within their deadline, for which requests wait in the queue while the runtime "
        "cannot be reached or lacks the model, because it starts or pulls it; 0: they fail at once",
    )
    stream_keepalive_seconds: float = Field(
        default=15,
        ge=0,
        allow_inf_nan=False,
        description="Seconds of silence after which a stream of server-sent events gets a comment, so that "
        "proxies do not cut it off; before the first token, this fixes the status at 200; 0: no comments",
    )
    shutdown_grace_seconds: float = Field(
        default=60, ge=0, description="Seconds to finish running and queued requests after SIGTERM"
    )
    shutdown_quiet_seconds: float = Field(
        default=0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds without a request after which a replica that got SIGTERM stops listening, once "
        "nothing runs or waits and no client keeps a connection; at the latest when the grace period ends. "
        "Clients may still be sent there",
    )
    models_interval_seconds: Seconds = Field(
        default=2, description="Seconds between polls of the runtime's model list"
    )

    max_body_bytes: int = Field(default=1_048_576, ge=1, description="Largest request body in bytes")
    max_prompt_chars: int = Field(
        default=65_536, ge=1, description="Longest prompt in characters; for a chat, all messages together"
    )
    max_output_tokens: int = Field(
        default=4096, ge=1, description="Most tokens a request may ask for, and the number if it names none"
    )
    max_choices: int = Field(default=8, ge=1, description="Most answers to one request (OpenAI's `n`)")
    body_timeout_seconds: Seconds = Field(
        default=10, description="Seconds for a client to send its whole request body"
    )

    api_keys: Annotated[SecretStr | None, NoDecode, AfterValidator(_reject_empty)] = Field(
        default=None, description="API keys, comma-separated; unset: no key is needed"
    )
    key_requests_per_minute: int = Field(
        default=0, ge=0, description="Requests per minute for each API key, counted per replica; 0: no limit"
    )
    cors_origins: Annotated[str | None, AfterValidator(_check_origins)] = Field(
        default=None,
        description="Origins of the web pages that may call the API, comma-separated: https://app.example, "
        "localhost (any port of this machine), * (all)",
    )

    otlp_endpoint: Annotated[str | None, AfterValidator(_collector)] = Field(
        default=None,
        description="Address of a collector that takes traces by OTLP over HTTP, such as http://jaeger:4318; "
        "unset: no traces",
    )
    log_format: Literal["json", "console"] = Field(default="console", description="Format of the log lines")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe level that is logged"
    )


class SettingsError(RuntimeError):
    """Names each variable with an invalid value."""


def load() -> Settings:
    """Return the settings from the environment.

    Raises:
        SettingsError: A value is invalid.
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"LLM_{str(e['loc'][0]).upper()}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors(include_input=False)
        ]
    raise SettingsError("invalid settings\n  " + "\n  ".join(lines))
