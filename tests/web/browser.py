"""A headless Chromium, driven over its debugging protocol, and what the app draws in its page."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pyte

COMMAND = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # CI is root in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--window-size=1200,800",
    "--remote-debugging-port=0",
)


class Page:
    """A page of the browser.

    The terminal in it draws to a canvas, which has no text: so what it is sent is drawn once more here.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._emulator = pyte.Screen(300, 100)
        self._stream = pyte.ByteStream(self._emulator)
        self.requested: list[str] = []
        self._listening = asyncio.ensure_future(self._listen())

    async def _listen(self) -> None:
        async for message in self._socket:
            told = message.json()
            if "id" in told:
                self._answers.pop(told["id"]).set_result(told)
            elif told["method"] == "Network.webSocketFrameReceived":
                frame = told["params"]["response"]
                if frame["opcode"] == 2:
                    self._stream.feed(base64.b64decode(frame["payloadData"]))
            elif told["method"] == "Network.requestWillBeSent":
                self.requested.append(told["params"]["request"]["url"])

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the browser for something."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        told = await asyncio.wait_for(answer, 30)
        assert "error" not in told, told
        result: dict[str, Any] = told["result"]
        return result

    async def value(self, expression: str) -> Any:
        """What an expression of JavaScript comes to in the page."""
        return (await self.ask("Runtime.evaluate", expression=expression))["result"].get("value")

    async def open(self, url: str) -> None:
        """Go to an address."""
        for domain in ("Page", "Network", "Runtime"):
            await self.ask(f"{domain}.enable")
        await self.ask("Emulation.setFocusEmulationEnabled", enabled=True)  # as a window in front has it
        await self.ask("Page.navigate", url=url)

    async def press(self, text: str) -> None:
        """Press a key that writes a character."""
        await self.ask("Input.dispatchKeyEvent", type="keyDown", key=text, text=text)
        await self.ask("Input.dispatchKeyEvent", type="keyUp", key=text)

    @property
    def text(self) -> str:
        """What the app has drawn."""
        return "\n".join(line.rstrip() for line in self._emulator.display).rstrip()

    async def wait_for(self, *wanted: str) -> None:
        """Wait until the app has drawn something."""
        await self.wait_until(lambda: all(word in self.text for word in wanted), f"{wanted}; the screen:\n")

    async def wait_until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + 60
        while not is_so():
            assert time.monotonic() < deadline, f"no {what}{self.text}"
            await asyncio.sleep(0.05)

    async def picture(self) -> bytes:
        """The page as a PNG."""
        return base64.b64decode((await self.ask("Page.captureScreenshot", format="png"))["data"])

    async def close(self) -> None:
        """Listen no more."""
        self._listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listening


@contextlib.asynccontextmanager
async def page() -> AsyncIterator[Page]:
    """The one page of a browser of its own."""
    assert COMMAND is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            COMMAND,
            *OPTIONS,
            f"--user-data-dir={profile}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            port = await _port(Path(profile, "DevToolsActivePort"), process)
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                    targets = json.loads(await answer.text())
                (target,) = (one for one in targets if one["type"] == "page")
                async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    shown = Page(socket)
                    yield shown
                    await shown.close()
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _port(file: Path, process: asyncio.subprocess.Process) -> str:
    for _ in range(600):
        assert process.returncode is None, "the browser has ended"
        if file.exists() and len(lines := file.read_text().splitlines()) > 1:
            return lines[0]
        await asyncio.sleep(0.1)
    raise AssertionError("the browser did not start")
