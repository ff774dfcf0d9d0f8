"""One line of the module tree as styled text, exactly as wide as it is told to be.

    `›+│ ├ ▾ ● name⇗  Type          60.1k ██▎   58.3%`

From the left: cursor, mark, guides, fold mark, pruned mark, name, type; from the right: percent, bar, figure. What
does not fit goes in this order: the end of the type; every second cell of the guides; the bar; the figure, or the
percent where that is nothing or a figure was asked for; the middle of the name; the outer guides, of which the
number is left: `4…│├ name`. So a depth is always seen.
Narrow trees and deep ones have fewer columns, but the same ones on every line.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from prune_tui.ui.numbers import bar, percent
from prune_tui.view_rows import ModuleRow

FLAGS = 2
"""Cells at the left for the cursor and the mark."""

_BAR = 4
_PERCENT = 6
_SHORTEST_TYPE = 5
_SHORTEST_NAME = {2: 8, 1: 12}
"""Cells of a name for which guides are drawn closer, then columns left out; by the cells of a guide."""
_CUT_NAME = 6
"""Cells of a name for which outer guides are left out."""


class TreeStyles(NamedTuple):
    """What the parts of a line look like."""

    guides: Style
    name: Style
    type: Style
    parameters: Style
    bar: Style
    percent: Style
    pruned: Style
    marked: Style
    shared: Style
    cursor: Style


class TreeFit(NamedTuple):
    """What all lines of a tree have room for.

    Attributes:
        width: Cells of a line.
        step: Cells of a level's guide.
        levels: Levels of guides, at most.
        figure: Cells of the figures; 0 where there is no room for them.
        bar: Likewise of the bars.
        percent: Likewise of the shares.
    """

    width: int
    step: int
    levels: int
    figure: int
    bar: int
    percent: int

    @property
    def columns(self) -> int:
        """Cells of all columns, with the blank before each."""
        return sum(cells + 1 for cells in (self.figure, self.bar, self.percent) if cells)


class TreeLine(NamedTuple):
    """All that a line of the tree says.

    Attributes:
        row: The module.
        figure: Its figure in the column that is shown.
        depth: How many modules are around it.
        guides: What leads to it, two cells a level: the innermost levels, as many as fit.
        fold: `▾` open, `▸` folded, empty for a module without modules in it.
        cursor: The cursor is here.
        marked: One of its own tensors is marked.
        aside: It is shown only because a module in it matches the filter.
    """

    row: ModuleRow
    figure: str = ""
    depth: int = 0
    guides: str = ""
    fold: str = ""
    cursor: bool = False
    marked: bool = False
    aside: bool = False


def printable(text: str) -> str:
    """A text with `�` for every character that would move the cursor or change what stands around it."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)


