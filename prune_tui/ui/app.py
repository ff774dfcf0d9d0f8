"""The app: starts the engine, opens the model, and sees to it that every end is a clean one."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterable
from typing import ClassVar, Protocol

import msgspec
from textual import work
from textual.app import App
from textual.binding import Binding, BindingType

from prune_tui import protocol, views
from prune_tui.client import Client, EngineGone, Refused
from prune_tui.ui import keys
from prune_tui.ui.palette import Commands
from prune_tui.ui.screens.main import MainScreen
from prune_tui.ui.screens.text import EngineLogScreen, HelpScreen, Question

CANNOT_OPEN = 2
"""Exit code when there is nothing to show."""


class Engine(Protocol):
    """What the app needs of an engine: `client.EngineProcess`, or in tests one in this process.

    Attributes:
        connection: Our end of its socket.
        on_line: Called in a thread with each line it prints.
    """

    connection: socket.socket
    on_line: Callable[[str], None] | None

    @property
    def log(self) -> Iterable[str]:
        """The lines it has printed."""

    def ending(self) -> str:
        """How it ended, in words."""

    def stop(self) -> None:
        """End it."""


class PruneApp(App[None]):
    """A terminal inspector for PyTorch modules, parameters and pruning masks.

    Args:
        request: What to open.
        start_engine: Makes an engine; called again when a dead one is to be replaced.
    """

    TITLE = "prune-tui"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[type[Commands]]] = {Commands}  # type: ignore[assignment]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q,ctrl+c", "leave", show=False, priority=True, id="app.leave"),
    ]

    def __init__(self, request: protocol.Open, start_engine: Callable[[], Engine]) -> None:
        super().__init__()
        self.animation_level = "none"
        self._request = request
        self._start_engine = start_engine
        self.asked_to_leave = False
        self._to_repeat: tuple[views.LogEntry, ...] = ()
        self._leaving = False
        self._running_loop: asyncio.AbstractEventLoop | None = None
        self._begun = False
        self._signal_code: int | None = None
        self.engine: Engine | None = None
        self.failure = ""
        self.failure_details = ""

    # Life

    def get_default_screen(self) -> MainScreen:
        """The panes are there from the first paint on."""
        return MainScreen()

    @property
    def main(self) -> MainScreen:
        """The screen with the panes, whatever lies over it."""
        for screen in self.screen_stack:
            if isinstance(screen, MainScreen):
                return screen
        raise RuntimeError("the main screen is always at the bottom of the stack")

    def on_load(self) -> None:
        """From now on the terminal is ours, and a signal must not end us without giving it back."""
        self._running_loop = asyncio.get_running_loop()

    def signalled(self, code: int) -> None:
        """Leave without a question; made to be called in a signal handler.

        Raises:
            SystemExit: The terminal is not ours yet, so there is nothing to give back.
        """
        if self._running_loop is None:
            raise SystemExit(code)
        self._leaving = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: we are leaving already
            self._running_loop.call_soon_threadsafe(self._leave_on_signal, code)

    def _leave_on_signal(self, code: int) -> None:
        self._signal_code = code
        if self._begun:  # Textual must not be told to exit while it composes a screen
            self.exit(return_code=code)

    def begin(self) -> None:
        """The panes are there: paint them, then open the model."""
        self._begun = True
        if self._signal_code is not None:
            self.exit(return_code=self._signal_code)
        else:
            self.call_after_refresh(self._open)

    async def on_unmount(self) -> None:
        """Leave no process behind."""
        self._leaving = True
        if self.engine is not None:
            await self.client.close()
            self.engine.stop()

    @work(exclusive=True, group="open")
    async def _open(self) -> None:
        await self._connect()
        try:
            opened = await self.client.ask(self._request, views.Opened)
        except Refused as refused:
            await self._not_opened(refused.failed)
            return
        except EngineGone:
            return
        self.main.show_model(opened)

    async def _connect(self) -> None:
        self.engine = self._start_engine()
        self.engine.on_line = self._engine_printed
        self.client = Client(self.engine.connection, self._event, self._engine_gone)
        await self.client.start()

    async def _not_opened(self, failed: views.Failed) -> None:
        if failed.kind == "wrapped":
            answer = await self.push_screen_wait(
                Question(
                    "Open what is inside?", failed.message, {"enter": "open it", "q": "quit", "escape": "quit"}
                )
            )
            if answer == "open it":
                self._request = msgspec.structs.replace(self._request, unwrap=True)
                self._open_again()
                return
        self._give_up(failed)

    def _give_up(self, failed: views.Failed) -> None:
        self.failure = failed.message
        self.failure_details = failed.details
        self.exit(return_code=CANNOT_OPEN)

    @work(exclusive=True, group="open")
    async def _open_again(self) -> None:
        try:
            self.main.show_model(await self.client.ask(self._request, views.Opened))
        except Refused as refused:
            self._give_up(refused.failed)
        except EngineGone:
            return

    # What the engine tells unasked

    def _event(self, body: views.Body) -> None:
        if isinstance(body, views.Progress):
            self.main.status.activity = body.text
        elif isinstance(body, views.MetricMeasured):
            self._measured(body)

    def _measured(self, body: views.MetricMeasured) -> None:
        status = self.main.status
        known = status.metric
        if known is not None:
            if body.state == known.state == "measuring":
                return  # the last value stays in sight until the next one is there
            if body.start is None:  # a new engine began with the steps done again
                body = msgspec.structs.replace(body, start=known.start)
        status.metric = body
        if body.state == "failed":
            self.notify(f"{body.name} could not be measured: {body.message}", severity="warning", markup=False)

    def _engine_printed(self, line: str) -> None:
        """Called in the thread that collects the engine's output, which waits: a flood of lines stalls no key."""
        shown = any(isinstance(screen, EngineLogScreen) for screen in self.screen_stack)
        if shown and not self._leaving:
            with contextlib.suppress(RuntimeError):  # the app ended between the question and the call
                self.call_from_thread(self._add_line, line)

    def _add_line(self, line: str) -> None:
        if isinstance(self.screen, EngineLogScreen):
            self.screen.add(line)

    def _engine_gone(self) -> None:
        if not self._leaving:
            self._mourn()

    @work(exclusive=True, group="mourn")
    async def _mourn(self, why: str = "") -> None:
        """Say that the engine is dead, what it said last, and offer a new one with the steps done again."""
        engine = self.engine
        if engine is None:
            return
        main = self.main
        main.close_form()
        main.status.activity = "the engine is gone"
        how = why or self.client.broken or await asyncio.to_thread(engine.ending)
        done = [entry for entry in self._to_repeat or main.entries if not entry.undone]
        last = list(engine.log)[-6:]
        said = "\n".join(["", "It said last:", *(f"  {line}" for line in last)]) if last else ""
        again = f"do your {len(done)} step{'s' if len(done) > 1 else ''} again" if done else "open the model again"
        steps = f"A new one can {again}"
        text = f"The engine has ended: {how}. The screen still shows what it told before.\n{steps}.{said}"
        answer = await self.push_screen_wait(
            Question("The engine is gone", text, {"r": "restart", "q": "quit", "escape": "look around"})
        )
        if answer == "quit" and main.status.summary is None:
            self._give_up(views.Failed(f"{self._request.source} could not be opened: the engine has ended, {how}"))
        elif answer == "quit":
            self.exit(return_code=1)
        elif answer == "restart":
            self._restart()

    @work(exclusive=True, group="open")
    async def _restart(self) -> None:
        """A new engine, the same model, the same steps with the same seeds; undone ones can be redone."""
        main = self.main
        # Kept until all are done: a second death on the way must not lose the rest.
        self._to_repeat = self._to_repeat or main.entries
        await self.client.close()
        if self.engine is not None:
            self.engine.stop()
        main.status.activity = "starting the engine"
        await self._connect()
        try:
            main.show_model(await self.client.ask(self._request, views.Opened))
            await self._repeat(self._to_repeat)
        except Refused as refused:
            self._mourn(f"it could not open the model again: {refused}")
            return
        except EngineGone:
            return
        self._to_repeat = ()
        main.status.activity = ""

    async def _repeat(self, entries: tuple[views.LogEntry, ...]) -> None:
        """Do steps again; one that is refused is told and left out, the others do not wait for it."""
        edits: list[protocol.Request] = [protocol.Apply(entry.step) for entry in entries]
        edits += [protocol.Undo() for entry in entries if entry.undone]
        refusals = []
        for number, request in enumerate(edits, start=1):
            self.main.status.activity = f"step {number} of {len(edits)} again"
            try:
                await self.main.show_edit(await self.client.ask(request, views.Edited), quietly=True)
            except Refused as refused:
                refusals.append(f"step {number} could not be done again: {refused}")
        if refusals:
            self.notify("\n".join(refusals), severity="error", timeout=30, markup=False)

    @property
    def answering(self) -> bool:
        """Whether there is an engine to ask; offers a new one when it is gone."""
        if self.client.gone:
            self._mourn()
        return not self.client.gone

    @property
    def editable(self) -> bool:
        """Whether an engine is there and not busy doing the steps again; offers a new one when it is gone."""
        return self.answering and not self._to_repeat

    # Screens over the main one

    def show_help(self, place: keys.Place) -> None:
        """Show all keys."""
        self.push_screen(HelpScreen(place))

    def show_engine_log(self) -> None:
        """Show what the engine has printed."""
        self.push_screen(EngineLogScreen(self.engine.log if self.engine is not None else []))

    def tell_bug(self) -> None:
        """A mistake of ours; the engine has printed its traceback."""
        self.notify("this is a bug of prune-tui; nothing was changed. F12 shows the details", severity="error")

    # Leaving

    def action_leave(self) -> None:
        """Leave; asks once when there are steps that are not saved."""
        summary = self.main.status.summary
        if summary is None or not summary.steps or self.asked_to_leave:
            self._leaving = True
            self.exit(return_code=0)
            return
        self.asked_to_leave = True
        self.set_timer(5, self._stay)
        steps = f"{summary.steps} step{'s' if summary.steps > 1 else ''}"
        self.notify(f"{steps} will be lost. Press the key again to leave", severity="warning", timeout=5)

    def _stay(self) -> None:
        self.asked_to_leave = False
