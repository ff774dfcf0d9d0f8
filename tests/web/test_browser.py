"""The app in a real headless Chromium."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from prune_tui import journal
from tests.web import browser

pytestmark = [
    pytest.mark.web,
    pytest.mark.skipif(browser.COMMAND is None, reason="Chromium is not installed (Debian: apt install chromium)"),
]


@asynccontextmanager
async def served(*options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The server, and the address it has told."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "prune_tui", "web", *options, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        line = (await process.stderr.readline()).decode()
        address = re.search(r"http://\S+", line)
        assert address is not None, line
        await _listening(int(options[options.index("--port") + 1]))
        yield process, address.group()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _listening(port: int) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the server does not listen")


@pytest.fixture
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.mark.usefixtures("_state")
async def test_a_person_looks_and_prunes_in_the_page(unused_tcp_port: int) -> None:
    options = ("demo", "--device", "cpu", "--token", "--port", str(unused_tcp_port))
    async with served(*options) as (_, address), browser.page() as page:
        await page.open(address)
        await page.wait_for("LeNet", "60,074 params", "accuracy", "conv1", "fc3")
        assert await page.value("location.href") == address.partition("?")[0]
        assert all(url.startswith(address.partition("?")[0]) for url in page.requested)
        before = await page.picture()
        await page.press("j")
        await page.wait_for("conv1.weight  6×1×3×3")
        await page.press("3")
        await page.wait_for("l1_unstructured", "enter applies")
        assert await page.picture() != before  # the canvas shows it, too
        await page.press("\r")
        await page.wait_for("keeps 38 of 54")


@pytest.mark.usefixtures("_state")
async def test_a_page_that_is_closed_ends_its_app_and_keeps_its_steps(unused_tcp_port: int) -> None:
    async with served("demo", "--device", "cpu", "--port", str(unused_tcp_port)) as (server, address):
        async with browser.page() as page:
            await page.open(address)
            await page.wait_for("LeNet", "conv1")
            await page.press("j")
            await page.press("1")
            await page.wait_for("identity")
            await page.press("\r")
            await page.wait_for("keeps 54 of 54")
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
        for _ in range(300):
            if not children.read_text().split():
                break
            await asyncio.sleep(0.1)
        assert children.read_text().split() == []
        (kept,) = journal.listing(journal.folder())
        assert journal.read(kept).done == 1


@pytest.mark.usefixtures("_state")
async def test_q_ends_the_session_and_another_can_be_started(unused_tcp_port: int) -> None:
    async with served("--readonly", "--port", str(unused_tcp_port)) as (_, address), browser.page() as page:
        await page.open(address)
        await page.wait_for("LeNet", "conv1")
        await page.press("q")
        for _ in range(300):
            if await page.value("document.body.classList.contains('-closed')"):
                break
            await asyncio.sleep(0.1)
        told = await page.value("document.querySelector('.ended').innerText")
        assert told.split() == ["This", "session", "has", "ended.", "Start", "again"]
