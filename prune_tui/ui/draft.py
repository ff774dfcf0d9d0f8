"""A mask that is being painted: which entries, rows, columns or channels were toggled. Pure."""

from __future__ import annotations

import dataclasses
from typing import Literal

from prune_tui.tensor_requests import Painted, Toggle
from prune_tui.ui.aim import Aim

Brush = Literal["entry", "row", "column", "channel"]
BRUSHES: tuple[Brush, ...] = ("entry", "row", "column", "channel")


@dataclasses.dataclass(frozen=True)
class Draft:
    """What was painted on a tensor, and what the next stroke takes.

    Attributes:
        tensor: Dotted name.
        toggles: In the order they were made.
        brush: An entry; a row or a column of the slice that is shown; or a whole index of the first axis.
    """

    tensor: str = ""
    toggles: tuple[Toggle, ...] = ()
    brush: Brush = "entry"

    @property
    def painted(self) -> Painted:
        """It, as the engine is told."""
        return Painted(self.tensor, self.toggles)

    def with_next_brush(self) -> Draft:
        """With another brush."""
        return dataclasses.replace(self, brush=BRUSHES[(BRUSHES.index(self.brush) + 1) % len(BRUSHES)])

    def toggled(self, tensor: str, aim: Aim) -> Draft:
        """With a stroke at the cursor; a stroke that was made before is taken back."""
        toggle = Toggle(self._index(aim))
        before = self.toggles if tensor == self.tensor else ()
        toggles = tuple(one for one in before if one != toggle) if toggle in before else (*before, toggle)
        return dataclasses.replace(self, tensor=tensor, toggles=toggles)

    def _index(self, aim: Aim) -> tuple[int, ...]:
        free: set[int] = {
            "entry": set[int](),
            "row": {aim.column_axis},
            "column": {aim.row_axis},
            "channel": set(range(1, len(aim.shape))),
        }[self.brush]
        return tuple(-1 if axis in free else at for axis, at in enumerate(aim.index))

    def dropped(self) -> Draft:
        """Nothing painted, with the same brush."""
        return Draft(brush=self.brush)
