"""What the chat page may load, and its use by keyboard, by screen reader, on a phone and in the dark."""

import json
import re

import pytest
from llm_api.server import page as chat_page

from tests.api.support.browser import Page
from tests.api.support.chat_page import answered, ask, open_page, requests
from tests.api.support.in_process import Open
from tests.api.support.live import Serve
from tests.waiting import until

HOSTILE = "<img src=x onerror=alert(1)> <script>alert(2)</script> **<b>bold</b>** `<i>`\n```\n<u>\n```"
MARKDOWN = {
    "one\ntwo\n\nthree": "<p>one\ntwo</p><p>three</p>",
    "# Title\ntext": "<h3>Title</h3><p>text</p>",
    "- a\n- b\n\n1. c\n2) d": "<ul><li>a</li><li>b</li></ul><ol><li>c</li><li>d</li></ol>",
    "**a** *b* `c *d*` 2*3*4": "<p><strong>a</strong> <em>b</em> <code>c *d*</code> 2*3*4</p>",
    "x:\n```python\nif a:\n  *b*\n```\ny": "<p>x:</p><pre><code>if a:\n  *b*</code></pre><p>y</p>",
    "```\nnot finished": "<pre><code>not finished</code></pre>",
}


async def test_the_page_needs_no_key_and_is_not_counted(open_gateway: Open) -> None:
    app = await open_gateway(api_keys="sk-right")
    before = app.gateway.metrics.render()
    response = await app.http.get("/")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    changed = set(app.gateway.metrics.render().splitlines()) - set(before.splitlines())
    assert not any(line.startswith(b"llm_") for line in changed)
    assert (await app.http.head("/")).status_code == 200


def test_the_page_is_one_file_without_addresses_of_other_hosts() -> None:
    text = chat_page.PAGE.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert "//" not in re.sub(r"^\s*//.*|; //.*|, //.*|\) //.*", "", text, flags=re.MULTILINE)
    assert re.findall(r"<(?:script|style|link|img|iframe)\b[^>]*\b(?:src|href)=(.{5})", text) == ['"data']


async def test_the_policy_lets_the_pages_own_script_run_and_nothing_else(serve: Serve, page: Page) -> None:
    live = await serve(behavior={"tokens": 3})
    await open_page(page, live)
    await answered(page, "Hello")
    assert page.errors == []
    assert {sent["url"].removeprefix(live.url) for sent in page.requested} == {
        "/",
        "/ready",
        "/v1/models",
        "/v1/chat/completions",
    }
    for script in (
        "document.body.append(Object.assign(document.createElement('script'), {text: 'hacked = 1'}))",
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"hacked = 1\">')",
        "fetch('http://127.0.0.1:1/').catch(() => 0)",
    ):
        await page.run(f"void {script}")
    await until("three refusals", lambda: len(page.errors), lambda count: count >= 3)
    assert all("Content Security Policy" in error for error in page.errors)
    assert await page.run("typeof hacked") == "undefined"


async def test_html_in_an_answer_is_text(serve: Serve, page: Page) -> None:
    await open_page(page, await serve())
    await page.run(f"document.getElementById('log').append(markdown({json.dumps(HOSTILE)}))")
    assert await page.run("document.querySelectorAll('#log :is(img, script, b, i, u)').length") == 0
    shown = await page.run("document.getElementById('log').textContent")
    for part in ("<img src=x onerror=alert(1)>", "<script>alert(2)</script>", "<b>bold</b>", "<i>", "<u>"):
        assert part in shown


async def test_markdown_is_shown_as_it_is_meant(serve: Serve, page: Page) -> None:
    await open_page(page, await serve())
    show = "((text) => { const box = element('div'); box.append(markdown(text)); return box.innerHTML; })"
    for text, html in MARKDOWN.items():
        shown = await page.run(f"{show}({json.dumps(text)})")
        assert re.sub(r' (class=""|value="\d+")', "", shown) == html


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
    await page.click("#open")
    await answered(page, "Hello")
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


async def test_nothing_is_cut_off_on_a_phone(serve: Serve, page: Page) -> None:
    live = await serve(behavior={"tokens": 60})
    await page.look(width=320, height=640)
    await open_page(page, live)
    await page.click("#open")
    await answered(page, "x" * 300)
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
