"""What goes into a request from the chat page: key, model, system prompt, options, images."""

import struct
import zlib
from pathlib import Path

from tests.api.support.browser import Page
from tests.api.support.chat_page import answered, ask, open_page, requests
from tests.api.support.in_process import MODEL
from tests.api.support.live import Serve
from tests.waiting import equals, until


async def test_why_the_model_cannot_answer_is_shown_when_the_page_opens(serve: Serve, page: Page) -> None:
    live = await serve()
    live.gateway.drain()
    await page.open(live.url + "/")
    await page.shows("#status", "This replica is shutting down. Try again in 1 s.")
    live.gateway.stops_at = None
    await until("the models to be listed", lambda: page.run("document.getElementById('model').value"))
    await page.shows("#status", "")


async def test_a_key_is_asked_for_when_the_gateway_wants_one(serve: Serve, page: Page) -> None:
    live = await serve(api_keys="sk-right", behavior={"tokens": 3})
    await page.open(live.url + "/")
    for key, answer in (("", "The gateway asks for an API key."), ("sk-wrong", "The API key is wrong.")):
        await page.type(key)
        await page.press("Enter")
        await page.shows("#status", answer)
        assert await page.run("document.activeElement.id") == "key"
        await page.run("document.activeElement.select()")
    await page.type("sk-right")
    await page.press("Enter")
    await until("the models to be listed", lambda: page.run("document.getElementById('model').value"))
    assert "3 tokens" in await answered(page, "Hello")


async def test_system_prompt_temperature_and_model_go_with_the_request(serve: Serve, page: Page) -> None:
    live = await serve(behavior={"tokens": 3})
    await open_page(page, live)
    await page.click("#open")
    await page.click("#system")
    await page.type("Be brief.")
    await page.click("#temperature")
    await page.type("0.5")
    await answered(page, "Hello")
    (body,) = requests(page)
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
    ]
    assert (body["temperature"], body["model"]) == (0.5, MODEL)


async def test_an_image_goes_with_the_message_small_enough_to_send(
    serve: Serve, page: Page, tmp_path: Path
) -> None:
    live = await serve()
    await open_page(page, live)
    picture, other = tmp_path / "picture.png", tmp_path / "notes.png"
    picture.write_bytes(png(3000, 1500))
    other.write_text("no image")
    await page.choose_file("#file", other)
    await page.shows("#status", "notes.png is not an image that this browser can read.")
    count = "document.querySelectorAll('#images img').length"
    for number in (1, 2):
        await page.choose_file("#file", picture)
        await until("the image", lambda: page.run(count), equals(number))
    await page.click("#images button")
    assert await page.run(count) == 1
    size = "(({naturalWidth, naturalHeight}) => [naturalWidth, naturalHeight])"
    assert await page.run(f"{size}(document.querySelector('#images img'))") == [896, 448]
    await ask(page, "What is this?")
    await until("the request", lambda: requests(page))
    text, image = requests(page)[0]["messages"][0]["content"]
    assert text == {"type": "text", "text": "What is this?"}
    assert image["type"] == "image_url"
    assert image["image_url"]["url"].startswith("data:image/jpeg;base64,")


def png(width: int, height: int) -> bytes:
    """Return a black image."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)

    rows = zlib.compress(b"\0" * (width + 1) * height)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
