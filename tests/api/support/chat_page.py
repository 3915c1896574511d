"""What a person does on the chat page."""

import json
from typing import Any

from tests.api.support.browser import Page
from tests.api.support.live import Live
from tests.waiting import until

CHAT = "/v1/chat/completions"


async def open_page(page: Page, live: Live) -> None:
    """Open the page and wait for the list of models."""
    await page.open(live.url + "/")
    await until("the models to be listed", lambda: page.run("document.getElementById('model').value"))


async def ask(page: Page, prompt: str) -> None:
    await page.click("#prompt")
    await page.type(prompt)
    await page.press("Enter")


async def answered(page: Page, prompt: str) -> str:
    """Ask, wait until the answer is complete, and return what is shown below it."""
    await ask(page, prompt)
    await page.shows("#send", "Send")
    return await page.text(".numbers")


def requests(page: Page) -> list[dict[str, Any]]:
    """Return the bodies of the page's requests for answers."""
    return [json.loads(sent["postData"]) for sent in page.requested if sent["url"].endswith(CHAT)]
