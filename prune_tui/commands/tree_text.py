"""The tree of a model's modules as lines of text, cut to a width."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size

from prune_tui.checkpoint_views import CheckpointView
from prune_tui.commands.printing import printable
from prune_tui.ui.module_lines import human_bytes
from prune_tui.ui.numbers import counted, human_count, percent
from prune_tui.ui.tree_line import cut
from prune_tui.view_rows import ModuleRow, ParameterRow

_MOST = 40
"""Lines of metadata, and of configuration; JSON has them all."""
_LONGEST_NAME = 44
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
    prose = [f"{source}: {summary(rows[0], checkpoint)}", *(f"! {note}" for note in notes)]
    if checkpoint is not None:
        prose += _facts(checkpoint)
    lines = [line for text in prose for line in _wrapped(text, width)]
    if checkpoint is not None:
        lines += _tables(checkpoint)
    lines += ["", *_tree([row for row in rows if depth is None or level(row) <= depth], width)]
    return "\n".join(cut(printable(line), width).rstrip() for line in lines)


def level(row: ModuleRow) -> int:
    """How many modules a module lies in."""
    return row.path.count(".") + 1 if row.path else 0


def summary(row: ModuleRow, checkpoint: CheckpointView | None) -> str:
    """`safetensors file, 60,074 parameters, 33.3% pruned, 240.3 KB, float32, cpu`."""
    what = checkpoint.kind if checkpoint is not None else row.type
    pruned = f"{percent(row.masked, row.parameters)} pruned"
    dtypes, devices = ", ".join(row.dtypes), ", ".join(row.devices)
    told = (what, counted(row.parameters, "parameter"), pruned, human_bytes(row.bytes), dtypes, devices)
    return ", ".join(filter(None, told))


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(printable(text), width, subsequent_indent="  ", break_on_hyphens=False)


def _facts(checkpoint: CheckpointView) -> Iterator[str]:
    """What a person should know of a checkpoint, a line each."""
    chosen = checkpoint.chosen and f"{checkpoint.chosen} of it; --key chooses {', '.join(checkpoint.others)}"
    told = {
        "Chosen": chosen,
        "Prefix": checkpoint.prefix and f"{checkpoint.prefix}, not shown",
        "Left out": ", ".join(checkpoint.left_out),
        "No place in the tree": ", ".join(checkpoint.unplaced),
        "Cannot be pruned": checkpoint.refusal,
    }
    yield from (f"{heading}: {text}" for heading, text in told.items() if text)


def _tables(checkpoint: CheckpointView) -> Iterator[str]:
    """What a checkpoint holds and says of itself, under headings."""
    dtypes, files = (
        [
            (name, counted(one.tensors, "tensor") if one.tensors else "", human_bytes(one.bytes))
            for name, one in rows
        ]
        for rows in (
            [(one.dtype, one) for one in checkpoint.dtypes],
            [(one.name, one) for one in checkpoint.files],
        )
    )
    yield from _table("Dtypes", dtypes)
    yield from _table("Files", files)
    yield from _table("Metadata", _entries(checkpoint.metadata))
    yield from _table("Configuration", _entries(checkpoint.config))


def _entries(held: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (name, " ".join((value if isinstance(value, str) else json.dumps(value)).split()))
        for name, value in held.items()
    ]


def _table(heading: str, rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """A heading over columns as wide as what stands in them, names no wider than need be."""
    if not rows:
        return
    yield heading
    shown = [tuple(cut(printable(cell), _LONGEST_NAME) for cell in row[:-1]) + row[-1:] for row in rows[:_MOST]]
    sizes = [max(map(cell_len, column)) for column in zip(*shown, strict=True)][:-1]
    for row in shown:
        yield "  " + "  ".join(
            [*(set_cell_size(cell, size) for cell, size in zip(row, sizes, strict=False)), row[-1]]
        )
    if len(rows) > _MOST:
        yield f"  … and {len(rows) - _MOST:,} more; --json has them all"


def _tree(rows: Sequence[ModuleRow], width: int) -> Iterator[str]:
    """A line a module: its name as deep as it lies, what it is and holds, and figures at the right."""
    names = [f"{'  ' * level(row)}{printable(_name(row))}" for row in rows]
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
