"""The help: all keys, those of the focused pane first, and only those that match what is typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from prune_tui.ui import keys

_OTHER_NAMES = {"ctrl+c": "^c", "esc": "escape", "page up": "pageup", "page down": "pagedown"}
"""How people may write a key besides as it is shown."""


class HelpScreen(ModalScreen[None]):
    """All keys, a section for each place.

    Args:
        place: The focused pane: its section is the first.
        focus: The pane, or of the tensor pane the picture: what the key bar names for it goes before the rest.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False),
        Binding("tab", "section(1)", show=False, priority=True),
        Binding("shift+tab", "section(-1)", show=False, priority=True),
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
    ]
    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen > Vertical {
        width: 78; max-width: 100%; height: 100%;
        border: round $border; padding: 0 1; background: $surface;
    }
    HelpScreen VerticalScroll { scrollbar-size-vertical: 1; }
    HelpScreen Static { height: auto; }
    """

    def __init__(self, place: keys.Place, focus: str = "") -> None:
        super().__init__()
        self._places = sorted(keys.PLACES, key=lambda other: other != place)
        self._focus = focus
        self._section = 0

    def compose(self) -> ComposeResult:
        """A field to type into, and a text for each section."""
        with Vertical() as box:
            box.border_title = Content("Keys")
            box.border_subtitle = Content("esc closes · ↑ ↓ page up page down scroll · tab next section")
            yield Input(placeholder="type a key or a word: x, mask, sort", compact=True, id="wanted")
            with VerticalScroll(can_focus=False):
                for place in self._places:
                    yield Static(id=f"section-{place}")
                yield Static(id="nothing")

    def on_mount(self) -> None:
        """Show all of it."""
        self.query_one("#wanted", Input).cursor_blink = False  # over SSH each blink is a packet
        self._show("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        if event.value in {"q", "?"}:  # as everywhere else; what begins with one is found by its other words
            self.dismiss()
            return
        self._show(event.value)

    def _show(self, wanted: str) -> None:
        found = 0
        for place in self._places:
            rows = matching(_in_order(place, self._focus, keys.keymap_of(self)), wanted)
            section = self.query_one(f"#section-{place}", Static)
            section.display = bool(rows)
            section.update(_text(keys.PLACES[place], rows))
            found += len(rows)
        self.query_one("#nothing", Static).update(
            "" if found else Content(f"no key does {wanted!r}; esc shows all of them")
        )
        self._section = 0
        self._scroll.scroll_home(animate=False)

    @property
    def _scroll(self) -> VerticalScroll:
        return self.query_one(VerticalScroll)

    def action_back(self) -> None:
        """Show all keys again, or close."""
        field = self.query_one("#wanted", Input)
        if field.value:
            field.value = ""
        else:
            self.dismiss()

    def action_section(self, by: int) -> None:
        """Go to the next section, from the last to the first."""
        sections = [section for place in self._places if (section := self.query_one(f"#section-{place}")).display]
        if sections:
            self._section = (self._section + by) % len(sections)
            self._scroll.scroll_to_widget(sections[self._section], top=True, animate=False, force=True)

    def action_scroll(self, by: int) -> None:
        """Scroll a line."""
        self._scroll.scroll_relative(y=by, animate=False)

    def action_page(self, by: int) -> None:
        """Scroll a page."""
        self._scroll.scroll_relative(y=by * max(self._scroll.size.height - 1, 1), animate=False)


def matching(rows: Sequence[keys.Key], wanted: str) -> list[keys.Key]:
    """The keys that are meant.

    Args:
        rows: Of which.
        wanted: One character is a key, as it is pressed; more are a key's name or words of what it does.
    """
    wanted = wanted.strip()
    if not wanted:
        return list(rows)
    return [row for row in rows if _is_named(row, wanted) or (len(wanted) > 1 and _does(row, wanted))]


def _is_named(row: keys.Key, wanted: str) -> bool:
    shown = [keys.shown(key) for key in row.keys]
    names = [*shown, *(_OTHER_NAMES.get(name, name) for name in shown)]
    return any(wanted == name or (len(wanted) > 1 and wanted.lower() == name.lower()) for name in names)


def _does(row: keys.Key, wanted: str) -> bool:
    told = f"{row.label} {row.sentence} {keys.PLACES[row.place]}".lower()
    return all(word in told for word in wanted.lower().split())


def _in_order(place: keys.Place, focus: str, keymap: keys.Keymap) -> list[keys.Key]:
    """The keys of a place; what matters most where the focus is goes first."""
    first = [named.key.id for named in keys.bar(focus, keymap=keymap) if named.key.place == place != "app"]
    return sorted(keymap.of(place), key=lambda key: first.index(key.id) if key.id in first else len(first))


def _text(title: str, rows: Sequence[keys.Key]) -> Group:
    """A section."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="bold", width=15)
    table.add_column()
    for key in rows:
        table.add_row(Text(" ".join(map(keys.shown, key.keys)) or "none"), Text(key.sentence))
    return Group(Text(title, style="bold underline"), table, "")
