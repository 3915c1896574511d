"""Send requests at a constant rate until SIGTERM, and print what became of each as a line of JSON.

It needs nothing but httpx and this file: in the cluster it runs in a pod of the gateway's image.
Variables: CALLS_URL, CALLS_RATE (per second), CALLS_KEYS (API keys, in turn, comma-separated), CALLS_LANE (a
name for these calls), CALLS_DEADLINE (seconds until a call counts as hung).
"""

import asyncio
import json
import os
import signal
import time
from dataclasses import asdict, dataclass

import httpx

TOKENS = 8
CONNECT_SECONDS = 5
"""A Service without a ready pod refuses one connection a second, and leaves the others without an answer."""


@dataclass
class Call:
    """A call as the client saw it.

    Attributes:
        at: When it was sent, in seconds since 1970.
        status: 0 if no response began.
        code: The error's code, whether it came as a response or as an event in a stream; where there was
            none, `refused`, `unreachable` (no connection came about), `reset` or `hang`.
        retry_after: The header, "" without one.
        cut: Whether a response began and ended too early, without an error event.
    """

    at: float
    lane: str
    stream: bool
    seconds: float = 0.0
    status: int = 0
    code: str = ""
    retry_after: str = ""
    cut: bool = False
    detail: str = ""

    @property
    def ok(self) -> bool:
        return self.status == 200 and not self.code and not self.cut


def judge_body(call: Call, content: str) -> None:
    """Fill in what the body of a response says: an error's code, or whether a stream has its last line."""
    try:
        lines = [json.loads(line) for line in content.splitlines() if line.strip()]
    except ValueError:
        call.cut, call.detail = True, f"not JSON: {content[-100:]!r}"
        return
    last = lines[-1] if lines else {}
    if "error" in last:
        call.code, call.detail = str(last["error"].get("code")), str(last["error"].get("message"))[:200]
    elif call.status != 200:
        call.code = "no_error_body"
    elif not last.get("done"):
        call.cut, call.detail = True, f"ended after {len(lines)} lines without `done` or an error"


async def send(client: httpx.AsyncClient, call: Call, key: str, deadline: float) -> None:
    """Make the call and fill in what became of it."""
    body = {"prompt": "Say it.", "stream": call.stream, "options": {"num_predict": TOKENS}}
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    began = time.monotonic()
    content = ""
    try:
        async with (
            asyncio.timeout(deadline),
            client.stream("POST", "/generate", json=body, headers=headers) as response,
        ):
            call.status = response.status_code
            call.retry_after = response.headers.get("retry-after", "")
            async for text in response.aiter_text():
                content += text
        judge_body(call, content)
    except TimeoutError:
        call.code, call.detail = "hang", f"no end after {deadline:g} s"
    except httpx.ConnectTimeout:
        call.code, call.detail = "unreachable", f"no connection after {CONNECT_SECONDS} s"
    except httpx.ConnectError as error:
        call.code, call.detail = "refused", str(error)[:200]
    except httpx.HTTPError as error:
        call.code, call.detail = "reset", repr(error)[:200]
        call.cut = call.status != 0
    call.seconds = time.monotonic() - began


async def main() -> None:
    """Send until SIGTERM, then wait for the calls on their way."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for ending in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(ending, stop.set)
    step, lane = 1 / float(os.environ["CALLS_RATE"]), os.environ["CALLS_LANE"]
    keys, deadline = os.environ["CALLS_KEYS"].split(","), float(os.environ["CALLS_DEADLINE"])
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=2)
    url, timeout = os.environ["CALLS_URL"], httpx.Timeout(None, connect=CONNECT_SECONDS)
    async with (
        httpx.AsyncClient(base_url=url, timeout=timeout, limits=limits, trust_env=False) as client,
        asyncio.TaskGroup() as calls,
    ):

        async def one(number: int) -> None:
            call = Call(time.time(), lane, stream=number % 2 == 0)
            await send(client, call, keys[number % len(keys)], deadline)
            print(json.dumps(asdict(call)), flush=True)

        due, number = loop.time(), 0
        while not stop.is_set():
            calls.create_task(one(number))
            number += 1
            due += step
            try:
                await asyncio.wait_for(stop.wait(), max(0.0, due - loop.time()))
            except TimeoutError:
                continue


if __name__ == "__main__":
    asyncio.run(main())
