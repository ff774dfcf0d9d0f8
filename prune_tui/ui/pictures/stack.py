"""The same tensor of all layers as small pictures, side by side, each under its number; odd ones are named so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rich.segment import Segment

from prune_tui.tensor_views import Heatmap, Member, Stack
from prune_tui.ui.numbers import counted, percent, significant
from prune_tui.ui.pictures.inks import Role
from prune_tui.ui.pictures.look import Look
from prune_tui.ui.pictures.texts import line, wrapped
from prune_tui.ui.tree_line import cut

ODD = 3.5
"""Median absolute deviations from which on a member is called odd; of normally distributed ones 1.8% are."""

_HEAD = 3
"""Lines above the first picture: what is stacked, what stands over each, an empty one."""
_TITLE = 2
_GAP = 2
_NARROWEST = 14
"""Cells of a member: its kept share and its rms stand side by side."""

Lines = list[list[Segment]]


class Layout(NamedTuple):
    """Where the members stand.

    Attributes:
        columns: Members side by side.
        cell: Cells that each has.
        height: Lines of the tallest picture.
    """

    columns: int
    cell: int
    height: int

    def top(self, member: int) -> int:
        """The line of a member's title."""
        return _HEAD + member // self.columns * self.lines_of_one

    @property
    def lines_of_one(self) -> int:
        """Title, picture, and an empty line."""
        return _TITLE + self.height + 1


def layout(pictures: Sequence[Lines], width: int) -> Layout:
    """Where pictures go: as many side by side as there is room for, one at least.

    Args:
        pictures: As drawn.
        width: Cells there are.
    """
    widest = max((Segment.get_line_length(one) for picture in pictures for one in picture), default=0)
    cell = min(max(widest, _NARROWEST), width)
    columns = max(1, (width + _GAP) // (cell + _GAP))
    return Layout(columns, cell, max(map(len, pictures), default=0))


def lines(
    stack: Stack, picture_lines: Callable[[Heatmap], Lines], look: Look, width: int, cursor: int
) -> list[list[Segment]]:
    """Draw all of it; it is as long as it takes.

    Args:
        stack: What the engine tells.
        picture_lines: Draws one picture, in its own ink.
        look: What the terminal can show.
        width: Cells there are.
        cursor: Which member the cursor is on; -1 for none.
    """
    if stack.note or not stack.members:
        return wrapped(stack.note or "there is nothing to stack", look, width)
    pictures = [_picture(member, picture_lines, look, width) for member in stack.members]
    place = layout(pictures, width)
    drawn = [
        line([(cut(_sum(stack), width), "plain")], look),
        line([(cut("under each number: kept, rms", width), "dim")], look),
        [],
    ]
    for first in range(0, len(stack.members), place.columns):
        some = range(first, min(first + place.columns, len(stack.members)))
        titles = [_titles(stack, at, place.cell, look, here=at == cursor) for at in some]
        blocks = [[*title, *pictures[at]] for title, at in zip(titles, some, strict=True)]
        drawn += _beside(blocks, place)
    return drawn


def _sum(stack: Stack) -> str:
    odd = sum(member.oddness > ODD for member in stack.members)
    more = [f"{stack.left_out:,} more"] if stack.left_out else []
    return " · ".join([counted(len(stack.members), "layer"), f"{odd} odd", *more, stack.pattern])


def _picture(member: Member, picture_lines: Callable[[Heatmap], Lines], look: Look, width: int) -> Lines:
    """The picture, or why there is none."""
    if member.picture.note:
        return wrapped(member.picture.note, look, min(_NARROWEST, width))
    return picture_lines(member.picture)


def _titles(stack: Stack, at: int, width: int, look: Look, *, here: bool) -> Lines:
    """`▸12 odd`, and below it `58.3%  0.0213`."""
    member = stack.members[at]
    is_odd = member.oddness > ODD
    number = f"{'▸' if here else ' '}{_numbers(stack.pattern, member.path)}"
    kept = percent(member.kept, member.elements) if member.elements else "–"
    rms = "–" if member.rms is None else significant(member.rms)
    role: Role = "cursor" if here else "plain"
    mark = " odd" if is_odd else ""
    return [
        line([(cut(number, width - len(mark)), role), (mark, "odd")], look),
        line([(cut(f"{kept:>6} {rms}", width), "odd" if is_odd else "dim")], look),
    ]


def _numbers(pattern: str, path: str) -> str:
    """The parts of a name that the pattern leaves open: `3`, or `3.1` of two."""
    pairs = zip(pattern.split("."), path.split("."), strict=True)
    return ".".join(part for open_, part in pairs if open_ == "*")


def _beside(blocks: Sequence[Lines], place: Layout) -> Iterator[list[Segment]]:
    """Blocks side by side, and an empty line below."""
    for row in range(place.lines_of_one - 1):
        joined: list[Segment] = []
        for number, block in enumerate(blocks):
            if number:
                joined.append(Segment(" " * _GAP))
            joined += Segment.adjust_line_length(block[row] if row < len(block) else [], place.cell)
        yield joined
    yield []
