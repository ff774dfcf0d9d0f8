"""What the marks pane says, line by line. Pure: from the outline and the marks to lines of text at a width."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from rich.cells import cell_len
from rich.text import Text

from prune_tui.ui.numbers import bar, human_count, percent
from prune_tui.ui.targeting import dotted
from prune_tui.ui.tree_line import cut, printable
from prune_tui.view_rows import ModuleRow

_BAR = 4
_ENTRIES = 6
_PERCENT = 6
_NARROW = 44
"""Below it there is no room for shapes and bars."""


class Mark(NamedTuple):
    """A marked tensor.

    Attributes:
        tensor: Its dotted name.
        shape: Its sizes.
        entries: How many it has; 0 where it is not initialised yet.
        masked: How many of them its mask takes.
        shared: Its module holds a tensor that stands elsewhere, too: this may be it.
    """

    tensor: str
    shape: tuple[int, ...]
    entries: int
    masked: int
    shared: bool

    @property
    def module(self) -> str:
        """The module that holds it."""
        return self.tensor.rpartition(".")[0]


def marks(rows: Iterable[ModuleRow], marked: frozenset[str]) -> list[Mark]:
    """The marked tensors, in the order of the model.

    Args:
        rows: The whole outline.
        marked: Dotted names.
    """
    return [
        Mark(
            dotted(row, tensor),
            tensor.shape,
            math.prod(tensor.shape) if row.parameters else 0,
            tensor.masked,
            row.shared_tensors or bool(row.shared_with),
        )
        for row in rows
        for tensor in row.tensors
        if dotted(row, tensor) in marked
    ]


def total_text(found: list[Mark]) -> str:
    """`4 · 59.2k entries · 12.3% pruned`; at most so many where a tensor may be counted twice."""
    if not found:
        return ""
    entries = sum(mark.entries for mark in found)
    most = "≤ " if len(found) > 1 and any(mark.shared for mark in found) else ""
    share = percent(sum(mark.masked for mark in found), entries)
    return f"{len(found):,} · {most}{human_count(entries)} entries · {share} pruned"


def mark_text(mark: Mark, width: int) -> Text:
    """`fc1.weight ≡   120×400   48.0k ██▎   58.3%` in exactly so many cells; the name is cut before the figures.

    Args:
        mark: The tensor.
        width: Cells.
    """
    share = percent(mark.masked, mark.entries) if mark.masked else ""
    figures = f" {human_count(mark.entries):>{_ENTRIES}}"
    if width >= _NARROW:
        figures += f" {bar(mark.masked, mark.entries, _BAR)}"
    figures += f" {share:>{_PERCENT}}"
    shape = f"  {'×'.join(map(str, mark.shape)) or 'scalar'}" if width >= _NARROW else ""
    room = max(width - cell_len(figures), 0)
    sign = " ≡" if mark.shared else ""
    name = cut(printable(mark.tensor), max(room - cell_len(sign), 0))
    text = Text(name, style="bold")
    text.append(sign, style="dim")
    left = room - text.cell_len
    text.append((shape if cell_len(shape) <= left else "").rjust(left), style="dim")
    return text.append(figures)
