"""What `prune-tui apply` says on standard error while it works: a line for each step, and how far it is."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from prune_tui import steps
from prune_tui.commands.printing import tell

if TYPE_CHECKING:
    from prune_tui.engine.exports.recipe import Recipe
    from prune_tui.engine.exports.replaying import StepDone

_BETWEEN = 0.2
"""Seconds between two lines about one piece of work."""
_SURE = 1.0
"""Seconds after which the time left is told: before, it is a guess."""


class Progress:
    """A line on standard error for each step; on a terminal also one that says what is being done.

    Args:
        rows: The report's steps, which it fills.
        recipe: What is done.
    """

    def __init__(self, rows: list[dict[str, Any]], recipe: Recipe) -> None:
        self._rows = rows
        self._recipe = recipe
        self._live = _Live()

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Say what is being done; nothing of that stays."""
        self._announce()
        try:
            yield
        finally:
            self._live.wipe()

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
        self._live.wipe()
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
        """Of the step that is being done, so many of its tensors are."""
        number = len(self._rows)
        if number < len(self._recipe.steps):
            what = steps.describe(self._recipe.steps[number].step)
            self._live.say(
                lambda left: f"{self._place(number)}  {what} … {done} of {whole} tensors{left}", done, whole
            )

    def _place(self, number: int) -> str:
        return f"{number + 1}/{len(self._recipe.steps)}"

    def _announce(self) -> None:
        number = len(self._rows)
        if number < len(self._recipe.steps):
            what = steps.describe(self._recipe.steps[number].step)
            self._live.begin(f"{self._place(number)}  {what} …")


@contextlib.contextmanager
def writing() -> Iterator[Callable[[int, int], None]]:
    """Yield what is told the bytes written and those there are; on a terminal it says so, with the time left."""
    live = _Live()
    live.begin("writing …")
    try:
        yield lambda done, whole: live.say(
            lambda left: f"writing … {done / 1e9:,.2f} of {whole / 1e9:,.2f} GB{left}", done, whole
        )
    finally:
        live.wipe()


class _Live:
    """One line of a terminal that is written anew; nothing where standard error is none."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr is not None and sys.stderr.isatty()
        self._began = self._last = 0.0

    def begin(self, text: str) -> None:
        """Say what is being done now."""
        self._began = self._last = time.monotonic()
        if self._is_shown:
            tell(text[:79], end="")

    def say(self, text: Callable[[str], str], done: int, whole: int) -> None:
        """Say how far it is, now and then; `text` is given the time that is left, in words."""
        now = time.monotonic()
        if not self._is_shown or now - self._last < _BETWEEN:
            return
        self._last = now
        self.wipe()
        tell(text(_left(now - self._began, done, whole))[:79], end="")

    def wipe(self) -> None:
        """Leave the line empty."""
        if self._is_shown:
            print("\r\x1b[K", end="", flush=True, file=sys.stderr)


def _left(passed: float, done: int, whole: int) -> str:
    if passed < _SURE or not 0 < done < whole:
        return ""
    seconds = passed * (whole - done) / done
    if seconds >= 90:
        return f", {seconds / 60:.0f} min left"
    return f", {seconds:.0f} s left"


def _plain(value: Any) -> Any:
    """A setting as JSON can have it: there are no infinities in it, and a mask is told by its shape."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