def cut(text: str, width: int) -> str:
    """A text in at most `width` cells, ending in `…` when something is missing."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""


def elided(text: str, width: int) -> str:
    """A text in at most `width` cells, `…` in its middle for what is missing: both ends tell names apart."""
    if cell_len(text) <= width or width < 3:
        return cut(text, width)
    start = _first(text, width // 2)
    end = _first(reversed(text), width - 1 - width // 2)
    return f"{start}…{end[::-1]}"


def _first(characters: Iterable[str], width: int) -> str:
    """As many characters as fit into so many cells."""
    found = ""
    for character in characters:
        if cell_len(found + character) > width:
            break
        found += character
    return found


def fit(width: int, deepest: int, figure_width: int, *, asked: bool = False, shares: bool = True) -> TreeFit:
    """What there is room for.

    Args:
        width: Cells of a line.
        deepest: How many modules are around the deepest one that is shown.
        figure_width: Cells of the widest figure.
        asked: A person has chosen what the figures are: they must be seen.
        shares: Something is pruned.
    """
    figure = figure_width if width >= (18 if asked else 24) else 0
    bar_, percent_ = _BAR if width >= 32 else 0, _PERCENT if width >= 16 else 0
    figure_first = [(1, (figure, 0, 0))] if asked or not shares else []
    percent_first = [(1, (0, 0, percent_))] if not asked else []
    both = [(2, (figure, bar_, percent_)), (1, (figure, bar_, percent_)), (1, (figure, 0, percent_))]
    found = TreeFit(width, 2, deepest, *both[0][1])
    for step, columns in (*both, *figure_first, *percent_first):
        found = TreeFit(width, step, deepest, *columns)
        if width - FLAGS - found.columns - deepest * step >= _SHORTEST_NAME[step]:
            return found
    return found._replace(levels=min(deepest, max(0, width - FLAGS - found.columns - _CUT_NAME)))


def fold_column(line: TreeLine, fit: TreeFit) -> int:
    """The cell in which the fold mark of a line is drawn; -1 when it has none."""
    return FLAGS + cell_len(_guides(line, fit)) if line.fold else -1


def segments(line: TreeLine, fit: TreeFit, styles: TreeStyles) -> list[Segment]:
    """Draw a line in exactly as many cells as it has."""
    columns = _columns(line, fit, styles)
    room = max(0, fit.width - FLAGS - sum(cell_len(text) for text, _ in columns))
    parts = [
        ("›" if line.cursor else " ", styles.name),
        ("+" if line.marked else " ", styles.marked),
        *_label(line, room, fit, styles),
        *columns,
    ]
    # The cursor's colours cover those of the parts; bold and dim stay.
    drawn = [Segment(text, style + styles.cursor if line.cursor else style) for text, style in parts if text]
    return Segment.adjust_line_length(drawn, fit.width, styles.cursor if line.cursor else styles.name)


def _guides(line: TreeLine, fit: TreeFit) -> str:
    """The guides of a line; of one that is too deep the innermost only, behind the number of the others."""
    if line.depth <= fit.levels:
        inner, gone = line.depth, ""
    elif fit.levels:
        inner = max(1, fit.levels - len(f"{line.depth}…"))
        gone = f"{line.depth - inner}…"
    else:
        return ""
    guides = line.guides[len(line.guides) - 2 * inner :]
    if fit.step == 2:
        return gone + guides
    return gone + guides[::2] + ("" if line.fold or not inner else " ")


def _label(line: TreeLine, room: int, fit: TreeFit, styles: TreeStyles) -> list[tuple[str, Style]]:
    """Guides, marks, name and type in exactly `room` cells."""
    name, type_ = _words(line.row)
    shared = f"{'⇗' if line.row.shared_with else ''}{'≡' if line.row.shared_tensors else ''}"
    lead = [
        (_guides(line, fit), styles.guides),
        (f"{line.fold} " if line.fold else "", styles.guides),
        ("● " if any(tensor.pruned for tensor in line.row.tensors) else "", styles.pruned),
    ]
    left = room - sum(cell_len(text) for text, _ in lead)
    name = elided(name, left - cell_len(shared))
    left -= cell_len(name) + cell_len(shared)
    type_ = cut(f"  {type_}", left) if type_ and left >= 2 + min(_SHORTEST_TYPE, cell_len(type_)) else ""
    return [
        *lead,
        (name, styles.type if line.aside else styles.name),
        (shared, styles.shared),
        (type_, styles.type),
        (" " * (left - cell_len(type_)), styles.parameters),
    ]


def _words(row: ModuleRow) -> tuple[str, str]:
    """Name and type as they are written: the model itself goes by its type, a shared module by its first place."""
    if row.parent < 0:
        return printable(row.type), ""
    type_ = f"= {row.shared_with}" if row.shared_with else row.type
    return printable(row.path.rpartition(".")[2]), printable(type_)


def _columns(line: TreeLine, fit: TreeFit, styles: TreeStyles) -> list[tuple[str, Style]]:
    """The columns at the right.

    A figure takes only the cells it needs, and where there are none a share that is nothing takes none, so that a
    name may reach as far.
    """
    columns, row = [], line.row
    if fit.figure:
        columns.append((f" {cut(printable(line.figure), fit.figure)}", styles.parameters))
    if fit.bar:
        columns.append((f" {bar(max(row.masked, 0), row.parameters, _BAR)}", styles.bar))
    if fit.percent and (row.masked or fit.figure):
        share = "…" if row.masked < 0 else percent(row.masked, row.parameters) if row.masked else ""
        columns.append((f" {share:>{_PERCENT}}", styles.percent))
    return columns
