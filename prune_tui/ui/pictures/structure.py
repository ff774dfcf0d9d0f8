"""What a mask would allow, in lines: dead indices of each axis, patterns of hardware, heads or gates.

A line each has a name, a bar and counts, `out ███▎  2 of 6 · 0, 2`; a pattern has a sentence below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.segment import Segment

from prune_tui.tensor_views import AxisDead, Group, Satisfied, Structure
from prune_tui.ui.numbers import percent, significant
from prune_tui.ui.pictures.inks import Role
from prune_tui.ui.pictures.look import Look
from prune_tui.ui.pictures.texts import bar, line, wrapped
from prune_tui.ui.tree_line import cut

_LABEL = 20
"""Cells of a name, at most; as many as the longest name needs."""
_BAR = (4, 16)
"""Cells of a bar: where there are fewer it is left out; at most."""
_INDENT = "  "


class _Row(NamedTuple):
    """A line with a bar.

    Attributes:
        name: At its beginning.
        part: What the bar shows.
        whole: Of what.
        texts: Behind the bar; where there is no room for all, the last are left out.
        role: Of the texts.
        below: A sentence under it.
    """

    name: str
    part: int
    whole: int
    texts: tuple[str, ...]
    role: Role = "plain"
    below: str = ""


def lines(structure: Structure, axes: tuple[str, ...], look: Look, width: int) -> list[list[Segment]]:
    """Draw all of it; it is as long as it takes.

    Args:
        structure: What the engine tells.
        axes: A name for each axis.
        look: What the terminal can show.
        width: Cells there are.
    """
    if structure.note:
        return wrapped(structure.note, look, width)
    share = percent(structure.kept, structure.elements) if structure.elements else "no entries"
    drawn = [line([(cut(f"Kept {structure.kept:,} of {structure.elements:,} · {share}", width), "plain")], look)]
    for title, rows in (
        ("Dead", [_axis(axis, axes) for axis in structure.axes]),
        ("Patterns", [_pattern(pattern) for pattern in structure.patterns]),
        (structure.grouped, [_group(group) for group in structure.groups]),
    ):
        if rows:
            drawn += [[], *wrapped(title, look, width, "plain"), *_section(rows, look, width)]
    return drawn


def _axis(told: AxisDead, names: tuple[str, ...]) -> _Row:
    name = names[told.dim] if told.dim < len(names) else f"d{told.dim}"
    counts = f"{told.dead:,} of {told.size:,}"
    if not told.dead:
        return _Row(name, 0, told.size, (counts,))
    which = ", ".join(map(str, told.first)) + ", …" * (told.dead > len(told.first))
    return _Row(name, told.dead, told.size, (f"{counts} · {which}",), "masked")


def _pattern(told: Satisfied) -> _Row:
    if not told.of:
        return _Row(told.name, 0, 0, ("not possible",), below=told.means)
    counts = f"{told.there:,} of {told.of:,}"
    return _Row(told.name, told.there, told.of, (counts, percent(told.there, told.of)), below=told.means)


def _group(told: Group) -> _Row:
    share = percent(told.kept, told.entries) if told.kept else "dead"
    texts = (f"{share:>6}", f"norm {significant(told.norm)}")
    return _Row(told.name, told.kept, told.entries, texts, "plain" if told.kept else "masked")


def _section(rows: Sequence[_Row], look: Look, width: int) -> Iterator[list[Segment]]:
    """Rows whose bars stand below each other."""
    label = min(max(len(row.name) for row in rows), _LABEL)
    room = width - len(_INDENT) - label - 1
    texts = [_fitting(row.texts, room) for row in rows]
    cells = min(_BAR[1], room - max(map(len, texts)) - 1)
    for row, text in zip(rows, texts, strict=True):
        named = f"{_INDENT}{cut(row.name, label):<{label}} "
        drawn = bar(row.part / row.whole if row.whole else 0.0, cells, look) + " " if cells >= _BAR[0] else ""
        yield line([(cut(named + drawn, width), "plain"), (text, row.role)], look)
        yield from wrapped(row.below, look, width, indent=_INDENT * 2)


def _fitting(texts: Sequence[str], room: int) -> str:
    """As many of the texts as there is room for; of the first, what there is room for."""
    for count in range(len(texts), 0, -1):
        told = " · ".join(texts[:count])
        if len(told) <= room:
            return told
    return cut(texts[0], room)
