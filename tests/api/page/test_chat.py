"""The chat page in Chromium, before a gateway and the simulated runtime: asking, stopping, failing."""

from tests.api.support.browser import Page
from tests.api.support.chat_page import CHAT, answered, ask, open_page, requests
from tests.api.support.in_process import MODEL
from tests.api.support.live import Serve
from tests.api.support.sockets import post
from tests.waiting import until

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
    live = await serve(behavior={"first_token_seconds": HOUR}, max_running=1)
    await open_page(page, live)
    other = await post(live.url, {"prompt": "Hello"})
    await live.simulator_reaches(running=1)
    await ask(page, "Tell me everything.")
    await page.shows(".numbers", "waiting")
    await live.admission_reaches(running=1, waiting=1)
    await live.simulate(behavior={"tokens": 10_000, "first_token_seconds": 0.1, "token_seconds": 0.02})
    other.close()
    for shown in ("queue", "prefill", "decode", "tokens/s"):
        await page.shows(".numbers", shown)
    assert await page.text("#send") == "Stop"
    widths = await page.run("[...document.querySelectorAll('.bar i')].map((part) => part.offsetWidth)")
    assert len(widths) == 3
    assert min(widths) > 0


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
