"""What the dots, shades and marks of a mask mean: those that it shows, and how much is masked in it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment

from prune_tui.tensor_views import HAS_NEWLY_MASKED, Heatmap
from prune_tui.ui.pictures import legend
from prune_tui.ui.pictures.bitmap import Layout
from prune_tui.ui.pictures.inks import Role, ink
from prune_tui.ui.pictures.legend import Part, Room
from prune_tui.ui.pictures.look import Look

_KEPT = {
    # Pooled, in ASCII.
    (False, False): (("⠿", " kept, no dot masked"),),
    (False, True): (("#", " kept"), (".", " masked")),
    (True, False): (("░▒▓", " some kept"), ("█", " all")),
    (True, True): ((".-+*#", " none to all kept"),),
}

_SHORT = {False: ("░▒▓█", " share kept"), True: (".-+*#", " kept")}
"""Of a pooled mask, where there is little room; in ASCII or not."""
_TENTHS = ", tenths kept"

_GONE: dict[tuple[Role, bool], str] = {
    ("would-go", False): "○",
    ("would-go", True): "o",
    ("newly", False): "×",
    ("newly", True): "x",
}
"""In ASCII or not."""


def lines(
    heatmap: Heatmap,
    drawn: Sequence[Sequence[Segment]],
    layout: Layout,
    look: Look,
    room: Room,
    *,
    pool: str = "",
) -> list[list[Segment]]:
    """The most needed first, as far as there is room.

    Args:
        heatmap: What the engine told.
        drawn: The bitmap's lines.
        layout: How its entries stand.
        look: What the terminal can show.
        room: Columns and lines there are.
        pool: How a cell was made of entries, where that is told nowhere else.
    """
    tally = heatmap.tally
    newly = any(mark & HAS_NEWLY_MASKED for mark in heatmap.marks)
    shares = ["" if layout.folded else legend.dead(tally), legend.masked(tally)]
    kept = _joined([_part(*told, "plain", look) for told in _KEPT[layout.pooled, look.ascii]])
    would_go = _mark("would-go", "would go", drawn, layout, look) if tally.going else []
    just_masked = _mark("newly", "just masked", drawn, layout, look) if newly else []
    counts = [[Segment(legend.going(tally))], *([Segment(one)] for one in shares)]
    rest = [_edges(heatmap, layout, look), [Segment(pool)]]
    told = legend.fitted([kept, would_go, *counts, just_masked, *rest], look, room)
    digits = [part for part in (would_go, just_masked) if _TENTHS in _text(part)]
    if all(any(_text(part) in _text(line) for line in told) for part in digits):
        return told
    # Nobody guesses what a digit is, but shades and counts stand for themselves.
    return legend.fitted([_part(*_SHORT[look.ascii], "plain", look), *digits, *counts, *rest], look, room)


def _text(part: Part) -> str:
    return "".join(segment.text for segment in part)


def _part(glyph: str, meaning: str, role: Role, look: Look) -> Part:
    return [Segment(glyph, ink(role, look)), Segment(meaning)]


def _joined(parts: Sequence[Part]) -> Part:
    """Parts that belong together, as one."""
    return [segment for number, part in enumerate(parts) for segment in ([Segment(", ")] if number else []) + part]


def _mark(role: Role, meaning: str, drawn: Sequence[Sequence[Segment]], layout: Layout, look: Look) -> Part:
    """The glyphs of cells with something of a kind in them; the last of them where nothing is left."""
    style = ink(role, look)
    text = "".join(segment.text for line in drawn for segment in line if segment.style == style)
    gone = _GONE[role, look.ascii]
    digit = next((one for one in text if one.isdigit()), "") if layout.pooled else ""
    some = digit if layout.pooled else "" if look.ascii else "⠿"
    glyphs = some + (gone if gone in text else "")
    tenths = _TENTHS if digit else ""
    return _part(glyphs, f" {meaning}{tenths}", role, look) if glyphs else []


def _edges(heatmap: Heatmap, layout: Layout, look: Look) -> Part:
    """What the marks beside and below the bitmap mean."""
    if layout.folded or not legend.dead(heatmap.tally):
        return []
    glyphs = "x" if look.ascii else "⠒ ⡇ ×"
    return _part(glyphs, " at the edges: such a row or column", "masked", look)
