"""API keys: who may send requests, and how many per minute."""

import hashlib
import hmac
import math
import time
from collections.abc import Mapping

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from llm_api.errors import AuthenticationError, KeyLimitError
from llm_api.settings import Settings


class Keys:
    """The keys of LLM_API_KEYS, and a budget per minute for each, counted in this process."""

    def __init__(self, settings: Settings) -> None:
        given = settings.api_keys.get_secret_value() if settings.api_keys else ""
        digests = [_digest(key.strip()) for key in given.split(",") if key.strip()]
        self._ids = {digest: digest.hex()[:8] for digest in digests}
        self._limit = settings.key_requests_per_minute
        self._window = MovingWindowRateLimiter(MemoryStorage()) if self._limit else None

    def check(self, headers: Mapping[str, str]) -> str:
        """Return the id of the key in a request's Authorization or x-api-key header; "" if no keys are set.

        Every key is compared, each in constant time.

        Raises:
            AuthenticationError: The key is missing or wrong.
        """
        if not self._ids:
            return ""
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        given = [headers.get("x-api-key", ""), bearer if scheme.lower() == "bearer" else ""]
        digests = [_digest(key.strip()) for key in given if key]
        matching = [known for known in self._ids for digest in digests if hmac.compare_digest(known, digest)]
        if not matching:
            problem = "wrong API key" if scheme or digests else "no API key"
            raise AuthenticationError(
                f"{problem}: send the header 'Authorization: Bearer <key>' or 'x-api-key: <key>'"
            )
        return self._ids[matching[0]]

    async def spend(self, key_id: str) -> None:
        """Take a request from a key's budget for this minute.

        Raises:
            KeyLimitError: The budget is used up.
        """
        if self._window is None:
            return
        item = RateLimitItemPerMinute(self._limit)
        if not await self._window.hit(item, key_id):
            reset = (await self._window.get_window_stats(item, key_id)).reset_time
            raise KeyLimitError(
                f"this API key has used up its {self._limit} requests per minute",
                retry_after=max(1, math.ceil(reset - time.time())),
            )


def _digest(key: str) -> bytes:
    """Hash the key, so that the comparison does not leak its length."""
    return hashlib.sha256(key.encode(errors="surrogateescape")).digest()
