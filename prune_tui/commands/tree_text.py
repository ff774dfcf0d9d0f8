"""The tree of a model's modules as lines of text, cut to a width."""

from __future__ import annotations

import textwrap
from collections.abc import Container, Iterator, Sequence

from rich.cells import cell_len, set_cell_size

from prune_tui.checkpoint_views import CheckpointView
from prune_tui.commands.printing import printable
from prune_tui.ui.checkpoint_text import facts, tables
from prune_tui.ui.module_lines import human_bytes
from prune_tui.ui.numbers import counted, human_count, percent
from prune_tui.ui.tree_line import cut
from prune_tui.view_rows import ModuleRow, ParameterRow

_HEADINGS = ("params", "pruned", "bytes", "dtype")


def written(
    source: str,
    rows: Sequence[ModuleRow],
    checkpoint: CheckpointView | None,
    notes: Sequence[str],
    *,
    depth: int | None,
    width: int,
) -> str:
    """What a model is, where it comes from, and its modules.

    Args:
        source: As the person named it.
        rows: Its outline.
        checkpoint: What its weights were read from.
        notes: What a person should know.
        depth: Levels of modules that are shown; None for all.
        width: Cells of a line.
    """
    prose = _head(source, rows[0], None if checkpoint is None else checkpoint.kind, notes)
    if checkpoint is not None:
        prose += facts(checkpoint)
    lines = [line for text in prose for line in _wrapped(text, width)]
    if checkpoint is not None:
        lines += tables(checkpoint)
    lines += ["", *_tree([row for row in rows if depth is None or level(row) <= depth], width)]
    return "\n".join(cut(printable(line), width).rstrip() for line in lines)


def one_screen(
    source: str, rows: Sequence[ModuleRow], kind: str | None, notes: Sequence[str], *, width: int, height: int
) -> str:
    """What a model is and as many of its modules as a screen has lines for: the outer ones before the inner ones.

    Args:
        source: As the person named it.
        rows: Its outline.
        kind: Of the checkpoint that it was read from, where there is one.
        notes: What a person should know.
        width: Cells of a line.
        height: Lines.
    """
    lines = [line for text in _head(source, rows[0], kind, notes) for line in _wrapped(text, width)]
    lines = [*lines[: height // 2], ""]
    room = height - len(lines) - 1
    if len(rows) <= room:
        lines += _tree(rows, width)
    else:
        places = sorted(range(len(rows)), key=lambda place: level(rows[place]))[: max(room - 1, 1)]
        shown = [rows[place] for place in sorted(places)]
        lines += _tree(shown, width, whole=_with_all_inside(rows, shown))
        lines.append(f"… {len(rows) - len(shown):,} more inside ▸: prune-tui show prints all")
    return "\n".join(cut(printable(line), width).rstrip() for line in lines)


def _with_all_inside(rows: Sequence[ModuleRow], shown: Sequence[ModuleRow]) -> set[str]:
    """The modules whose every child is shown."""
    paths = {row.path for row in shown}
    missing = {row.path.rpartition(".")[0] for row in rows if row.path not in paths}
    return paths - missing


def _head(source: str, whole: ModuleRow, kind: str | None, notes: Sequence[str]) -> list[str]:
    return [f"{source}: {summary(whole, kind)}", *(f"! {note}" for note in notes)]


def level(row: ModuleRow) -> int:
    """How many modules a module lies in."""
    return row.path.count(".") + 1 if row.path else 0


def summary(row: ModuleRow, kind: str | None) -> str:
    """`safetensors file, 60,074 parameters, 33.3% pruned, 240.3 KB, float32, cpu`."""
    what = kind or row.type
    pruned = f"{percent(row.masked, row.parameters)} pruned"
    dtypes, devices = ", ".join(row.dtypes), ", ".join(row.devices)
    told = (what, counted(row.parameters, "parameter"), pruned, human_bytes(row.bytes), dtypes, devices)
    return ", ".join(filter(None, told))


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(printable(text), width, subsequent_indent="  ", break_on_hyphens=False)


def _tree(rows: Sequence[ModuleRow], width: int, whole: Container[str] | None = None) -> Iterator[str]:
    """A line a module: its name as deep as it lies, what it is and holds, and figures at the right.

    Args:
        rows: The modules.
        width: Cells of a line.
        whole: Those of which nothing inside is left out; None where that is all of them.
    """
    marks = ["" if whole is None or row.path in whole else " ▸" for row in rows]
    names = [f"{'  ' * level(row)}{printable(_name(row))}{mark}" for row, mark in zip(rows, marks, strict=True)]
    figures = [_HEADINGS, *map(_figures, rows)]
    sizes = [max(map(cell_len, column)) for column in zip(*figures, strict=True)]
    right = sum(sizes) + 2 * len(sizes)
    room = max(width - right, 16)
    longest = min(max(map(cell_len, ["module", *names])), max(room // 2, 16))
    for name, held, own in zip(["module", *names], ["", *map(_held, rows)], figures, strict=True):
        cells = "".join(f"  {cell:>{size}}" for cell, size in zip(own[:-1], sizes, strict=False))
        label = set_cell_size(cut(name, longest), longest)
        rest = max(room - longest - 2, 0)
        yield f"{label}  {set_cell_size(cut(printable(held), rest), rest)}{cells}  {own[-1]}"


def _name(row: ModuleRow) -> str:
    return row.path.rpartition(".")[2] if row.path else row.type or "(model)"


def _held(row: ModuleRow) -> str:
    """Its type, where that is known, and its parameters."""
    if row.shared_with:
        return f"= {row.shared_with}"
    type_ = row.type if row.path else ""
    return "  ".join(filter(None, (type_, ", ".join(map(_tensor, row.tensors)))))


def _tensor(row: ParameterRow) -> str:
    pruned = "●" if row.pruned else ""
    return f"{pruned}{row.name} {'×'.join(map(str, row.shape)) or 'scalar'}"


def _figures(row: ModuleRow) -> tuple[str, ...]:
    share = percent(row.masked, row.parameters) if row.masked else ""
    dtypes = row.dtypes[0] + (f"+{len(row.dtypes) - 1}" if len(row.dtypes) > 1 else "") if row.dtypes else ""
    return human_count(row.parameters), share, human_bytes(row.bytes), dtypes
