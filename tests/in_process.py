"""The app with an engine in the same process: the same server, the same frames, a thread instead of a process."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

from textual import events
from textual.keys import _character_to_key, _get_unicode_name_from_key
from textual.pilot import Pilot
from textual.widgets._toast import Toast
from torch import nn

from prune_tui.engine.server import Server
from prune_tui.protocol import Open
from prune_tui.settings.choosing import AS_EVER, Settings
from prune_tui.ui.app import PruneApp
from prune_tui.ui.layout_file import LayoutFile
from prune_tui.ui.screens.main import MainScreen
from prune_tui.ui.screens.text import Question


class EngineHere:
    """What `client.EngineProcess` is, without the process."""

    def __init__(self) -> None:
        self.connection, theirs = socket.socketpair()
        self.on_line: Callable[[str], None] | None = None
        self.log: list[str] = []
        self._thread = threading.Thread(target=self._serve, args=(theirs,), daemon=True)
        self._thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            self._server = Server(connection)
            self._server.serve()

    @property
    def model(self) -> nn.Module:
        """The engine's model itself, to compare with."""
        session = self._server._session
        assert session is not None
        return session.model

    def ending(self) -> str:
        return "it was asked to"

    def stop(self) -> None:
        self.connection.close()
        self._thread.join(timeout=5)


def app_on(
    source: str = "demo",
    *,
    settings: Settings = AS_EVER,
    layout_file: LayoutFile | None = None,
    **request: object,
) -> PruneApp:
    """The app about to open a source; without a file it begins with the designed layout and keeps none."""
    device = "cpu" if source == "demo" else "auto"
    app = PruneApp(Open(source, device=device, **request), EngineHere, settings=settings, layout_file=layout_file)
    app.NOTIFICATION_TIMEOUT = 600  # what is told must still be there on a slow machine
    return app


# A question on the screen keeps its worker waiting for an answer.
_WAITING_FOR_A_PERSON = {"mourn", "leave", "open", "stuck"}


async def settle(pilot: Pilot[None]) -> None:
    """Wait until every request is answered, drawn, and has led to nothing more."""
    quiet = 0
    while busy(pilot) or quiet < 3:
        if busy(pilot):
            quiet = 0
            await asyncio.sleep(0.01)
        else:
            quiet += 1
            await pilot.pause(0.01)  # with it each widget's queue has been emptied


def busy(pilot: Pilot[None]) -> bool:
    """Whether something is still asked, measured or under way."""
    app = pilot.app
    assert isinstance(app, PruneApp)
    assert not app.failure, app.failure
    asked = _WAITING_FOR_A_PERSON if isinstance(app.screen, Question) else set()
    working = any(worker.is_running and worker.group not in asked for worker in app.workers)
    asking = app.client.waiting if hasattr(app, "client") else 1
    return bool(working or asking or app.keys_wait or any(metric_pending(app)))


def metric_pending(app: PruneApp) -> Iterator[bool]:
    """Whether the accuracy of the model as it is now is still to come."""
    for screen in app.screen_stack:
        if isinstance(screen, MainScreen):
            status = screen.status
            summary, metric = status.summary, status.metric
            yield bool(summary and summary.metric) and (metric is None or metric.state == "measuring")


@asynccontextmanager
async def running(app: PruneApp, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[None]]:
    """The app with its model open, as a pilot sees it."""
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        yield pilot


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys, each when the one before has had its effect.

    `Pilot.press` waits until the processor is idle, for a second if need be; the engine beside us seldom is.
    """
    for key in keys:
        send(pilot, key)
        await settle(pilot)


def send(pilot: Pilot[None], key: str) -> None:
    """Press a key as a terminal tells it, and wait for nothing."""
    name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
    try:
        character = unicodedata.lookup(_get_unicode_name_from_key(name))
    except KeyError:
        character = key if len(key) == 1 else None
    pilot.app.post_message(events.Key(name, character))


async def answer(pilot: Pilot[None], key: str) -> None:
    """Answer the question on the screen, and wait for what follows from that."""
    question = pilot.app.screen
    assert isinstance(question, Question)
    await pilot.press(key)
    while pilot.app.screen is question and pilot.app.is_running:
        await pilot.pause(0.01)
    await settle(pilot)


def words(pilot: Pilot[None]) -> str:
    """What stands in the right half as running text: without frames, and wrapped sentences in one piece.

    A message, which lies on the frame below from the left edge on, follows behind.
    """
    app = pilot.app
    assert isinstance(app, PruneApp)
    left, lines = app.main.query_one("#right").region.x, screen_text(pilot).splitlines()
    texts = [line[left:] for line in lines]
    for toast in app.screen.query(Toast):
        region = toast.region
        texts += [line[region.x : region.right] for line in lines[region.y : region.bottom]]
    return " ".join(re.sub("[│╭╮╰╯─┃┏┓┗┛━]", " ", " ".join(texts)).split())


def screen_text(pilot: Pilot[None]) -> str:
    """What stands on the screen, line by line, as `tmux capture-pane` would print it."""
    app = pilot.app
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in lines)
