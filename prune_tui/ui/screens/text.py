"""Screens that show a text over the others: the engine's output, a question."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Log, Static

from prune_tui.ui import keys
from prune_tui.ui.tree_line import printable


class EngineLogScreen(ModalScreen[None]):
    """What the engine and the model have written to standard output and error."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,f12", "dismiss", show=False)]
    DEFAULT_CSS = """
    EngineLogScreen { align: center bottom; }
    EngineLogScreen > Log { height: 60%; border: round $border; padding: 0 1; background: $surface; }
    """

    def __init__(self, lines: Iterable[str]) -> None:
        super().__init__()
        self._lines = list(lines)

    def compose(self) -> ComposeResult:
        """The lines so far; more may come."""
        log = Log(highlight=False, auto_scroll=True)
        log.border_title = Content("What the engine printed")
        log.border_subtitle = Content("esc closes")
        yield log

    def on_mount(self) -> None:
        """Fill it."""
        log = self.query_one(Log)
        log.write_lines([printable(line) for line in self._lines] or ["nothing yet"])

    def add(self, line: str) -> None:
        """Another line has come."""
        self.query_one(Log).write_line(printable(line))


_WIDTH = 72
"""Cells of a question, where the window has so many."""


class Question(ModalScreen[str]):
    """Something to be answered with one key.

    Args:
        title: What has happened.
        text: What a person needs to know to answer.
        answers: A word for each key, such as `{"r": "restart", "escape": "look around"}`; no other key
            closes it.
    """

    DEFAULT_CSS = """
    Question { align: center middle; }
    Question > Vertical {
        max-width: 100%; height: auto; max-height: 100%;
        border: heavy $border; border-title-style: bold; padding: 1 2; background: $surface;
    }
    Question Static { height: auto; }
    Question VerticalScroll { height: auto; scrollbar-size-vertical: 1; }
    """
    _AROUND = (6, 4)
    """Cells and lines of frame and padding."""

    def __init__(self, title: str, text: str, answers: dict[str, str]) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._answers = answers
        for key, word in answers.items():
            self._bindings.bind(key, f"answer('{word}')", word, show=False)

    def compose(self) -> ComposeResult:
        """The text, then the keys."""
        with Vertical() as box:
            box.border_title = Content(self._title)
            box.styles.width = _WIDTH
            with VerticalScroll():
                yield Static(Text("\n".join(map(printable, self._text.splitlines()))))
            yield Static(self._choices)

    @property
    def _choices(self) -> Text:
        choices = Text("\n")
        for word in dict.fromkeys(self._answers.values()):
            means = [keys.shown(key) for key, other in self._answers.items() if other == word]
            choices.append(" ".join(means), style="bold")
            choices.append(f" {word}   ")
        return choices

    def on_resize(self, event: events.Resize) -> None:
        """However long the text is, the answers are seen; it scrolls where there is no room for it."""
        around = self._AROUND
        width = min(event.size.width, _WIDTH) - around[0]
        answers = len(self._choices.wrap(self.app.console, max(1, width)))
        self.query_one(VerticalScroll).styles.max_height = max(1, event.size.height - around[1] - answers)

    def action_answer(self, word: str) -> None:
        """An answer was given."""
        self.dismiss(word)


class LeaveQuestion(Question):
    """Whether to leave though something is not saved.

    Args:
        text: What.
        keeps: There are steps, and they can be gone on with later.
        saves: There is something that a file would hold.
    """

    STAY = "stay"
    SAVE = "save and leave"
    DISCARD = "discard them"

    def __init__(self, text: str, *, keeps: bool, saves: bool) -> None:
        save = {"s": self.SAVE} if saves else {}
        leave = {"q": "keep them", "d": self.DISCARD} if keeps else {"q": "leave"}
        super().__init__("Leave?", text, {**save, **leave, "escape": self.STAY})
