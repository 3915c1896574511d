"""API keys: who may ask, and how often."""

import hashlib
import hmac
import math
import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from llm_api.errors import AuthenticationError, KeyLimitError
from llm_api.settings import Settings

# Exact paths that need no key: what Kubernetes and Prometheus ask.
OPEN_PATHS = frozenset({"/health", "/ready", "/metrics"})


class Keys:
    """The keys of LLM_API_KEYS and each one's budget."""

    def __init__(self, settings: Settings) -> None:
        given = settings.api_keys.get_secret_value() if settings.api_keys else ""
        self._digests = {
            digest: digest.hex()[:8]
            for key in given.split(",")
            if key.strip()
            for digest in [_digest(key.strip())]
        }
        self._limit = settings.key_requests_per_minute
        self._window = MovingWindowRateLimiter(MemoryStorage()) if self._limit else None

    def check(self, path: str, authorization: str) -> str:
        """Return the id of the key in an Authorization header; empty where none is needed.

        Raises AuthenticationError. Every key is compared, in constant time.
        """
        if not self._digests or path in OPEN_PATHS:
            return ""
        scheme, _, key = authorization.partition(" ")
        digest = _digest(key.strip())
        matching = [known for known in self._digests if hmac.compare_digest(known, digest)]
        if scheme.lower() != "bearer" or not matching:
            said = "a wrong API key" if authorization else "no API key"
            raise AuthenticationError(f"{said}: send the header 'Authorization: Bearer <key>'")
        return self._digests[matching[0]]

    async def spend(self, key: str) -> None:
        """Take a request off a key's budget of this minute.

        Raises KeyLimitError when it is used up.
        """
        if self._window is None or not key:
            return
        item = RateLimitItemPerMinute(self._limit)
        if not await self._window.hit(item, key):
            reset = (await self._window.get_window_stats(item, key)).reset_time
            raise KeyLimitError(
                f"this API key made its {self._limit} requests of the minute",
                retry_after=_seconds_until(reset),
            )


def _digest(key: str) -> bytes:
    """Keys of one length, so that comparing tells nothing of theirs."""
    return hashlib.sha256(key.encode(errors="surrogateescape")).digest()


def _seconds_until(moment: float) -> int:
    return max(1, math.ceil(moment - time.time()))
