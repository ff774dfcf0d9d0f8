"""From values to cells: how one entry of a tensor is written. Pure.

A masked entry is a `×`, never a number; a natural zero is a number, never a `×`. What a step has just masked keeps
its former value behind the `×`; what the open form would mask stands in brackets. So all four can be told apart
without colour.
"""

from __future__ import annotations

import dataclasses
import math

from prune_tui.ui.numbers import precise
from prune_tui.view_rows import View
from prune_tui.views import MASKED, NEWLY_MASKED, WOULD_GO, Statistics, Tile


@dataclasses.dataclass(frozen=True)
class NumberFormat:
    """How all numbers of a tensor are written, so that their points stand under each other.

    Attributes:
        digits: Cells of the longest number, its sign included.
        decimals: After the point.
        scientific: With an exponent.
    """

    digits: int
    decimals: int
    scientific: bool = False

    def with_digits(self, more: int) -> NumberFormat:
        """The same with so many digits more after the point, or fewer; whole numbers stay as they are."""
        if not self.decimals:
            return self
        decimals = max(1, self.decimals + more)
        return dataclasses.replace(self, digits=self.digits + decimals - self.decimals, decimals=decimals)

    @property
    def cell(self) -> int:
        """Cells an entry takes: two more for brackets or the `×`, one between entries."""
        return self.digits + 3

    def text(self, value: float) -> str:
        """One number."""
        if not math.isfinite(value):
            return precise(value)
        if self.scientific:
            return f"{value:.{self.decimals}e}"
        text = f"{value:.{self.decimals}f}"
        if len(text) > self.digits:
            return _in_cells(value, self.digits)
        # -0.0004 at three decimals would read -0.000, as if it were a zero with a sign.
        return text.removeprefix("-") if value and not text.strip("-0.") else text


def _in_cells(value: float, cells: int) -> str:
    """A number that is longer than those the format was made for: fewer digits, never a part of it."""
    for precision in range(cells, 0, -1):
        text = f"{value:.{precision}g}"
        if len(text) <= cells:
            return text
    return "#" * cells


WHOLE = NumberFormat(digits=4, decimals=0)


def number_format(statistics: Statistics | None, dtype: str, view: View) -> NumberFormat:
    """The format that shows the typical entry of a tensor with three significant digits.

    Args:
        statistics: Of the whole tensor; None while they are not known.
        dtype: Without `torch.`.
        view: A mask needs one digit.
    """
    if view == "mask" or dtype == "bool":
        return WHOLE
    largest = 1.0
    if statistics is not None and statistics.minimum is not None and statistics.maximum is not None:
        largest = max(abs(statistics.minimum), abs(statistics.maximum))
    if dtype.startswith(("int", "uint")):
        return NumberFormat(max(4, len(str(int(largest))) + 1), 0)
    if not 1e-3 <= (largest or 1.0) < 1e5:
        return NumberFormat(9, 2, scientific=True)
    typical = (statistics.rms if statistics is not None and statistics.rms else largest) or 1.0
    decimals = min(6, max(2, 2 - math.floor(math.log10(typical))))
    whole = max(1, math.floor(math.log10(largest or 1.0)) + 1)
    return NumberFormat(1 + whole + 1 + decimals, decimals)


def seen(tile: Tile) -> Statistics | None:
    """Range and root mean square of the values in a tile; None when none of them is finite."""
    values = [value for block in tile.blocks for value in (*block.values, *block.origs) if math.isfinite(value)]
    if not values:
        return None
    rms = math.sqrt(sum(value * value for value in values) / len(values))
    return Statistics(len(values), 0, minimum=min(values), maximum=max(values), rms=rms)


def cell(value: float, original: float | None, state: int, view: View, form: NumberFormat) -> str:
    """One entry, right-aligned in its cells, the gap at its end.

    Args:
        value: In the view that is shown.
        original: Before masking, where it is known.
        state: ALIVE, MASKED, NEWLY_MASKED or WOULD_GO.
        view: Which values are shown.
        form: Of the whole tensor.
    """
    inner = form.digits + 2
    if view in {"step", "start"}:
        return f"{form.text(value) if value else '·':>{inner - 1}}  "
    if state == WOULD_GO:
        return f"{'(' + form.text(value) + ')':>{inner}} "
    if state == NEWLY_MASKED and view == "effective" and original is not None:
        return f"{'×' + form.text(original):>{inner - 1}}  "
    if state in {MASKED, NEWLY_MASKED} and view in {"effective", "mask"}:
        return f"{'×':>{inner - 1}}  "
    return f"{form.text(value):>{inner - 1}}  "
