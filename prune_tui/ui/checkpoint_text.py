"""What a checkpoint is and says of itself, as lines of text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size

from prune_tui.checkpoint_views import CheckpointView
from prune_tui.ui.module_lines import human_bytes
from prune_tui.ui.numbers import counted
from prune_tui.ui.tree_line import cut, printable

_MOST = 40
"""Lines of metadata, and of configuration."""
_LONGEST_NAME = 44


def facts(checkpoint: CheckpointView) -> Iterator[str]:
    """What a person should know of a checkpoint, a line each."""
    chosen = checkpoint.chosen and f"{checkpoint.chosen} of it; --key chooses {', '.join(checkpoint.others)}"
    told: dict[str, object] = {
        "Chosen": chosen,
        "Prefix": checkpoint.prefix and f"{checkpoint.prefix}, not shown",
        "Compact": checkpoint.compacted
        and f"{counted(checkpoint.compacted, 'tensor')} kept as values and bits in the files; the bytes of tensors"
        " and modules are those unpacked, originals and masks",
        "Left out": ", ".join(checkpoint.left_out),
        "No place in the tree": ", ".join(checkpoint.unplaced),
        "Cannot be pruned": checkpoint.refusal,
    }
    yield from (f"{heading}: {text}" for heading, text in told.items() if text)


def tables(checkpoint: CheckpointView) -> Iterator[str]:
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
    shown = [
        (*(cut(printable(cell), _LONGEST_NAME) for cell in row[:-1]), printable(row[-1])) for row in rows[:_MOST]
    ]
    sizes = [max(map(cell_len, column)) for column in zip(*shown, strict=True)][:-1]
    for row in shown:
        yield "  " + "  ".join(
            [*(set_cell_size(cell, size) for cell, size in zip(row, sizes, strict=False)), row[-1]]
        )
    if len(rows) > _MOST:
        yield f"  … and {len(rows) - _MOST:,} more; prune-tui show --json has them all"
