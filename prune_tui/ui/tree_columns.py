"""What the module tree shows of each module beside its share pruned, and in which order siblings stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, get_args

from prune_tui.ui.module_lines import human_bytes
from prune_tui.ui.numbers import human_count
from prune_tui.view_rows import ModuleRow

Column = Literal["params", "bytes", "norm", "dtype", "device"]
Order = Literal["model", "column", "pruned"]
"""As in the model; by the column that is shown; by the share that is pruned. Greatest first, names from a to z."""

Rank = Callable[[ModuleRow], object]
"""Siblings stand by this, smallest first; equal ones as in the model. All values are of one type."""


class KnownNorms(NamedTuple):
    """The norms of modules.

    Attributes:
        by_path: As they were last told; empty before.
        known: The model has not changed since.
    """

    by_path: Mapping[str, float] = {}
    known: bool = False


class _Shown(NamedTuple):
    """How a column is written and ranked.

    Attributes:
        width: Cells of the widest figure.
        text: A module's figure.
        rank: What it is sorted by.
    """

    width: int
    text: Callable[[ModuleRow, KnownNorms], str]
    rank: Callable[[ModuleRow, KnownNorms], object]


def _names(names: tuple[str, ...]) -> str:
    """`float32`, or `bfloat16+1` where there are others."""
    return names[0] + (f"+{len(names) - 1}" if len(names) > 1 else "") if names else ""


def _norm(row: ModuleRow, norms: KnownNorms) -> str:
    if not row.parameters:
        return ""
    norm = norms.by_path.get(row.path)
    return "…" if norm is None or not norms.known else f"{norm:.3g}"


_COLUMNS: dict[Column, _Shown] = {
    "params": _Shown(6, lambda row, _: human_count(row.parameters), lambda row, _: -row.parameters),
    "bytes": _Shown(8, lambda row, _: human_bytes(row.bytes), lambda row, _: -row.bytes),
    "norm": _Shown(8, _norm, lambda row, norms: -norms.by_path.get(row.path, 0.0)),
    "dtype": _Shown(10, lambda row, _: _names(row.dtypes), lambda row, _: row.dtypes),
    "device": _Shown(10, lambda row, _: _names(row.devices), lambda row, _: row.devices),
}
COLUMNS: tuple[Column, ...] = get_args(Column)
_ORDERS: tuple[Order, ...] = get_args(Order)


class Arrangement(NamedTuple):
    """What is shown and in which order.

    Attributes:
        column: What is shown.
        order: How siblings stand.
    """

    column: Column = "params"
    order: Order = "model"

    def with_next_column(self) -> Arrangement:
        """The next column; sorted by it, where the order goes by what is shown."""
        return self._replace(column=COLUMNS[(COLUMNS.index(self.column) + 1) % len(COLUMNS)])

    def with_next_order(self) -> Arrangement:
        """The next order."""
        return self._replace(order=_ORDERS[(_ORDERS.index(self.order) + 1) % len(_ORDERS)])

    @property
    def heading(self) -> str:
        """`Modules · bytes ↓`, greatest first: over the tree, as far as it is not what everybody expects."""
        if self == Arrangement():
            return "Modules"
        by_name = self.column in {"dtype", "device"}
        orders = {"model": "", "column": " ↑" if by_name else " ↓", "pruned": " · % ↓"}
        return f"Modules · {self.column}{orders[self.order]}"

    @property
    def width(self) -> int:
        """Cells of the widest figure."""
        return _COLUMNS[self.column].width

    def figure(self, row: ModuleRow, norms: KnownNorms) -> str:
        """What a module's line shows."""
        return _COLUMNS[self.column].text(row, norms)

    def rank(self, norms: KnownNorms) -> Rank | None:
        """What siblings are sorted by; None where they stand as in the model."""
        if self.order == "model":
            return None
        if self.order == "pruned":
            return lambda row: -max(row.masked, 0) / row.parameters if row.parameters else 0.0
        rank = _COLUMNS[self.column].rank
        return lambda row: rank(row, norms)
