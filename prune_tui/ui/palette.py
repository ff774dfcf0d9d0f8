"""The command palette: every command that can be done now, others by their names, and a jump to any tensor."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.types import IgnoreReturnCallbackType
from textual.widget import Widget

from prune_tui.settings import config_file
from prune_tui.settings.table import BY_NAME
from prune_tui.ui import keys, targeting
from prune_tui.ui.name_search import NameSearch
from prune_tui.ui.on_a_line import DRAW_IN_FULL, DRAW_SLOWLY
from prune_tui.ui.possible import facts, possible
from prune_tui.ui.tree_line import printable

if TYPE_CHECKING:
    from prune_tui.ui.app import PruneApp
    from prune_tui.ui.screens.main import MainScreen

_MOST_PLACES = 50
_BY_NAME = 4.0
_THEME = "wear these colours until you leave"
# Moving about needs no palette.
_NOT_IN_PALETTE = {"app.palette", "app.back", "panes.next", "panes.previous", "tree.enter", "module.enter"}
_MOVES = {
    "up", "down", "left", "right", "top", "bottom", "page_up", "page_down", "page_left", "page_right",
}  # fmt: skip


class _Command(NamedTuple):
    name: str
    run: IgnoreReturnCallbackType
    sentence: str

    def score(self, typed: str) -> float:
        """How well it is meant: 4 and more where each word begins one of its name, 2.7 for what it does; or 0.

        Modules and tensors of that very name come between these two.
        """
        wanted, name = typed.lower().split(), self.name.lower()
        words = [word.strip("().,:;") for word in name.split()]
        if wanted and _begin(wanted, words):
            return _BY_NAME + (name.startswith(wanted[0])) + 1 / (1 + len(words))
        told = [word.strip("().,:;") for word in self.sentence.lower().split()]
        return 2.7 if wanted and _begin(wanted, [*words, *told]) else 0.0


def _begin(wanted: list[str], words: list[str]) -> bool:
    return all(any(word.startswith(one) for word in words) for one in wanted)


class Commands(Provider):
    """What can be done now; what the model, its steps, the marks or the cursor do not allow is left out."""

    async def startup(self) -> None:
        """All names, to be found by some of their letters."""
        self._places = [
            (row, path)
            for row in self._main.rows
            for path in (row.path, *(targeting.dotted(row, tensor) for tensor in row.tensors))
            if path
        ]
        self._search_names = NameSearch([path for _, path in self._places])

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
        file = config_file.place(os.environ)
        self._main.say(f'until you leave; to keep it, write theme = "{theme}" into {file}')

    def _of_keys(self, *, possible_now: bool) -> Iterator[_Command]:
        main = self._main
        keymap, now = keys.keymap_of(main), facts(main)
        panes: dict[keys.Place, Widget] = {
            "app": main,
            "tree": main.module_tree,
            "tensor": main.tensor_pane,
            "findings": main.findings_pane,
            "marks": main.marks_pane,
        }
        for place, pane in panes.items():
            for key in keymap.of(place):
                if key.id in _NOT_IN_PALETTE or key.id.rpartition(".")[2] in _MOVES:
                    continue
                if possible(key, now) != possible_now:
                    continue
                run = functools.partial(pane.run_action, key.action)
                pressed = f"  ({keymap.first(key.id)})" if key.keys else ""
                yield _Command(f"{key.label}{pressed}", run, key.sentence)

    def _commands(self) -> Iterator[_Command]:
        main = self._main
        now = facts(main)
        yield from self._of_keys(possible_now=True)
        for choice in BY_NAME["theme"].choices:
            yield _Command(f"theme: {choice}", functools.partial(self._wear, choice), _THEME)
        app = cast("PruneApp", self.app)
        if app.slow:
            yield _Command(DRAW_IN_FULL, functools.partial(app.draw_slowly, False), "until you leave")
        else:
            yield _Command(DRAW_SLOWLY, functools.partial(app.draw_slowly, True), "shades in place of colours")
        for method in main.more_methods if "editable" in now else ():
            form = functools.partial(main.action_method, method.name)
            yield _Command(printable(method.name), form, printable(method.sentence))

    async def discover(self) -> Hits:
        """All commands, before anything is typed."""
        for command in self._commands():
            yield DiscoveryHit(
                Content(command.name), command.run, text=command.name, help=_literal(command.sentence)
            )

    async def search(self, query: str) -> Hits:
        """Commands of which the words begin so, then modules and tensors whose names hold the letters in order."""
        commands = list(self._commands())
        spelt = {
            one.at: one.score for one in NameSearch([one.name for one in commands]).find(query, len(commands))
        }
        for number, command in enumerate(commands):
            score = max(command.score(query), spelt.get(number, 0.0))
            if score > 0:
                shown, sentence = Content(command.name), _literal(command.sentence)
                yield Hit(score, shown, command.run, text=command.name, help=sentence)
        for command in self._of_keys(possible_now=False):  # by its name only: nothing else is done in its place
            score = command.score(query)
            if score >= _BY_NAME:
                told = _literal(f"not possible now. {command.sentence}")
                yield Hit(score, Content(command.name), command.run, text=command.name, help=told)
        for found in self._search_names.find(query, _MOST_PLACES):
            row, path = self._places[found.at]
            run = functools.partial(self._main.go_to, row.path, path if path != row.path else "")
            name = printable(path)
            yield Hit(found.score, Content(f"go to {name}"), run, text=name, help=_literal(printable(row.type)))


def _literal(text: str) -> str:
    """A text that is shown as it is; the palette would read a plain one as markup, but leaves a Content alone."""
    return cast(str, Content(text))
