"""The app: starts the engine, opens the model, and sees to it that every end is a clean one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import msgspec
from textual import events, work
from textual.binding import Binding, BindingType

from prune_tui import journal, protocol, views
from prune_tui.client import Client, EngineGone, Refused
from prune_tui.exit_codes import FAILED, FOUND
from prune_tui.journal import JournalError
from prune_tui.memory_views import MemoryUsed
from prune_tui.settings.choosing import AS_EVER, Settings
from prune_tui.source_names import settled
from prune_tui.ui import keys
from prune_tui.ui.engine_wanted import Engine
from prune_tui.ui.keys_in_order import KeysInOrder
from prune_tui.ui.layout_file import LayoutFile
from prune_tui.ui.leaving import Leaving
from prune_tui.ui.numbers import counted
from prune_tui.ui.on_a_line import OnALine
from prune_tui.ui.palette import Commands
from prune_tui.ui.questions import REMEDIES, told
from prune_tui.ui.screens.help import HelpScreen
from prune_tui.ui.screens.main import MainScreen
from prune_tui.ui.screens.text import EngineLogScreen, Question
from prune_tui.ui.tree_line import cut, printable


class PruneApp(Leaving, OnALine, KeysInOrder):
    """A terminal inspector for PyTorch modules, parameters and pruning masks.

    Args:
        request: What to open.
        start_engine: Makes an engine; called again when a dead one is to be replaced.
        keeps: The journals outlive the app, so that steps can be gone on with later.
        settings: What a person has settled.
        layout_file: Where the layout is kept; None begins with the designed one and keeps none.

    Attributes:
        layout_file: As given.
        keymap: What each key does.
        failure: Why nothing could be opened; empty when something was.
        failure_details: Its traceback.
    """

    TITLE = "prune-tui"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[type[Commands]]] = {Commands}  # type: ignore[assignment]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q,ctrl+c", "leave", show=False, priority=True, id="app.leave"),
    ]

    def __init__(
        self,
        request: protocol.Open,
        start_engine: Callable[[], Engine],
        *,
        keeps: bool = True,
        settings: Settings = AS_EVER,
        layout_file: LayoutFile | None = None,
    ) -> None:
        super().__init__(settings, keeps=keeps and bool(request.journals))
        self.layout_file = layout_file
        self.keymap = keys.Keymap(settings.keys)
        self.set_keymap(self.keymap.textual())
        self.animation_level = "none"
        self._request = request
        self._start_engine = start_engine
        self._journal: Path | None = None
        self._opening = False
        self._restarting = False
        self._running_loop: asyncio.AbstractEventLoop | None = None
        self._signal_code: int | None = None
        self.engine: Engine | None = None
        self.failure = ""
        self.failure_details = ""

    def look_anew(self) -> None:
        """Draw the tensor as it is to look now."""
        self.main.look_again()

    def say(self, text: str) -> None:
        """Tell a person something in a toast."""
        self.main.say(text)

    # Life

    async def on_event(self, event: events.Event) -> None:
        """Before the first key does what it does, what is told at the first start goes."""
        if self._begun and isinstance(event, events.Key):
            self.main.forget_hint()
        await super().on_event(event)

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
        """The terminal is ours: a signal must not end us without giving it back, and some keys work everywhere."""
        self._running_loop = asyncio.get_running_loop()
        for key, action in self.keymap.over_all():
            self._bindings.bind(key, action, show=False, priority=True)

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
        self.mind_stops()
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
        if self._discarded and self._journal is not None:
            with contextlib.suppress(JournalError):  # then it is kept: `prune-tui sessions` shows it
                journal.delete(self._journal)

    @work(exclusive=True, group="open")
    async def _open(self) -> None:
        await self._connect()
        if not self._request.resume and self._request.journals:
            await self._offer_to_go_on()
        await self._ask_to_open()

    async def _offer_to_go_on(self) -> None:
        """Ask about steps on this model that were left, or cut off, the last time."""
        folder, source = Path(self._request.journals), settled(self._request.source)
        try:
            kept = await asyncio.to_thread(journal.latest, folder, source, self._request.arguments)
        except JournalError:  # the engine tells at opening that none can be kept there either
            return
        if kept is None or not kept.done or self._request.readonly:
            return
        answer = await self.push_screen_wait(
            Question(
                "Go on?",
                f"{told(kept)}\nprune-tui sessions lists all that are kept.",
                {
                    "enter": "go on with them",
                    "n": "begin anew",
                    "escape": "begin anew",
                    "d": "delete them",
                    "q": "quit",
                },
            )
        )
        if answer == "go on with them":
            plugins = tuple(str(Path(file).resolve()) for file in self._request.plugins)
            key = self._request.key
            self._request = protocol.Open.going_on(kept, self._request.journals, plugins)
            if self._request.key != key:  # the tree that the headers told is of another part
                self.main.module_tree.set_rows(())
        elif answer == "quit":
            self.leave_with()
        elif answer == "delete them":
            with contextlib.suppress(JournalError):  # another prune-tui has just taken it up
                await asyncio.to_thread(journal.delete, kept.path)

    async def _ask_to_open(self) -> None:
        """Have the engine open what is asked for, and show it."""
        self._opening = True
        try:
            opened = await self.client.ask(self._request, views.Opened)
        except Refused as refused:
            await self._not_opened(refused.failed)
            return
        except EngineGone:
            return
        finally:
            self._opening = False
        self._journal = Path(self._request.journals) / opened.journal if opened.journal else None
        self.main.show_model(opened)
        summary = opened.summary
        if summary.steps or summary.undone or summary.notes or self.main.entries:
            await self.main.show_history()

    async def _connect(self) -> None:
        self.engine = self._start_engine()
        self.engine.on_line = self._engine_printed
        self.client = Client(self.engine.connection, self._event, self._engine_gone)
        self._restarting = False
        await self.client.start()

    async def _not_opened(self, failed: views.Failed) -> None:
        """Ask what to do where something can be done."""
        known = REMEDIES.get(failed.kind)
        if known is None:
            self._give_up(failed)
            return
        answer = await self.push_screen_wait(Question(known.title, failed.message, known.answers))
        change = known.changes.get(answer)
        if change is None:
            self._give_up(failed)
            return
        self._request = msgspec.structs.replace(self._request, **change)
        await self._ask_to_open()

    def _give_up(self, failed: views.Failed) -> None:
        self.failure = failed.message
        self.failure_details = failed.details
        self.leave_with(FAILED)

    # What the engine tells unasked

    def _event(self, body: views.Body) -> None:
        if self._leaving:
            return  # the panes may be gone
        if isinstance(body, views.Progress):
            self.main.status.activity = body.text
        elif isinstance(body, views.EarlyOutline):
            self.main.show_early(body)
        elif isinstance(body, views.MetricMeasured):
            self._measured(body)
        elif isinstance(body, MemoryUsed):
            self.main.status.memory = body

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
        if engine is None or self._restarting:
            return
        main = self.main
        main.close_form()
        main.status.activity = "the engine is gone"
        how = why or self.client.broken or await asyncio.to_thread(engine.ending)
        held = f" It held {main.status.memory.text} then." if main.status.memory is not None else ""
        main.status.memory = None
        last = list(engine.log)[-6:]
        said = (
            "\n".join(["", "It said last:", *(f"  {cut(printable(line), 64)}" for line in last)]) if last else ""
        )
        text = (
            f"The engine has ended: {how}.{held} The screen still shows what it told before.\n"
            f"A new one can {self.done_again}.{said}"
        )
        answer = await self.push_screen_wait(
            Question("The engine is gone", text, {"r": "restart", "q": "quit", "escape": "look around"})
        )
        if answer == "quit" and main.status.summary is None:
            self._give_up(views.Failed(f"{self._request.source} could not be opened: the engine has ended, {how}"))
        elif answer == "quit":
            self.leave_with(FOUND)
        elif answer == "restart":
            self.restart()

    @property
    def done_again(self) -> str:
        """What a new engine would do."""
        done = sum(not entry.undone for entry in self.main.entries)
        kept = self._journal is not None and self._journal.exists()
        return f"do your {counted(done, 'step')} again" if done and kept else "open the model again"

    @work(exclusive=True, group="open")
    async def restart(self) -> None:
        """A new engine, the same model, the same steps with the same seeds; undone ones can be redone."""
        self._restarting = True  # until the client is another one, that it is gone is no death
        self.main.close_form()
        self.main.status.activity = "ending the engine"
        await self.client.close()
        if self.engine is not None:
            await asyncio.to_thread(self.engine.stop)
        self.main.status.activity = "starting the engine"
        if self.main.status.summary is None:  # it died before the model was there: everything from the beginning
            while self.screen is not self.main:
                self.pop_screen()
            self._open()
            return
        await self._connect()
        if self._journal is not None and self._journal.exists():
            self._request = msgspec.structs.replace(self._request, resume=self._journal.name, anyway=False)
        await self._ask_to_open()

    @property
    def answering(self) -> bool:
        """Whether there is an engine to ask; offers a new one when it is gone."""
        if self._restarting:
            self.main.say("the engine is being restarted")
        elif self.client.gone:
            self._mourn()
        return not self.client.gone

    @property
    def editable(self) -> bool:
        """Whether an engine is there and not busy doing the steps again; offers a new one when it is gone."""
        return self.answering and not self._opening

    # Screens over the main one

    def show_help(self, place: keys.Place, focus: str) -> None:
        """Show all keys, those of what has the focus first."""
        self.push_screen(HelpScreen(place, focus))

    def show_engine_log(self) -> None:
        """Show what the engine has printed."""
        self.push_screen(EngineLogScreen(self.engine.log if self.engine is not None else []))

    def tell_bug(self) -> None:
        """A mistake of ours; the engine has printed its traceback."""
        key = self.keymap.first("app.log")
        self.notify(f"this is a bug of prune-tui; nothing was changed. {key} shows the details", severity="error")
