"""The histogram of a tensor: bars of what the mask keeps, shaded above them what it takes, and figures below.

```
9.6k      ▂█▇        counts from 0 up, or logarithmic
   0 ▁▂▄▆░░░░▆▄▂▁    ░ was masked, by the value it had; ▒ would go by the previewed step
     -2    │0│    2  │ the threshold, at both signs
```
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby, pairwise

from rich.segment import Segment

from prune_tui.ui.numbers import human_count
from prune_tui.ui.pictures.inks import Role, ink
from prune_tui.ui.pictures.look import Look
from prune_tui.ui.pictures.ticks import place, short, ticks
from prune_tui.views import QUANTILES, Histogram, Statistics

Line = list[Segment]
_Part = tuple[str, Role]

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_NAMES = {0.5: "median"} | {at: f"p{at * 100:.0f}" for at in QUANTILES if at != 0.5}
_MOST_WANTED = (0.5, 0.01, 0.99, 0.25, 0.75, 0.05, 0.95)
"""Quantiles that stay where there is not room for all."""
_SHADE = "░:"
"""What is masked, in Unicode and in ASCII."""
_GOING = "▒o"
"""What would go."""
_GUTTER = 7
"""Columns of a count, and one between: the same for all tensors, so that pictures do not jump."""
_APART = 10
"""Columns between round numbers, about."""
_TALL = 10
"""From so many lines on, figures may take a line more."""


def lines(
    statistics: Statistics,
    look: Look,
    width: int,
    height: int,
    *,
    log: bool,
    threshold: float | None,
    previewed: bool = False,
) -> list[Line]:
    """Draw a histogram.

    Args:
        statistics: Of the tensor.
        look: How pictures are drawn.
        width: Columns there are; from 20 on all of it can be read.
        height: Lines there are; from 5 on.
        log: The counts are on a logarithmic axis.
        threshold: The magnitude up to which entries would go, or went; None where there is no such.
        previewed: They would: what is kept up to there is shaded. Of a bin that the threshold cuts it is the share
            of its width, as if entries were spread evenly.

    Returns:
        At most `height` lines, none wider than `width`.
    """
    histogram = statistics.histogram
    going = threshold if previewed and threshold is not None and histogram is not None else None
    told = [
        _told(part, look, width)
        for part in _captions(statistics, look, width, height, log=log, previewed=going is not None)
    ]
    if histogram is None:
        why = textwrap.wrap(_why_empty(statistics), max(width, 1))
        found = [*(_told([(text, "dim")], look, width) for text in why), *told]
    else:
        rows = max(height - len(told) - 1, 1)
        found = [*_drawn(histogram, look, width, rows, (threshold, going), log=log), *told]
    return found[: max(height, 0)]


def _drawn(
    histogram: Histogram, look: Look, width: int, rows: int, upto: tuple[float | None, float | None], *, log: bool
) -> Iterator[Line]:
    """Bars, counts beside them, values below; `upto` is the threshold, and up to where entries would go."""
    threshold, end = upto
    columns = max(width - _GUTTER, 1)
    going = _going(histogram, end)
    left = [kept - goes for kept, goes in zip(histogram.kept, going, strict=True)]
    parts = [_columns(counts, columns) for counts in (left, going, histogram.masked)]
    scale = _Scale(max(map(sum, zip(*parts, strict=True))), rows, log=log)
    bars = [_bar(stays, goes, gone, scale, look) for stays, goes, gone in zip(*parts, strict=True)]
    marked = _thresholds(histogram, columns, threshold)
    for row in range(rows - 1, -1, -1):
        cells = [bar[row] for bar in bars]
        for column in marked:
            through = row == rows - 1 > 0 or cells[column][0] == " "
            cells[column] = (("|" if look.ascii else "│") if through else cells[column][0], "threshold")
        yield _told([(scale.label(row).rjust(_GUTTER - 1) + " ", "axis"), *cells], look, width)
    yield _told([(" " * _GUTTER, "plain"), *_values_below(histogram, columns, marked)], look, width)


def _going(histogram: Histogram, upto: float | None) -> list[float]:
    """Of each bin how many of the entries kept lie within a magnitude."""
    if upto is None:
        return [0.0] * len(histogram.kept)
    wide = histogram.high / len(histogram.kept) - histogram.low / len(histogram.kept)
    if not wide:
        return [float(kept) if abs(histogram.low) <= upto else 0.0 for kept in histogram.kept]
    starts = (histogram.low + number * wide for number in range(len(histogram.kept)))
    return [
        kept * min(max(min(start + wide, upto) - max(start, -upto), 0.0) / wide, 1.0)
        for kept, start in zip(histogram.kept, starts, strict=True)
    ]


def _columns(counts: Sequence[float], columns: int) -> list[float]:
    """Bins shared out to so many columns, each by what of it lies there; a single bin is in the middle."""
    if len(counts) <= 1:
        return [float(sum(counts)) if column == columns // 2 else 0.0 for column in range(columns)]
    up_to = [0, *accumulate(counts)]

    def left_of(column: int) -> float:
        whole, part = divmod(column * len(counts), columns)
        return up_to[whole] + (counts[whole] * part / columns if part else 0)

    return [then - first for first, then in pairwise(map(left_of, range(columns + 1)))]


class _Scale:
    """From counts to heights, in eighths of a line."""

    def __init__(self, most: float, rows: int, *, log: bool) -> None:
        self._most = most
        self._rows = rows
        self._log = log

    def height(self, count: float) -> int:
        """Of a bar; 0 for nothing only."""
        share = math.log1p(count) / math.log1p(self._most) if self._log else count / self._most
        return max(round(share * self._rows * 8), 1) if count > 0 else 0

    def label(self, row: int) -> str:
        """The count at the end of the highest line, at the middle where there is room, and 0 at the lowest."""
        if row == self._rows - 1:
            return human_count(round(self._most))
        if row == 0:
            return "0"
        if row == self._rows // 2 - 1 and self._rows >= 6:
            share = (row + 1) / self._rows
            count = round(math.expm1(math.log1p(self._most) * share) if self._log else self._most * share)
            return human_count(count) if 0 < count < round(self._most) else ""
        return ""

    @property
    def rows(self) -> int:
        """Lines there are."""
        return self._rows


def _bar(kept: float, going: float, masked: float, scale: _Scale, look: Look) -> list[_Part]:
    """The cells of one column from below: what stays, and shaded above it what would go and what is masked."""
    solid, standing, both = (scale.height(count) for count in (kept, kept + going, kept + going + masked))
    full, rest = divmod(solid, 8)
    goes, gone = round((standing - solid) / 8), round((both - standing) / 8)
    if going > 0 and not solid:
        goes = max(goes, 1)
    if masked > 0 and not standing:
        gone = max(gone, 1)
    glyphs = ["#" if look.ascii else _EIGHTHS[8]] * full
    if rest:
        glyphs.append(".#"[rest >= 4] if look.ascii else _EIGHTHS[rest])
    cells: list[_Part] = [(glyph, "plain") for glyph in glyphs[: scale.rows - goes - gone]]
    cells += [(_GOING[look.ascii], "would-go")] * goes
    cells += [(_SHADE[look.ascii], "masked")] * gone
    return cells + [(" ", "plain")] * (scale.rows - len(cells))


def _thresholds(histogram: Histogram, columns: int, threshold: float | None) -> dict[int, float]:
    """The columns of a threshold with both signs, as far as they are in the picture."""
    if threshold is None or histogram.low == histogram.high:
        return {}
    signed = (value for value in (-threshold, threshold) if histogram.low <= value <= histogram.high)
    return {
        min(int(place(value, histogram.low, histogram.high) * columns), columns - 1): value for value in signed
    }


def _values_below(histogram: Histogram, columns: int, marked: dict[int, float]) -> list[_Part]:
    """The threshold and round numbers under their columns, as many as there is room for."""
    low, high = histogram.low, histogram.high
    wanted: list[tuple[int, str, Role]] = [(column, short(value), "threshold") for column, value in marked.items()]
    for value, text in ticks(low, high, max(columns // _APART, 1)):
        wanted.append((min(int(place(value, low, high) * columns), columns - 1), text, "axis"))
    cells: list[_Part] = [(" ", "plain")] * columns
    for column, text, role in wanted:
        start = min(max(column - len(text) // 2, 0), max(columns - len(text), 0))
        around = cells[max(start - 1, 0) : start + len(text) + 1]
        if len(text) <= columns and all(cell == " " for cell, _ in around):
            cells[start : start + len(text)] = [(character, role) for character in text]
    return cells


# ---------------------------------------------------------------- figures


def _captions(
    statistics: Statistics, look: Look, width: int, height: int, *, log: bool, previewed: bool
) -> list[list[_Part]]:
    """Quantiles on a line, what is counted on another; on more where there are many lines."""
    most = 2 if height >= _TALL else 1
    found = [_quantiles(statistics, look, width * most)]
    counts: list[_Part] = [] if statistics.histogram is None else [(statistics.spread, "dim")]
    if previewed:
        counts.insert(0, (f"{_GOING[look.ascii]} would go", "would-go"))
    kinds: list[tuple[int, str, Role]] = [
        (statistics.nans, "NaN", "bad"),
        (statistics.infinities, "Inf", "bad"),
        (statistics.masked, "masked", "masked"),
        (statistics.zeros, "zero" if statistics.zeros == 1 else "zeros", "plain"),
    ]
    shades = {"masked": f"{_SHADE[look.ascii]} "}
    counts += [
        (f"{shades.get(name, '')}{human_count(count)} {name}", role) for count, name, role in kinds if count
    ]
    if log and statistics.histogram is not None:
        counts.append(("log counts", "dim"))
    found.append(counts)
    return [line for parts in found for line in _wrapped(parts, look, width)[:most]]


def _quantiles(statistics: Statistics, look: Look, room: int) -> list[_Part]:
    """Those most wanted that fit, in ascending order."""
    told = dict(zip(QUANTILES, statistics.quantiles, strict=False))
    digits = _digits(statistics)
    texts = {at: f"{_NAMES[at]} {short(told[at], digits)}" for at in _MOST_WANTED if at in told}
    chosen: list[float] = []
    for at, text in texts.items():
        if sum(len(texts[one]) + len(_between(look)) for one in chosen) + len(text) <= room:
            chosen.append(at)
    return [(texts[at], "plain") for at in sorted(chosen)]


def _digits(statistics: Statistics) -> int:
    """So many that quantiles differ, where they are known to so many."""
    if statistics.spread != "exact" or not statistics.quantiles:
        return 3
    low, high = statistics.quantiles[0], statistics.quantiles[-1]
    span, largest = high / 2 - low / 2, max(abs(low), abs(high)) / 2
    return min(max(3 + math.floor(math.log10(largest / span)), 3), 9) if span > 0 and span / largest > 1e-12 else 3


def _wrapped(parts: Sequence[_Part], look: Look, width: int) -> list[list[_Part]]:
    """Parts with dots between them, on as many lines as they take."""
    found: list[list[_Part]] = []
    for part in parts:
        room = width - sum(len(text) for text, _ in found[-1]) if found else 0
        if found and len(_between(look)) + len(part[0]) <= room:
            found[-1] += [(_between(look), "dim"), part]
        else:
            found.append([part])
    return found


def _between(look: Look) -> str:
    return " | " if look.ascii else " · "


def _why_empty(statistics: Statistics) -> str:
    if statistics.note and statistics.note != "magnitudes":
        return statistics.note
    return "no finite value" if statistics.elements else "no entries"


def _told(parts: Sequence[_Part], look: Look, width: int) -> Line:
    """Cells as few segments, cut to the width."""
    line: Line = []
    room = max(width, 0)
    for role, same in groupby(parts, key=lambda part: part[1]):
        text = "".join(one for one, _ in same)[:room]
        room -= len(text)
        if text:
            line.append(Segment(text, ink(role, look)))
    return line
