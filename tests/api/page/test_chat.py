"""The chat page in Chromium, before a gateway and the simulated runtime: asking, stopping, failing."""

import struct
import zlib
from pathlib import Path

from tests.api.support.browser import Page
from tests.api.support.chat_page import CHAT, answered, ask, open_page, requests
from tests.api.support.in_process import MODEL
from tests.api.support.live import Serve
from tests.api.support.sockets import post
from tests.waiting import equals, until

HOUR = 3600


async def test_an_answer_shows_the_words_and_where_the_time_went(serve: Serve, page: Page) -> None:
    live = await serve(behavior={"tokens": 12, "first_token_seconds": 0.1, "token_seconds": 0.02})
    await open_page(page, live)
    numbers = await answered(page, "What is a queue?")
    body = {"model": MODEL, "messages": [{"role": "user", "content": "What is a queue?"}]}
    words = (await live.http.post(CHAT, json=body)).json()["choices"][0]["message"]["content"]
    assert (await page.text(".text")).split() == words.split()
    for shown in ("queue ", "load ", "prefill ", "decode ", "12 tokens, ", " tokens/s"):
        assert shown in numbers
    assert (await page.run("document.querySelector('.bar').ariaLabel")).startswith("Time: queue ")
    assert page.errors == []


async def test_thinking_is_folded_apart_from_the_answer(serve: Serve, page: Page) -> None:
    live = await serve(
        behavior={
            "capabilities": "completion,thinking",
            "thinking_tokens": 5,
            "tokens": 3,
            "token_seconds": 0.01,
        }
    )
    await open_page(page, live)
    numbers = await answered(page, "Hello")
    assert "8 tokens" in numbers
    await page.shows(".thinking", "Thought for ")
    thoughts = "document.querySelector('.thinking div')"
    assert await page.run(f"{thoughts}.checkVisibility()") is False
    await page.click(".thinking summary")
    assert await page.run(f"{thoughts}.checkVisibility()") is True
    assert len((await page.run(f"{thoughts}.textContent")).split()) > 1
    body = requests(page)[0] | {"stream": False, "stream_options": None}
    message = (await live.http.post(CHAT, json=body)).json()["choices"][0]["message"]
    assert (await page.run(f"{thoughts}.textContent")).split() == message["reasoning"].split()
    assert (await page.text(".text")).split() == message["content"].split()


async def test_the_phases_are_shown_while_the_answer_is_written(serve: Serve, page: Page) -> None:
    live = await serve(behavior={"tokens": 1000, "first_token_seconds": 0.5, "token_seconds": 0.05})
    await open_page(page, live)
    await ask(page, "Tell me everything.")
    await page.shows(".numbers", "waiting")
    for phase in ("queue", "prefill", "decode"):
        await page.shows(".numbers", phase)
    await page.shows(".numbers", "tokens/s")
    assert await page.text("#send") == "Stop"
    shares = await page.run("[...document.querySelectorAll('.bar i')].map((part) => part.offsetWidth)")
    assert len(shares) >= 2
    assert min(shares) > 0


async def test_stop_ends_the_work_and_keeps_what_was_written(serve: Serve, page: Page) -> None:
    live = await serve(behavior={"tokens": 1000, "token_seconds": 0.02})
    await open_page(page, live)
    for count, by in enumerate(("mouse", "keyboard"), 1):
        await ask(page, "Tell me everything.")
        await page.shows(".numbers", "tokens/s")
        await (page.click("#send") if by == "mouse" else page.press("Escape"))
        await live.simulator_reaches(running=0, cancelled=count)
        await page.shows(".numbers", "stopped")
        await page.shows("#send", "Send")
    await live.outcomes_reach(2, "cancelled", CHAT)
    first, second = requests(page)
    assert [message["role"] for message in second["messages"]] == ["user", "assistant", "user"]
    assert second["messages"][0] == first["messages"][0]
    assert second["messages"][1]["content"]


async def test_a_new_chat_ends_the_work_and_forgets_the_conversation(serve: Serve, page: Page) -> None:
    live = await serve(behavior={"tokens": 1000, "token_seconds": 0.02})
    await open_page(page, live)
    await ask(page, "Tell me everything.")
    await page.shows(".numbers", "tokens/s")
    await page.click("#new")
    await live.simulator_reaches(running=0, cancelled=1)
    await live.simulate(behavior={"tokens": 3})
    await answered(page, "Hello")
    assert requests(page)[-1]["messages"] == [{"role": "user", "content": "Hello"}]


async def test_a_refusal_is_explained_and_can_be_tried_again(serve: Serve, page: Page) -> None:
    live = await serve(behavior={"first_token_seconds": HOUR}, max_running=1, max_waiting=0)
    await open_page(page, live)
    other = await post(live.url, {"prompt": "Hello"})
    await live.admission_reaches(running=1, waiting=0)
    await ask(page, "Hello")
    await page.shows(".problem", "Try again in ")
    assert "queue is full" in await page.text(".problem")
    other.close()
    await live.admission_reaches(running=0, waiting=0)
    await live.simulate(behavior={"tokens": 3, "first_token_seconds": 0})
    await page.click(".problem button")
    await page.shows(".numbers", "3 tokens")
    assert await page.text(".problem") == ""
    assert [len(body["messages"]) for body in requests(page)] == [1, 1]


async def test_a_failure_in_the_middle_keeps_what_was_written(serve: Serve, page: Page) -> None:
    live = await serve(behavior={"tokens": 8, "token_seconds": 0.01})
    await live.simulate(fault={"kind": "error", "after_tokens": 4})
    await open_page(page, live)
    await ask(page, "Hello")
    await page.shows(".problem", "The runtime failed")
    assert await page.text(".text")


async def test_a_gateway_that_is_gone_is_explained(serve: Serve, page: Page) -> None:
    live = await serve()
    await open_page(page, live)
    live.server.should_exit = True
    await until("the gateway to stop", lambda: not live.server.servers[0].is_serving())
    await ask(page, "Hello")
    await page.shows(".problem", "The gateway cannot be reached. Is it still running?")


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
