"""Chromium, driven through a pipe: https://chromedevtools.github.io/devtools-protocol/."""

import asyncio
import base64
import itertools
import json
import os
from pathlib import Path
from typing import Any

from tests.waiting import until, within

# Keys that the tests press: their code, and the text that they type.
KEYS = {"Enter": (13, "\r"), "Escape": (27, ""), "Tab": (9, "")}


class Page:
    """One tab, with what it reported as errors and what it requested."""

    def __init__(self, reader: asyncio.StreamReader, writer: int) -> None:
        self._reader, self._writer, self._session = reader, writer, ""
        self._numbers = itertools.count(1)
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.errors: list[str] = []
        self.requested: list[dict[str, Any]] = []

    async def attach(self) -> None:
        """Open the tab."""
        target = await self._send("Target.createTarget", url="about:blank")
        attached = await self._send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self._send(f"{domain}.enable")

    async def listen(self) -> None:
        """Receive what Chromium sends, until it ends."""
        while True:
            message = json.loads((await self._reader.readuntil(b"\0"))[:-1])
            if reply := self._replies.pop(message.get("id", 0), None):
                if "error" in message:
                    reply.set_exception(AssertionError(message["error"]))
                else:
                    reply.set_result(message["result"])
            else:
                self._note(message["method"], message["params"])

    def _note(self, method: str, params: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requested.append(params["request"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(params["exceptionDetails"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])

    async def _send(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        reply = self._replies[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params}
        message |= {"sessionId": self._session} if self._session else {}
        os.write(self._writer, json.dumps(message).encode() + b"\0")
        return await within(f"Chromium's reply to {method}", reply)

    async def open(self, url: str) -> None:
        await self._send("Page.navigate", url=url)
        await until(f"{url} to load", lambda: self.run("document.readyState === 'complete' && location.href"))

    async def run(self, script: str) -> Any:
        """Return the value of an expression; a promise is awaited."""
        result = await self._send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def text(self, selector: str) -> str:
        """Return the visible text of the last match, or "" if there is none."""
        script = f"[...document.querySelectorAll({json.dumps(selector)})].at(-1)?.innerText ?? ''"
        text: str = await self.run(script)
        return text

    async def shows(self, selector: str, text: str) -> None:
        """Wait until the last match has this text in it."""
        await until(f"{text!r} in {selector}", lambda: self.text(selector), lambda seen: text in seen)

    async def click(self, selector: str) -> None:
        """Click the middle of the last match with the mouse."""
        box = await self.run(
            f"(() => {{ const all = document.querySelectorAll({json.dumps(selector)}); "
            "const box = all[all.length - 1].getBoundingClientRect(); "
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self._send(
                "Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1
            )

    async def type(self, text: str) -> None:
        await self._send("Input.insertText", text=text)

    async def press(self, key: str, *, shift: bool = False) -> None:
        code, text = KEYS[key]
        for kind in ("keyDown", "keyUp"):
            await self._send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                modifiers=8 if shift else 0,
                **({"text": text} if text and kind == "keyDown" else {}),
            )

    async def choose_file(self, selector: str, path: Path) -> None:
        found = await self._send(
            "Runtime.evaluate", expression=f"document.querySelector({json.dumps(selector)})"
        )
        await self._send("DOM.setFileInputFiles", files=[str(path)], objectId=found["result"]["objectId"])

    async def look(self, *, width: int = 1000, height: int = 720, dark: bool = False) -> None:
        """Set the size of the window, and whether its user prefers dark colors."""
        await self._send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        await self._send("Emulation.setEmulatedMedia", features=features)

    async def screenshot(self) -> bytes:
        """Return what the window shows, as PNG."""
        shot = await self._send("Page.captureScreenshot", format="png")
        return base64.b64decode(shot["data"])

    async def accessible(self) -> list[tuple[str, str]]:
        """Return the role and the name of everything that assistive technology sees."""
        tree = await self._send("Accessibility.getFullAXTree")
        return [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in tree["nodes"]
            if not node["ignored"]
        ]
