"""Images in requests: Ollama takes them as base64."""

import base64
import binascii
import re

from pydantic_core import PydanticCustomError

BASE64 = "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)$"
# The formats that Ollama reads; without a type, it looks at the bytes.
DATA_URL = "^data:(image/(jpeg|jpg|png|webp))?;base64,"


def checked_base64(text: str) -> str:
    """Return base64 without line breaks.

    Raises:
        PydanticCustomError: It is not base64, or empty.
    """
    text = text.replace("\r", "").replace("\n", "")
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not found:
        raise PydanticCustomError("base64", "must be base64, and not empty")
    return text


def from_data_url(url: str) -> str:
    """Return the base64 of an image in a data URL.

    Raises:
        PydanticCustomError: It is another URL, not of an image that Ollama reads, or not base64.
    """
    if re.match("https?:", url, re.IGNORECASE):
        problem = "not supported; the gateway fetches nothing: send the image itself as a data URL"
        raise PydanticCustomError("unsupported", "{problem}", {"field": None, "problem": problem})
    prefix = re.match(DATA_URL, url, re.IGNORECASE)
    if not prefix:
        raise PydanticCustomError(
            "image", "must be a data URL of a JPEG, PNG or WebP image: data:image/png;base64,..."
        )
    return checked_base64(url[prefix.end() :])
