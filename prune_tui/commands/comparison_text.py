"""What differs between two models as lines of text, cut to a width."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence

from rich.cells import cell_len, set_cell_size

from prune_tui.commands.printing import printable
from prune_tui.comparison_views import Comparison, MasksCompared, OnlyHere, Side, TensorCompared
from prune_tui.ui.numbers import counted, percent, significant
from prune_tui.ui.tree_line import cut

Rows = Sequence[tuple[str, str]]
_MOST = 200
"""Lines under a heading; JSON has them all."""


def written(a: str, b: str, found: Comparison, width: int) -> str:
    """What differs, under headings, and in the last line what it comes to.

    Args:
        a: The one, as the person named it.
        b: The other.
        found: What was found.
        width: Cells of a line.
    """
    lines = [*_sides(a, b, found)]
    for heading, rows in _sections(found).items():
        lines += _section(heading, rows, width)
    lines += ["", *textwrap.wrap(verdict(found), width, break_on_hyphens=False)]
    return "\n".join(cut(printable(line), width).rstrip() for line in lines)


def _sides(a: str, b: str, found: Comparison) -> Iterator[str]:
    for letter, source, side in (("A", a, found.a), ("B", b, found.b)):
        yield f"{letter}  {source}: {_side(side)}"


def _side(side: Side) -> str:
    pruned = f", {counted(side.pruned, 'mask')} over {percent(side.masked, side.elements)}" if side.pruned else ""
    return f"{counted(side.tensors, 'tensor')}, {side.elements:,} entries{pruned}"


def _sections(found: Comparison) -> dict[str, Rows]:
    equal = {one.name: not one.differ for one in found.tensors}
    return {
        "Only in A": [_only(one) for one in found.only_a],
        "Only in B": [_only(one) for one in found.only_b],
        "Other shapes": [(one.name, f"{_shape(one.a)} in A, {_shape(one.b)} in B") for one in found.shapes],
        "Other dtypes": [
            (one.name, f"{one.a} in A, {one.b} in B{', equal values' if equal.get(one.name) else ''}")
            for one in found.dtypes
        ],
        "Other values": _told(found, lambda one: one.differ > 0, _values),
        "Other values under the mask only": _told(
            found,
            lambda one: one.under_mask > 0 and not one.differ,
            lambda one: f"{one.under_mask:,} of {one.elements:,}",
        ),
        "Other masks": _told(found, lambda one: one.other_masks, lambda one: _masks(one.masks)),
        "Equal numbers in other bits, such as -0.0 and 0.0": _told(
            found, lambda one: one.bits > 0, lambda one: f"{one.bits:,} of {one.elements:,}"
        ),
        "Not compared": [(one.name, one.why) for one in found.not_compared],
    }


def _told(
    found: Comparison, holds: Callable[[TensorCompared], bool], text: Callable[[TensorCompared], str]
) -> Rows:
    return [(one.name, text(one)) for one in found.tensors if holds(one)]


def _section(heading: str, rows: Rows, width: int) -> Iterator[str]:
    if not rows:
        return
    yield ""
    yield f"{heading}: {len(rows):,}"
    texts = max(cell_len(text) for _, text in rows[:_MOST])
    longest = max(cell_len(printable(name)) for name, _ in rows[:_MOST])
    room = min(longest, max(width - texts - 4, width // 3))
    for name, text in rows[:_MOST]:
        yield f"  {set_cell_size(cut(printable(name), room), room)}  {text}"
    if len(rows) > _MOST:
        yield f"  … and {len(rows) - _MOST:,} more; --json has them all"


def _only(one: OnlyHere) -> tuple[str, str]:
    return one.name, counted(one.tensors, "tensor") if one.tensors else ""


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "scalar"


def _values(one: TensorCompared) -> str:
    """`12 of 54 (22.2%), at most 0.117, norm 0.133 of A's`."""
    told = [f"{one.differ:,} of {one.elements:,} ({percent(one.differ, one.elements)})"]
    if one.max_abs is not None:
        told.append(f"at most {significant(one.max_abs)}")
    if one.relative is not None:
        told.append(f"norm {significant(one.relative)} of A's")
    if one.not_finite:
        told.append(f"{one.not_finite:,} NaN or infinite")
    return ", ".join(told)


def _masks(found: MasksCompared | None) -> str:
    """`16 masked in A alone, 2 in B alone`, or `16 masked in A, no mask in B`."""
    if found is None:
        return ""
    if found.a is None or found.b is None:
        with_mask, without = ("B", "A") if found.a is None else ("A", "B")
        count = found.b if found.a is None else found.a
        return f"{count:,} masked in {with_mask}, no mask in {without}"
    return f"{found.only_a:,} masked in A alone, {found.only_b:,} in B alone"


def verdict(found: Comparison) -> str:
    """What it comes to, in a sentence."""
    tensors = found.identical + len(found.tensors) + len(found.shapes) + len(found.not_compared)
    differ = sum(one.differ > 0 for one in found.tensors)
    if found.exactly_same:
        return f"The same: {counted(tensors, 'tensor')} equal bit for bit, masks too"
    if found.same_structure and found.same_values:
        return f"The same effective values in {counted(tensors, 'tensor')}; {_unlike(found)}"
    told = [
        *(["other structure"] if not found.same_structure else []),
        f"{counted(differ, 'tensor')} of {tensors:,} {'has' if differ == 1 else 'have'} other values",
        *([f"{len(found.not_compared):,} could not be compared"] if found.not_compared else []),
    ]
    return f"{'Different' if differ or not found.same_structure else 'Not compared as a whole'}: {'; '.join(told)}"


def _unlike(found: Comparison) -> str:
    """What is not the same though the values are."""
    counts = {
        "other masks": sum(one.other_masks for one in found.tensors),
        "other values under the mask": sum(one.under_mask > 0 for one in found.tensors),
        "other bits": sum(one.bits > 0 for one in found.tensors),
    }
    return ", ".join(f"{counted(count, 'tensor')} with {what}" for what, count in counts.items() if count)
