"""The same tensor of all layers as small pictures, side by side, each under its number; odd ones are named so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import median
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

_MOST_NAMED = 6
"""Odd members that the heading names, at most: where more are odd, the word says little."""
_TITLE = 2
_GAP = 2
_NARROWEST = 14
"""Cells of a member: its kept share and its rms stand side by side."""

Lines = list[list[Segment]]


class Layout(NamedTuple):
    """Where the members stand.

    Attributes:
        head: Lines above the first member.
        columns: Members side by side.
        cell: Cells that each has.
        height: Lines of the tallest picture.
    """

    head: int
    columns: int
    cell: int
    height: int

    def top(self, member: int) -> int:
        """The line of a member's title."""
        return self.head + member // self.columns * self.lines_of_one

    @property
    def lines_of_one(self) -> int:
        """Title, picture, and an empty line."""
        return _TITLE + self.height + 1

    def beside(self, member: int, down: int, across: int, count: int) -> int:
        """Which member an arrow leads to from one of `count`; where it leads to none, that one itself."""
        if across:
            return min(max(member + across, 0), count - 1)
        rows = (count - 1) // self.columns
        row = min(max(member // self.columns + down, 0), rows)
        # The last row may be shorter than the others.
        return min(row * self.columns + member % self.columns, count - 1)


class Drawing(NamedTuple):
    """A stack that is drawn.

    Attributes:
        lines: All of it.
        place: Where its members stand; None where there are none.
    """

    lines: Lines
    place: Layout | None


def draw(
    stack: Stack,
    picture_lines: Callable[[Heatmap], Lines],
    look: Look,
    width: int,
    *,
    cursor: int = -1,
    own: int = -1,
) -> Drawing:
    """Draw all of it; it is as long as it takes.

    Args:
        stack: What the engine tells.
        picture_lines: Draws one picture, in its own ink.
        look: What the terminal can show.
        width: Cells there are.
        cursor: Which member the cursor is on; -1 for none.
        own: Which one is the tensor that the other pictures show.
    """
    if stack.note or not stack.members:
        return Drawing(wrapped(stack.note or "there is nothing to stack", look, width), None)
    pictures = [_picture(member, picture_lines, look, width) for member in stack.members]
    drawn = [*_heading(stack, look, width), []]
    place = _layout(len(drawn), pictures, width)
    for first in range(0, len(stack.members), place.columns):
        some = range(first, min(first + place.columns, len(stack.members)))
        titles = [_titles(stack, at, place.cell, look, cursor=cursor, own=own) for at in some]
        blocks = [[*title, *pictures[at]] for title, at in zip(titles, some, strict=True)]
        drawn += _beside(blocks, place)
    return Drawing(drawn, place)


def _layout(head: int, pictures: Sequence[Lines], width: int) -> Layout:
    """As many side by side as there is room for, one at least."""
    widest = max((Segment.get_line_length(one) for picture in pictures for one in picture), default=0)
    cell = min(max(widest, _NARROWEST), width)
    columns = max(1, (width + _GAP) // (cell + _GAP))
    return Layout(head, columns, cell, max(map(len, pictures), default=0))


def _heading(stack: Stack, look: Look, width: int) -> Iterator[list[Segment]]:
    """What is stacked, which are odd and in what, and how to read and use the rest."""
    more = [f"{stack.left_out:,} more"] if stack.left_out else []
    told = " · ".join([counted(len(stack.members), "layer"), *more, stack.pattern])
    yield line([(cut(told, width), "plain")], look)
    odd = [member for member in stack.members if member.oddness > ODD]
    if odd:
        named = [
            f"{_numbers(stack.pattern, one.path)} ({_oddity(one, stack.members)})" for one in odd[:_MOST_NAMED]
        ]
        rest = [f"and {len(odd) - _MOST_NAMED} more"] if len(odd) > _MOST_NAMED else []
        yield from wrapped(f"{len(odd)} odd: {', '.join([*named, *rest])}", look, width, "odd")
    else:
        yield line([(cut("none is odd: they are all alike in rms and in what they keep", width), "plain")], look)
    yield from wrapped("below each number: kept, rms · enter opens one", look, width)


def _oddity(member: Member, members: Sequence[Member]) -> str:
    """In what a member is unlike the others: `rms 3.97× median`."""
    told = []
    if member.kept_oddness > ODD:
        middle = median(one.kept / one.elements for one in members if one.elements)
        told.append(f"keeps {percent(member.kept, member.elements)}, median {middle:.1%}")
    if member.rms_oddness > ODD:
        known = [one.rms for one in members if one.rms is not None]
        middle = median(known)
        if member.rms is None:
            told.append("no finite value")
        elif middle:
            told.append(f"rms {significant(member.rms / middle)}× median")
        else:
            told.append(f"rms {significant(member.rms)}, median 0")
    return ", ".join(told)


def _picture(member: Member, picture_lines: Callable[[Heatmap], Lines], look: Look, width: int) -> Lines:
    """The picture, or why there is none."""
    if member.picture.note:
        return wrapped(member.picture.note, look, min(_NARROWEST, width))
    return picture_lines(member.picture)


def _titles(stack: Stack, at: int, width: int, look: Look, *, cursor: int, own: int) -> Lines:
    """`▸12 odd`, and below it `58.3%  0.0213`; the one that other pictures show is `12 here`."""
    member = stack.members[at]
    is_odd = member.oddness > ODD
    number = f"{'▸' if at == cursor else ' '}{_numbers(stack.pattern, member.path)}"
    kept = percent(member.kept, member.elements) if member.elements else "–"
    rms = "–" if member.rms is None else significant(member.rms)
    role: Role = "cursor" if at == cursor else "plain"
    here, odd = " here" if at == own else "", " odd" if is_odd else ""
    return [
        line([(cut(number, width - len(here + odd)), role), (here, "plain"), (odd, "odd")], look),
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
