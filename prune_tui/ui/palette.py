"""The command palette: every key's command, and a jump to any module."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.fuzzy import Matcher
from textual.types import IgnoreReturnCallbackType

from prune_tui.settings.config_file import place
from prune_tui.settings.table import BY_NAME
from prune_tui.ui import keys, targeting
from prune_tui.ui.on_a_line import DRAW_IN_FULL, DRAW_SLOWLY
from prune_tui.ui.tree_line import printable
from prune_tui.view_rows import ModuleRow

if TYPE_CHECKING:
    from prune_tui.ui.app import PruneApp
    from prune_tui.ui.screens.main import MainScreen

_MOST_PLACES = 50
_THEME = "wear these colours until you leave"
# Moving about needs no palette.
_NOT_IN_PALETTE = {
    "app.palette", "app.back", "panes.next", "panes.previous",
    "tree.up", "tree.down", "tree.page_up", "tree.page_down", "tree.enter",
}  # fmt: skip


class _Command(NamedTuple):
    name: str
    run: IgnoreReturnCallbackType
    sentence: str


class Commands(Provider):
    """What can be done now: methods and undo are left out while the model is read-only or not there."""

    @property
    def _main(self) -> MainScreen:
        return cast("PruneApp", self.app).main

    def _wear(self, theme: str) -> None:
        """Put a theme on, and say how it could stay: the file of settings is the person's own."""
        app = cast("PruneApp", self.app)
        if not app.wear(theme):
            self._main.say("this terminal shows no colours, or NO_COLOR is set: no theme changes anything")
            return
        self._main.look_again()
        self._main.say(f'until you leave; to keep it, write theme = "{theme}" into {place(os.environ)}')

    def _commands(self) -> Iterator[_Command]:
        summary = self._main.status.summary
        editable = summary is not None and not summary.readonly
        keymap = keys.keymap_of(self._main)
        for key in [*keymap.of("app"), *keymap.of("tree")]:
            if key.id in _NOT_IN_PALETTE or (keys.edits(key) and not editable):
                continue
            place = self._main if key.place == "app" else self._main.module_tree
            run = functools.partial(place.run_action, key.action)
            pressed = f"  ({keymap.first(key.id)})" if key.keys else ""
            yield _Command(f"{key.label}{pressed}", run, key.sentence)
        for choice in BY_NAME["theme"].choices:
            yield _Command(f"theme: {choice}", functools.partial(self._wear, choice), _THEME)
        app = cast("PruneApp", self.app)
        if app.slow:
            yield _Command(DRAW_IN_FULL, functools.partial(app.draw_slowly, False), "until you leave")
        else:
            yield _Command(DRAW_SLOWLY, functools.partial(app.draw_slowly, True), "shades in place of colours")
        for method in self._main.more_methods if editable else ():
            form = functools.partial(self._main.action_method, method.name)
            yield _Command(printable(method.name), form, printable(method.sentence))

    async def discover(self) -> Hits:
        """All commands, before anything is typed."""
        for command in self._commands():
            yield DiscoveryHit(Content(command.name), command.run, text=command.name, help=command.sentence)

    async def search(self, query: str) -> Hits:
        """Commands and modules whose names match."""
        matcher = self.matcher(query)
        for command in self._commands():
            score = max(matcher.match(command.name), matcher.match(command.sentence) * 0.8)
            if score > 0:
                yield Hit(score, Content(command.name), command.run, text=command.name, help=command.sentence)
        for score, row, path in self._places(matcher, query):
            run = functools.partial(self._main.go_to, row.path, path if path != row.path else "")
            name = printable(path)
            yield Hit(score, Content(f"go to {name}"), run, text=name, help=printable(row.type))

    def _places(self, matcher: Matcher, query: str) -> Iterator[tuple[float, ModuleRow, str]]:
        """Modules and tensors whose dotted names hold what was typed; the fuzzy match is for their order only.

        Matching is slow, and ten thousand modules have thirty thousand names.
        """
        found = 0
        wanted = query.lower()
        for row in self._main.rows:
            for path in (row.path, *(targeting.dotted(row, tensor) for tensor in row.tensors)):
                if wanted in path.lower():
                    yield matcher.match(path) or 0.1, row, path
                    found += 1
                    if found == _MOST_PLACES:
                        return
