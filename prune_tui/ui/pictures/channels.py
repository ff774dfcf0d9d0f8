"""Channels as a table: a row for each index of an axis, in any order, with a bar of its norm and its profile.

     out▲      norm   kept     min     max profile
    ▸  0 ███▎ 0.713  58.3%  -0.291   0.327 ▆▃▅▇▁▂▆█▂
       1          0   dead       0       0

Where the width does not reach for all columns, some are left out; those that say that something is wrong, or by
which the rows are sorted, are the last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

from rich.segment import Segment

from prune_tui.tensor_views import HAS_INF, HAS_NAN, PROFILE, Channels
from prune_tui.ui.numbers import percent, significant
from prune_tui.ui.pictures.arrays import floats
from prune_tui.ui.pictures.inks import Role
from prune_tui.ui.pictures.look import Look
from prune_tui.ui.pictures.ordering import Order, by_index, by_value
from prune_tui.ui.pictures.texts import bar, line, wrapped
from prune_tui.ui.tree_line import cut

By = Literal["index", "norm", "kept", "min", "max"]
ORDERS: tuple[By, ...] = ("index", "norm", "kept", "min", "max")
AROUND = 2
"""Lines that are no rows: the header and the one that sums up."""
_APART = 2
"""Lines of a row that is shown apart from its neighbours."""

_LEVELS, _ASCII_LEVELS = " ▁▂▃▄▅▆▇█", " .:-=+*#"
_BAD = {0: "", HAS_NAN: "NaN", HAS_INF: "Inf", HAS_NAN | HAS_INF: "NaN Inf"}
_WHERE_THERE_IS_ROOM = (("bar",), ("profile",), ("min", "max"))
_BAR = (4, 16)
"""Cells of a bar: at least, at most."""


class _Table:
    """What the engine tells, as numbers.

    Args:
        channels: As told.
        look: What the terminal can show.
    """

    def __init__(self, channels: Channels, look: Look) -> None:
        self.entries, self.look = channels.entries, look
        self.norms, self.kept = floats(channels.norms), floats(channels.kept)
        self.minima, self.maxima = floats(channels.minima), floats(channels.maxima)
        self.bad, self.profiles = channels.bad, channels.profiles
        self.stretches = min(PROFILE, channels.entries)

    @cached_property
    def greatest(self) -> float:
        """The largest norm that is a number."""
        return max((norm for norm in self.norms if math.isfinite(norm)), default=0.0)

    @cached_property
    def dead(self) -> list[int]:
        """Channels of which the mask keeps nothing."""
        return [at for at, kept in enumerate(self.kept) if not kept] if self.entries else []

    def norm_bar(self, at: int, width: int) -> str:
        """Relative to the largest."""
        norm = self.norms[at]
        return bar(min(norm / self.greatest, 1.0) if self.greatest else float(norm > 0), width, self.look)

    def share(self, at: int) -> str:
        """What the mask keeps, in six cells."""
        if not self.entries:
            return "–"
        kept = self.kept[at]
        if not kept:
            return "dead"
        return percent(min(max(round(kept * self.entries), 1), self.entries - (kept < 1)), self.entries)

    def profile(self, at: int) -> str:
        """A glyph for each stretch of the channel; blank is nothing."""
        levels = _ASCII_LEVELS if self.look.ascii else _LEVELS
        told = self.profiles[at * self.stretches : (at + 1) * self.stretches]
        return "".join(levels[math.ceil(height * (len(levels) - 1) / 255)] for height in told)


class _Column(NamedTuple):
    """A column that has its cells whatever the width.

    Attributes:
        name: In the header.
        by: What sorts by it.
        width: Cells.
        text: Of a channel.
        role: Of a text that says something is wrong.
        left: Whether texts begin at the left.
    """

    name: str
    by: By | None
    width: int
    text: Callable[[int], str]
    role: Callable[[int], Role] = lambda _: "plain"
    left: bool = False


def order(channels: Channels, by: By, descending: bool) -> Order:
    """All channels, sorted; of equal ones the first by index goes before, and NaN behind all."""
    stored = {"norm": channels.norms, "kept": channels.kept, "min": channels.minima, "max": channels.maxima}
    if by in stored:
        return by_value(floats(stored[by]), descending=descending)
    return by_index(len(channels.bad), descending=descending)


def prepare(channels: Channels, look: Look) -> None:
    """Work out what is shown of all channels together, which of a vocabulary takes longer than drawing."""
    table = _table(channels, look)
    _ = table.greatest, table.dead


def lines(
    channels: Channels,
    order: Sequence[int],
    first: int,
    look: Look,
    *,
    width: int,
    height: int,
    axis: str,
    cursor: int,
    by: By = "index",
    descending: bool = False,
) -> list[list[Segment]]:
    """Draw the part of the table that is seen.

    Where the cursor's row is not among them, it stands below them, under its number.

    Args:
        channels: What the engine tells.
        order: Their indices as they stand below each other.
        first: Where in `order` the first row is.
        look: What the terminal can show.
        width: Cells there are.
        height: Lines there are, `AROUND` among them.
        axis: What the channels are called: `out`.
        cursor: Where in `order` the cursor is; -1 for nowhere.
        by: What the rows are sorted by.
        descending: The greatest first.
    """
    if channels.note:
        return wrapped(channels.note, look, width)[:height]
    if not channels.bad:
        return wrapped(f"{axis} has size 0: there are no channels", look, width)[:height]
    table = _table(channels, look)
    columns = _columns(table, axis, width, by)
    rows = range(first, min(first + max(height - AROUND, 0), len(order)))
    apart = []
    if cursor >= 0 and cursor not in rows and len(rows) > _APART:
        rows = rows[:-_APART]
        number = cut(f"… row {cursor + 1:,} of {len(order):,}:", width)
        apart = [line([(number, "dim")], look), _row(columns, order[cursor], look, here=True)]
    drawn = [
        _header(columns, by, descending, look),
        *(_row(columns, order[at], look, here=at == cursor) for at in rows),
        *apart,
        line([(_sum(table, axis, by, width), "dim")], look),
    ]
    return drawn[:height]


@lru_cache(maxsize=4)
def _table(channels: Channels, look: Look) -> _Table:
    """Made once for an answer."""
    return _Table(channels, look)


def _columns(table: _Table, axis: str, width: int, by: By) -> list[_Column]:
    """The columns there is room for, in their order."""
    count = len(table.norms)
    named, has = cut(axis, 8), max(len(said) for bad, said in _BAD.items() if bad in table.bad)
    columns = {
        "index": _Column(named, "index", max(len(named) + 1, len(str(count - 1))), str),
        "bar": _Column("", None, _BAR[0], lambda at: table.norm_bar(at, _BAR[0]), left=True),
        "norm": _Column("norm", "norm", 7, lambda at: significant(table.norms[at])),
        "kept": _Column(
            "kept", "kept", 6, table.share, lambda at: "plain" if table.kept[at] or not table.entries else "masked"
        ),
        "min": _Column("min", "min", 7, lambda at: _extreme(table.minima[at])),
        "max": _Column("max", "max", 7, lambda at: _extreme(table.maxima[at])),
        "has": _Column("has", None, has, lambda at: _BAD[table.bad[at]], lambda _: "bad", left=True),
        "profile": _Column("profile", None, max(7, table.stretches), table.profile, left=True),
    }
    chosen, left = set[str](), width - 1  # for the cursor's mark
    for names in (("index",), (by,), ("kept",), ("has",) if has else (), ("norm",), *_WHERE_THERE_IS_ROOM):
        added = [name for name in names if name not in chosen]
        room = sum(columns[name].width + 1 for name in added) - (not chosen)
        if room <= left:
            chosen.update(added)
            left -= room
    if "bar" in chosen:
        cells = min(_BAR[0] + left, _BAR[1])
        columns["bar"] = _Column("", None, cells, lambda at: table.norm_bar(at, cells), left=True)
    return [column for name, column in columns.items() if name in chosen]


def _extreme(value: float) -> str:
    """A channel without a finite value has none."""
    return "–" if math.isnan(value) else significant(value)


def _header(columns: Sequence[_Column], by: By, descending: bool, look: Look) -> list[Segment]:
    parts: list[tuple[str, Role]] = [(" ", "axis")]
    for place, column in enumerate(columns):
        is_sorted = column.by == by
        name = column.name + ("▼" if descending else "▲") * is_sorted
        parts += _placed(column, name, "plain" if is_sorted else "axis", place)
    return line(parts, look)


def _row(columns: Sequence[_Column], at: int, look: Look, *, here: bool) -> list[Segment]:
    parts: list[tuple[str, Role]] = [("▸" if here else " ", "plain")]
    for place, column in enumerate(columns):
        parts += _placed(column, column.text(at), column.role(at), place)
    return line([("".join(text for text, _ in parts), "cursor")] if here else parts, look)


def _placed(column: _Column, text: str, role: Role, place: int) -> Iterator[tuple[str, Role]]:
    """A text in the cells of its column: what is blank around it has no style."""
    blank = " " * (column.width - len(text))
    gap = " " * (place > 0)
    yield (gap if column.left else gap + blank), "plain"
    yield text, role
    yield (blank if column.left else ""), "plain"


def _sum(table: _Table, axis: str, by: By, width: int) -> str:
    """`3 of 6 dead · out 0, 2, 5 · sorted by norm`, with as many of the dead as there is room for."""
    dead, bad = table.dead, len(table.bad) - table.bad.count(0)
    counts = [f"{len(dead)} of {len(table.norms)} dead"]
    wrong = [f"{bad} with NaN or Inf"] if bad else []
    for count in range(min(len(dead), width // 2), -1, -1):
        named = [f"{axis} {', '.join(map(str, dead[:count]))}" + ", …" * (count < len(dead))] if count else []
        told = " · ".join([*counts, *named, *wrong, f"sorted by {by}"])
        if len(told) <= width:
            return told
    return cut(" · ".join([*counts, *wrong]), width)
