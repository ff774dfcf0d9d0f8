"""What `prune-tui apply` says on standard error while it works: a line for each step, and how far it is."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from prune_tui import steps
from prune_tui.commands.printing import tell
from prune_tui.commands.progress_line import time_left

if TYPE_CHECKING:
    from prune_tui.engine.exports.recipe import Recipe
    from prune_tui.engine.exports.replaying import StepDone


_BETWEEN = 0.5
"""Seconds between two lines about one step."""


class Progress:
    """A line on standard error for each step; on a terminal also one that says what is being done.

    Args:
        rows: The report's steps, which it fills.
        recipe: What is done.
    """

    def __init__(self, rows: list[dict[str, Any]], recipe: Recipe) -> None:
        self._rows = rows
        self._recipe = recipe
        self._began = self._next = 0.0
        self._live = sys.stderr is not None and sys.stderr.isatty()

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Say what is being done; nothing of that stays."""
        self._announce()
        try:
            yield
        finally:
            self._wipe()

    def done(self, step: StepDone) -> None:
        """A step was done."""
        entry, number = step.entry, len(self._rows)
        took, left = sum(one.took for one in entry.effects), sum(one.left for one in entry.effects)
        row = {
            "line": self._recipe.steps[number].line,
            "method": steps.method_of(entry.step).name,
            "targets": list(entry.step.targets),
            "written": list(entry.step.written),
            "settings": {name: _plain(value) for name, value in steps.settings_of(entry.step).items()},
            "seed": getattr(entry.step, "seed", None),
            "took": {one.target: one.took for one in entry.effects},
            "left": {one.target: one.left - one.took for one in entry.effects},
            "checksum": step.checksum,
            "as_recorded": step.as_recorded,
            "notes": [*([step.differs] if step.differs else []), *step.notes],
            "seconds": round(step.seconds, 6),
        }
        self._rows.append(row)
        self._wipe()
        names = entry.step.written or entry.step.targets
        on = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        result = "masks removed" if isinstance(entry.step, steps.Remove) else f"−{took:,} of {left:,}"
        what = f"{steps.describe(entry.step)} on {on}  {result}"
        other = ", other masks than recorded" if step.as_recorded is False else ""
        tell(f"{self._place(number)}  {what}{other}  {step.seconds:.2f} s")
        for note in step.notes:
            tell(f"    ! {note}")
        self._announce()

    def within(self, done: int, whole: int) -> None:
        """So many tensors of the step that is being done are done."""
        number, now = len(self._rows), time.monotonic()
        if not self._live or now < self._next or number >= len(self._recipe.steps):
            return
        self._next = now + _BETWEEN
        left = time_left(now - self._began, done, whole)
        what = steps.describe(self._recipe.steps[number].step)
        self._wipe()
        tell(f"{self._place(number)}  {what} … {done} of {whole} tensors{left}"[:79], end="")

    def _place(self, number: int) -> str:
        return f"{number + 1}/{len(self._recipe.steps)}"

    def _announce(self) -> None:
        number = len(self._rows)
        self._began = time.monotonic()
        self._next = self._began + _BETWEEN
        if self._live and number < len(self._recipe.steps):
            what = steps.describe(self._recipe.steps[number].step)
            tell(f"{self._place(number)}  {what} …"[:79], end="")

    def _wipe(self) -> None:
        if self._live:
            print("\r\x1b[K", end="", flush=True, file=sys.stderr)


def _plain(value: Any) -> Any:
    """A setting as JSON can have it: there are no infinities in it, and a mask is told by its shape."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
