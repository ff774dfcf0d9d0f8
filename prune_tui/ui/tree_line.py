"""One line of the module tree as styled text, exactly as wide as it is told to be.

    `›+│ ├ ▾ ● name⇗  Type          60.1k ██▎   58.3%`

From the left: cursor, mark, guides, fold mark, pruned mark, name, type; from the right: percent, bar, figure. What
does not fit goes in this order: the end of the type, the end of the name, the outer guides. Narrow trees have
fewer columns, but the same ones on every line.
"""

from __future__ import annotations

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
_SHORTEST_NAME = 6


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


class TreeLine(NamedTuple):
    """All that a line of the tree says.

    Attributes:
        row: The module.
        figure: Its figure in the column that is shown.
        figure_width: Cells of the widest one.
        guides: What leads to it, two cells a level.
        fold: `▾` open, `▸` folded, empty for a module without modules in it.
        cursor: The cursor is here.
        marked: One of its own tensors is marked.
        aside: It is shown only because a module in it matches the filter.
    """

    row: ModuleRow
    figure: str = ""
    figure_width: int = 6
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


def most_levels(width: int) -> int:
    """How many levels of guides a line of this width may need at most."""
    return width // 2 + 1


def fold_column(line: TreeLine, width: int) -> int:
    """The cell in which the fold mark of a line is drawn; -1 when it has none."""
    return FLAGS + cell_len(_guides(line, width)) if line.fold else -1


def segments(line: TreeLine, width: int, styles: TreeStyles) -> list[Segment]:
    """Draw a line in exactly `width` cells."""
    columns = _columns(line, width, styles)
    room = max(0, width - FLAGS - sum(cell_len(text) for text, _ in columns))
    parts = [
        ("›" if line.cursor else " ", styles.name),
        ("+" if line.marked else " ", styles.marked),
        *_label(line, room, width, styles),
        *columns,
    ]
    # The cursor's colours cover those of the parts; bold and dim stay.
    drawn = [Segment(text, style + styles.cursor if line.cursor else style) for text, style in parts if text]
    return Segment.adjust_line_length(drawn, width, styles.cursor if line.cursor else styles.name)


def _guides(line: TreeLine, width: int) -> str:
    """The guides of a line; of a deep module the innermost only, so that there is room for a name."""
    room = max(0, width - FLAGS - _columns_width(width, line.figure_width) - _SHORTEST_NAME)
    levels = room // 2
    if len(line.guides) <= levels * 2:
        return line.guides
    return "… " + line.guides[len(line.guides) - (levels - 1) * 2 :] if levels else ""


def _label(line: TreeLine, room: int, width: int, styles: TreeStyles) -> list[tuple[str, Style]]:
    """Guides, marks, name and type in exactly `room` cells."""
    name, type_ = _words(line.row)
    shared = f"{'⇗' if line.row.shared_with else ''}{'≡' if line.row.shared_tensors else ''}"
    lead = [
        (_guides(line, width), styles.guides),
        (f"{line.fold} " if line.fold else "", styles.guides),
        ("● " if any(tensor.pruned for tensor in line.row.tensors) else "", styles.pruned),
    ]
    left = room - sum(cell_len(text) for text, _ in lead)
    name = cut(name, left - cell_len(shared))
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


def _columns(line: TreeLine, width: int, styles: TreeStyles) -> list[tuple[str, Style]]:
    """The columns at the right that a tree of this width has room for.

    The figure takes only the cells it needs, so that a name may reach as far.
    """
    columns, row = [], line.row
    if width >= 24:
        columns.append((f" {cut(printable(line.figure), line.figure_width)}", styles.parameters))
    if width >= 32:
        columns.append((f" {bar(max(row.masked, 0), row.parameters, _BAR)}", styles.bar))
    if width >= 16:
        share = "…" if row.masked < 0 else percent(row.masked, row.parameters) if row.masked else ""
        columns.append((f" {share:>{_PERCENT}}", styles.percent))
    return columns


def _columns_width(width: int, figure_width: int) -> int:
    """The cells that the columns of the widest row take."""
    return (
        (figure_width + 1 if width >= 24 else 0)
        + (_BAR + 1 if width >= 32 else 0)
        + (_PERCENT + 1 if width >= 16 else 0)
    )
