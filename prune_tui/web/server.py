"""textual-serve's server, with a guard, a page of its own and an end."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from textual_serve.server import Server, to_int

from prune_tui.web.guard import Guard

_FONT_SIZE = 16


def app_command(arguments: Sequence[str]) -> str:
    """The shell's command that runs the app; it becomes the app, and no shell is left between."""
    return shlex.join(["exec", sys.executable, "-m", "prune_tui", *arguments])


class PruneServer(Server):
    """Serves the app.

    Args:
        command: Of the shell, which runs the app for one page.
        host: Where it listens.
        port: On which port.
        title: Of the page.
        token: What an address must have; empty where none is needed.
    """

    def __init__(self, command: str, host: str, port: int, title: str, token: str) -> None:
        super().__init__(command, host, port, title, templates_path=Path(__file__).parent)
        self._guard = Guard(host, port, token)
        self._connections: set[asyncio.Task[object]] = set()

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard.middleware)
        return app

    def initialize_logging(self) -> None:
        """Log nothing of each request; what goes wrong in an app is printed all the same."""

    async def on_startup(self, app: web.Application) -> None:
        """The command has told where it is; a logo is not needed."""

    async def on_shutdown(self, app: web.Application) -> None:
        """End the apps; aiohttp would wait a minute for their pages to go."""
        for connection in self._connections:
            connection.cancel()

    @aiohttp_jinja2.template("app_index.html")
    async def handle_index(self, request: web.Request) -> dict[str, Any]:
        """The page; its addresses are its own, by whatever name it was reached: through a tunnel, too."""
        return {"title": self.title, "font_size": to_int(request.query.get("fontsize", ""), _FONT_SIZE)}

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run the app for a page until one of both goes."""
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        try:
            return await super().handle_websocket(request)
        finally:
            self._connections.discard(connection)
