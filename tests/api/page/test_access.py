"""The chat page by keyboard, by screen reader, on a phone and in the dark."""

import pytest

from tests.api.support.browser import Page
from tests.api.support.chat_page import answered, ask, open_page, requests
from tests.api.support.live import Serve
from tests.waiting import until


async def test_the_page_is_used_by_keyboard_alone(serve: Serve, page: Page) -> None:
    live = await serve(behavior={"tokens": 3})
    await open_page(page, live)
    assert await page.run("document.activeElement.id") == "prompt"
    await page.type("one")
    await page.press("Enter", shift=True)
    await page.type("two")
    await page.press("Enter")
    await page.shows(".numbers", "3 tokens")
    assert requests(page)[0]["messages"] == [{"role": "user", "content": "one\ntwo"}]
    assert await page.run("document.activeElement.id") == "prompt"
    await page.run("document.activeElement.blur(); document.getElementById('model').focus()")
    order = ["model"]
    for _ in range(5):
        await page.press("Tab")
        order.append(await page.run("document.activeElement.id || document.activeElement.textContent"))
    assert order == ["model", "open", "new", "Copy", "attach", "prompt"]


async def test_a_screen_reader_finds_a_name_for_everything(serve: Serve, page: Page) -> None:
    live = await serve(behavior={"tokens": 3})
    await open_page(page, live)
    await answered(page, "Hello")
    await page.click("#open")
    found = await page.accessible()
    controls = {
        (role, name) for role, name in found if role in ("button", "textbox", "combobox", "spinbutton")
    }
    assert controls == {
        ("combobox", "Model"),
        ("button", "Settings"),
        ("button", "New chat"),
        ("textbox", "System prompt"),
        ("textbox", "API key"),
        ("spinbutton", "Temperature"),
        ("combobox", "Thinking"),
        ("button", "Copy"),
        ("button", "Add an image"),
        ("textbox", "Message"),
        ("button", "Send"),
    }
    assert {("log", "Conversation"), ("article", "Your message"), ("article", "Answer")} <= set(found)
    assert any(role == "image" and name.startswith("Time: queue") for role, name in found)


async def test_an_answer_is_read_once_it_is_complete(serve: Serve, page: Page) -> None:
    live = await serve(behavior={"tokens": 1000, "token_seconds": 0.02})
    await open_page(page, live)
    await ask(page, "Hello")
    await page.shows(".numbers", "tokens/s")
    assert await page.run("document.querySelector('.answer').ariaBusy") == "true"
    await page.press("Escape")
    await page.shows(".numbers", "stopped")
    assert await page.run("document.querySelector('.answer').ariaBusy") == "false"


async def test_the_end_of_the_answer_stays_in_view_until_the_reader_scrolls_up(
    serve: Serve, page: Page
) -> None:
    live = await serve(behavior={"tokens": 10_000, "token_seconds": 0.005})
    await page.look(width=320, height=400)
    await open_page(page, live)
    await ask(page, "Hello")
    below = "(({scrollHeight, scrollTop, clientHeight}) => scrollHeight - scrollTop - clientHeight)"
    view = "document.getElementById('view')"
    await until("a long answer", lambda: page.run(f"{view}.scrollHeight"), lambda height: height > 1000)
    assert await page.run(f"{below}({view})") < 40
    await page.run(f"{view}.scrollTop = 0")
    high = await page.run(f"{view}.scrollHeight")
    await until("more of it", lambda: page.run(f"{view}.scrollHeight"), lambda height: height > high + 100)
    assert await page.run(f"{view}.scrollTop") == 0


async def test_nothing_is_cut_off_on_a_phone(serve: Serve, page: Page) -> None:
    live = await serve(behavior={"tokens": 60})
    await page.look(width=320, height=640)
    await open_page(page, live)
    await answered(page, "x" * 300)
    await page.click("#open")
    await page.run(f"document.getElementById('log').append(markdown('```\\n{'y' * 300}\\n```'))")
    shown = (
        "[...document.querySelectorAll('body *')].filter((e) => e.offsetWidth && !e.closest('pre, select'))"
    )
    edge = await page.run(f"Math.max(...{shown}.map((e) => e.getBoundingClientRect().right))")
    assert edge <= 320
    assert await page.run("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_text_stands_out_from_its_background(serve: Serve, page: Page, dark: bool) -> None:
    """WCAG 2.2, 1.4.3 asks for 4.5; 1.4.11 asks for 3 for graphics."""
    await page.look(dark=dark)
    await open_page(page, await serve())
    colors = await page.run(
        "(({...all}, style) => Object.fromEntries(Object.values(all).filter((name) => /^--/.test(name))"
        ".map((name) => [name.slice(2), style.getPropertyValue(name)])))"
        "(getComputedStyle(document.documentElement), getComputedStyle(document.documentElement))"
    )
    pairs = [("text", "page"), ("text", "raised"), ("text", "hover"), ("muted", "page"), ("muted", "hover")]
    for text, page_color in [*pairs, ("on-accent", "accent"), ("error", "error-page"), ("error", "page")]:
        assert contrast(colors[text], colors[page_color]) >= 4.5, (text, page_color)
    for phase in ("queue", "load", "prefill", "decode"):
        assert contrast(colors[phase], colors["page"]) >= 3, phase


def contrast(one: str, other: str) -> float:
    """Return the ratio of two colors' luminance: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    digits = color.strip().removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
