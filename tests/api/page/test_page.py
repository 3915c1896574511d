"""What the chat page may load, and how it shows text."""

import json
import re

from llm_api.server import page as chat_page

from tests.api.support.browser import Page
from tests.api.support.chat_page import answered, open_page
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
