"""Settings come from LLM_* variables; an invalid one is reported before anything starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from llm_api.settings import Settings, SettingsError, load

from tests.waiting import SECONDS

API = Path(__file__).parents[2] / "api"
VALID = {
    "runtime_url": ("http://runtime:1234/base/", "http://runtime:1234/base"),
    "runtime_balance": ("dns", "dns"),
    "model": ("small:1", "small:1"),
    "model_aliases": ("gpt-4o=small:1, claude-*=small:1", "gpt-4o=small:1, claude-*=small:1"),
    "num_thread": ("3", 3),
    "max_running": ("4", 4),
    "max_waiting": ("0", 0),
    "allow_model_changes": ("true", True),
    "request_timeout_seconds": ("1.5", 1.5),
    "connect_timeout_seconds": ("0.5", 0.5),
    "first_token_timeout_seconds": ("2", 2),
    "between_tokens_timeout_seconds": ("3", 3),
    "stream_keepalive_seconds": ("0", 0),
    "wait_for_runtime_seconds": ("1.5", 1.5),
    "shutdown_grace_seconds": ("0", 0),
    "shutdown_quiet_seconds": ("1.5", 1.5),
    "models_interval_seconds": ("7", 7),
    "max_body_bytes": ("100", 100),
    "max_choices": ("3", 3),
    "max_prompt_chars": ("50", 50),
    "max_output_tokens": ("10", 10),
    "body_timeout_seconds": ("4", 4),
    "key_requests_per_minute": ("6", 6),
    "cors_origins": (" https://a.example , app://b,", "https://a.example,app://b"),
    "otlp_endpoint": ("http://jaeger:4318/", "http://jaeger:4318"),
    "log_format": ("json", "json"),
    "log_level": ("debug", "debug"),
}
INVALID = {
    "runtime_url": ["runtime:11434", "nonsense", "ftp://x", "http://", "http://x/?a", "http://me:secret@x"],
    "runtime_balance": ["random"],
    "model_aliases": ["gpt-4o", "=small:1", "gpt-4o=", "g*t=small:1", "g=small*", "a=b,a=c"],
    "num_thread": ["0"],
    "max_running": ["0", "-1", "two", "1.5"],
    "max_waiting": ["-1"],
    "request_timeout_seconds": ["0", "-1", "inf", "nan", "2m"],
    "max_body_bytes": ["0"],
    "api_keys": [","],
    "cors_origins": [
        "a.example",
        "https://a.example/",
        "https://*.example",
        "null",
        "HTTPS://A",
        "https://a b",
    ],
    "otlp_endpoint": ["jaeger:4318", "grpc://jaeger:4317", "http://me:secret@jaeger:4318"],
    "log_level": ["loud"],
}


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("LLM_"):
            monkeypatch.delenv(name)


def test_every_setting_has_a_case_here() -> None:
    assert set(VALID) | {"api_keys"} == set(Settings.model_fields)


@pytest.mark.parametrize("name", VALID)
def test_a_setting_is_read_from_its_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given, expected = VALID[name]
    assert getattr(load(), name) != expected
    monkeypatch.setenv(f"LLM_{name.upper()}", given)
    assert getattr(load(), name) == expected


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    before = load()
    for name in Settings.model_fields:
        monkeypatch.setenv(f"LLM_{name.upper()}", "")
    assert load() == before


def test_keys_are_read_but_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_API_KEYS", "sk-first,sk-second")
    settings = load()
    assert settings.api_keys is not None
    assert settings.api_keys.get_secret_value() == "sk-first,sk-second"
    assert not any("sk-" in text for text in (repr(settings), str(settings), settings.model_dump_json()))


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_value_is_reported_with_its_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for given in INVALID[name]:
        monkeypatch.setenv(f"LLM_{name.upper()}", given)
        with pytest.raises(SettingsError, match=rf"^invalid settings\n  LLM_{name.upper()}: \S.*$"):
            load()


def test_all_invalid_values_are_reported_at_once_and_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_MAX_RUNNING", "0")
    monkeypatch.setenv("LLM_RUNTIME_URL", "http://me:secret@x")
    monkeypatch.setenv("LLM_API_KEYS", "sk-\N{SNOWMAN}")
    with pytest.raises(SettingsError) as caught:
        load()
    assert str(caught.value).count("\n  LLM_") == 3
    assert "secret" not in str(caught.value)
    assert "sk-" not in str(caught.value)


def test_a_gateway_with_invalid_settings_exits_with_a_message_and_no_traceback() -> None:
    command = [sys.executable, "-m", "uvicorn", "main:app", "--port", "0"]
    environment = os.environ | {"LLM_MAX_RUNNING": "0", "LLM_MODEL": "x" * 10}
    done = subprocess.run(command, cwd=API, env=environment, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode != 0
    output = done.stdout + done.stderr
    assert "LLM_MAX_RUNNING: Input should be greater than or equal to 1" in output
    assert "Traceback" not in output
