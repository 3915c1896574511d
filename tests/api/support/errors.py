"""The one shape of the gateway's errors, which is OpenAI's."""

from typing import Any

import httpx


def error_of(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Return the error in a response after checking its shape, its status and its code."""
    error = _error(response)
    assert (response.status_code, error["code"]) == (status, code), response.text
    return error


def error_summary(response: httpx.Response) -> tuple[int, str, str | None]:
    """Return the status, the code and the parameter of an error after checking its shape."""
    error = _error(response)
    return response.status_code, error["code"], error["param"]


def _error(response: httpx.Response) -> dict[str, Any]:
    body = response.json()
    assert set(body) == {"error"}, response.text
    error: dict[str, Any] = body["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    of_client = "rate_limit_error" if response.status_code == 429 else "invalid_request_error"
    assert error["type"] == (of_client if response.status_code < 500 else "server_error")
    return error
