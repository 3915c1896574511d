"""Starts Chromium, to be driven through a pipe."""

import asyncio
import fcntl
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.api.support.browser import Page
from tests.waiting import within

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--no-proxy-server",
    "--mute-audio",
)
# Chromium reads its commands from descriptor 3, and writes to 4.
AS_3_AND_4 = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def executable() -> str | None:
    """Return the path of a Chromium or Chrome on this machine: CHROMIUM names one."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@asynccontextmanager
async def chromium(path: str, profile: Path) -> AsyncIterator[Page]:
    """Start Chromium with a new profile, and open a tab."""
    commands, replies = os.pipe(), os.pipe()
    # Not below 10, because 3 and 4 become the copies.
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (commands[0], replies[1])]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", AS_3_AND_4, *map(str, ends)),
        *(path, *OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={profile}"),
        pass_fds=ends,
        stderr=asyncio.subprocess.DEVNULL,
    )
    for end in (commands[0], replies[1], *ends):
        os.close(end)
    reader = asyncio.StreamReader(limit=2**26)
    source = os.fdopen(replies[0], "rb")
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), source
    )
    page = Page(reader, commands[1])
    listening = asyncio.create_task(page.listen())
    try:
        await page.attach()
        yield page
    finally:
        listening.cancel()
        process.terminate()
        await within("Chromium to end", process.wait())
        transport.close()
        os.close(commands[1])
