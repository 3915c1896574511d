"""GET /: the chat page, one file that loads nothing else."""

import base64
import hashlib
import re
from pathlib import Path

from fastapi.responses import HTMLResponse

PAGE = Path(__file__).with_name("chat.html")
INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


def chat_page() -> HTMLResponse:
    """Return the page. It is read anew each time, so that a save of the file is live."""
    text = PAGE.read_text(encoding="utf-8")
    headers = {"content-security-policy": policy(text), "cache-control": "no-cache"}
    return HTMLResponse(text, headers=headers)


def policy(text: str) -> str:
    """Return a Content-Security-Policy: the page's own script and styles, and this gateway, no other host."""
    hashes = {kind: _hash(content) for kind, content in INLINE.findall(text)}
    return (
        f"default-src 'none'; script-src {hashes['script']}; style-src {hashes['style']}; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
