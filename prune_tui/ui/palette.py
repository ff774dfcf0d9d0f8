"""The command palette: every key's command, and a jump to any module."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.types import IgnoreReturnCallbackType

from prune_tui.ui import keys, targeting
from prune_tui.ui.tree_line import printable

if TYPE_CHECKING:
    from prune_tui.ui.screens.main import MainScreen

_NOT_IN_PALETTE = {"app.palette", "app.back", "panes.next", "panes.previous"}


class _Command(NamedTuple):
    name: str
    run: IgnoreReturnCallbackType
    sentence: str


class Commands(Provider):
    """What can be done now: methods and undo are left out while the model is read-only or not there."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self.screen)

    def _commands(self) -> Iterator[_Command]:
        summary = self._main.status.summary
        editable = summary is not None and not summary.readonly
        for key in keys.of("app"):
            edits = key.id.startswith(("method.", "steps."))
            if key.id in _NOT_IN_PALETTE or (edits and not editable and key.id != "steps.log"):
                continue
            run = functools.partial(self._main.run_action, key.action)
            yield _Command(f"{key.label}  ({keys.shown(key.keys[0])})", run, key.sentence)

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
        for row in self._main.rows:
            score = matcher.match(row.path)
            if score > 0:
                run = functools.partial(self._main.go_to, row.path)
                name = printable(row.path)
                yield Hit(score, Content(f"go to {name}"), run, text=name, help=printable(row.type))
            for tensor in row.tensors:
                path = targeting.dotted(row, tensor)
                score = matcher.match(path)
                if score > 0:
                    run = functools.partial(self._main.go_to, row.path, path)
                    shape = "×".join(map(str, tensor.shape))
                    yield Hit(score, Content(f"go to {printable(path)}"), run, text=printable(path), help=shape)
