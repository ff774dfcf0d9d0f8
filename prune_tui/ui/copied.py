"""What the keys for copying send, as text. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from prune_tui import steps
from prune_tui.tensor_requests import Block
from prune_tui.tensor_views import Entry
from prune_tui.ui.facets import Canvas
from prune_tui.ui.numbers import precise
from prune_tui.view_rows import View
from prune_tui.views import Finding, LogEntry, TileBlock


def number(value: float, dtype: str) -> str:
    """A value with all digits that tell it from its neighbours in its dtype."""
    return precise(value, ".17g" if dtype in {"float64", "complex128"} else ".9g")


def entry(shown: Entry, view: View, dtype: str) -> str:
    """The entry at the cursor in the view that is shown; its note where there is no number."""
    if shown.note:
        return shown.note
    mask = 1.0 if shown.mask is None else shown.mask
    values = {
        "effective": shown.effective + 0.0,  # without the sign of -0.0
        "orig": shown.orig,
        "mask": mask,
        "step": shown.step,
        "start": shown.start,
    }
    return number(values[view], dtype)


def rows(
    canvas: Canvas,
    tile: Mapping[tuple[int, ...], tuple[Block, TileBlock]],
    lines: range,
    columns: tuple[int, int],
    dtype: str,
) -> str:
    """The values of a grid that are in sight, a line for each of its lines, with tabs between them.

    Args:
        canvas: Where they stand.
        tile: Those that are here, by facet.
        lines: Of the canvas.
        columns: The first cell and the one behind the last.
        dtype: Of the tensor.
    """
    written = []
    for line in lines:
        cells: list[str] = []
        for span in canvas.spans(line, *columns):
            block, values = tile.get(span.facet, (None, None))
            if block is None or values is None or not block.rows[0] <= span.row < block.rows[1]:
                continue
            start = (span.row - block.rows[0]) * (block.columns[1] - block.columns[0]) - block.columns[0]
            held = range(max(span.start, block.columns[0]), min(span.stop, block.columns[1]))
            cells += [number(values.values[start + column] + 0.0, dtype) for column in held]
        if cells:
            written.append("\t".join(cells))
    return "\n".join(written)


def finding(found: Finding) -> str:
    """What it is about, what it means and what to do."""
    return f"{found.where}: {found.means} {found.do}"


def call(done: LogEntry) -> str:
    """A step as Python: `session.apply("l1_unstructured", "conv1.weight", amount=0.3)`.

    A mask that was painted is left out: it is told as `mask=...`, and an export has it.
    """
    step = done.step
    targets = step.written or step.targets or tuple(effect.target for effect in done.effects)
    settings = {name: _literal(value) for name, value in steps.settings_of(step).items()}
    if "mask" in settings:
        settings["mask"] = "..."
    if steps.draws(step):
        settings["seed"] = repr(getattr(step, "seed", None))
    told = [_literal(steps.name_of(step)), _literal(targets[0] if len(targets) == 1 else targets)]
    told += [f"{name}={value}" for name, value in settings.items()]
    return f"session.apply({', '.join(told)})"


def _literal(value: object) -> str:
    """As Python writes it, texts in double quotes."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_literal, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def calls(done: Iterable[LogEntry]) -> str:
    """All steps that are not undone, a line each."""
    return "\n".join(call(one) for one in done if not one.undone)
