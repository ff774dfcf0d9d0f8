"""Who may open the page, with aiohttp's own client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from prune_tui.web.guard import is_loopback
from prune_tui.web.server import PruneServer

TOKEN = "a-token"
REFUSED = "prune-tui: the token is missing or wrong; open the whole address that prune-tui web has printed\n"


@asynccontextmanager
async def served(host: str, token: str) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    """A client of the server, which runs no app: `cat` says nothing."""
    server = PruneServer("exec cat", host, 8000, "prune-tui <demo>", token)
    async with TestClient(TestServer(await server._make_app())) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/ws", "/static/js/textual.js", "/download/x"])
async def test_without_the_token_nothing_is_shown_or_started(path: str) -> None:
    async with served("0.0.0.0", TOKEN) as client:
        for url in (path, f"{path}?token=", f"{path}?token=wrong", f"{path}?token=%F0%9F%92%A9"):
            answer = await client.get(url, allow_redirects=False)
            assert (answer.status, await answer.text()) == (
                403,
                REFUSED,
            )


async def test_with_the_token_the_page_comes_without_it_in_its_address() -> None:
    async with served("0.0.0.0", TOKEN) as client:
        answer = await client.get(f"/?token={TOKEN}")
        assert (answer.status, str(answer.url.relative())) == (200, "/")
        assert "prune-tui &lt;demo&gt;" in await answer.text()
        (cookie,) = client.session.cookie_jar
        assert (cookie.value, cookie["httponly"], cookie["samesite"]) == (TOKEN, True, "Lax")
        assert (await client.get("/static/js/textual.js")).status == 200
        async with client.ws_connect("/ws"):
            pass


async def test_the_websocket_alone_is_refused_too() -> None:
    async with served("0.0.0.0", TOKEN) as client:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect("/ws")
        assert refused.value.status == 403


async def test_here_no_token_is_needed() -> None:
    async with served("127.0.0.1", "") as client:
        assert (await client.get("/")).status == 200
        async with client.ws_connect("/ws"):
            pass


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "null", "https://[x"])
async def test_a_page_of_another_site_may_not_use_it(origin: str) -> None:
    async with served("127.0.0.1", "") as client:
        answer = await client.get("/ws", headers={"Origin": origin})
        assert (answer.status, "may not use it" in await answer.text()) == (403, True)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "[x", ""])
async def test_another_name_that_leads_here_is_refused(host: str) -> None:
    async with served("127.0.0.1", "") as client:
        assert (await client.get("/", headers={"Host": host})).status in {400, 403}


async def test_the_page_is_shown_in_no_other_and_kept_nowhere() -> None:
    async with served("127.0.0.1", "") as client:
        headers = (await client.get("/")).headers
        assert (headers["X-Frame-Options"], headers["Cache-Control"]) == ("DENY", "no-store")
        assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("localhost", True), ("LOCALHOST.", True), ("::1", True),
        ("[::1]", True), ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("localhost.evil.example", False),
        ("", False),
    ],
)  # fmt: skip
def test_what_only_this_machine_reaches(host: str, here: bool) -> None:
    assert is_loopback(host) is here
