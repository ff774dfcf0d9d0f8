"""Amounts that name the total to be reached instead of what goes: `to 80%`, and steps of a cubic schedule to it.

Source of the schedule: Zhu, Gupta, "To Prune, or Not to Prune: Exploring the Efficacy of Pruning for Model
Compression", 2017, arXiv 1710.01878, equation 1.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

_FORM = re.compile(r"(?:to|=)\s*(\d+(?:\.\d*)?|\.\d+)\s*(%?)(?:\s+(\d+)\s*/\s*(\d+))?", re.ASCII)


class Total(NamedTuple):
    """A share of all entries that is to be masked after a step.

    Attributes:
        share: Of the schedule's end, from 0 to 1.
        step: Which step of the schedule.
        steps: How many it has; 1 where the total is to be reached at once. They are to be done in turn, on the
            same entries, which may be pruned already when the first is done.
    """

    share: Fraction
    step: int = 1
    steps: int = 1

    def after(self, masked: int, elements: int, unit: int = 1) -> Fraction:
        """The share that is to be masked after this very step: s_f + (s_i − s_f)·(1 − t/k)³.

        What is masked now tells where the schedule began: at s_i, which it is at the first step. It began at none
        where no more is masked than such a schedule comes to before this step.

        Args:
            masked: How many entries are masked now.
            elements: Of so many.
            unit: Entries that go together, as those of a channel: a step may have come to so many more, less one.
        """
        before, left = ((1 - Fraction(step, self.steps)) ** 3 for step in (self.step - 1, self.step))
        if self.step > 1 and masked < self.share * (1 - before) * elements + unit:
            return self.share * (1 - left)
        now = Fraction(masked, elements or 1)
        return self.share - max(Fraction(0), self.share - now) * left / before

    def __str__(self) -> str:
        """`to 80%`, `to 80% 2/5`."""
        # With a point and no exponent, which `read` would not take; finer than any tensor has entries.
        percent = f"{Decimal(f'{float(self.share * 100):.10g}'):.15f}".rstrip("0").rstrip(".") + "%"
        return f"to {percent}" if self.steps == 1 else f"to {percent} {self.step}/{self.steps}"

    def nudged(self, direction: int) -> Total:
        """A total five points higher or lower; of a schedule, its next or last step."""
        if self.steps > 1:
            return self._replace(step=min(self.steps, max(1, self.step + direction)))
        return self._replace(share=min(Fraction(1), max(Fraction(0), self.share + Fraction(direction, 20))))


def read(text: str) -> Total | None:
    """`to 80%`, `to 0.8`, `=80%` or, for the second of five steps, `to 80% 2/5`; None where it is no such text.

    Raises:
        ValueError: A share above 1, or a step that the schedule has not.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None or len(text) > 40:
        return None
    number, percent, step, steps = found.groups()
    share = Fraction(number) / (100 if percent else 1)
    if share > 1:
        raise ValueError("a total lies between 0% and 100%; write 80% or 0.8")
    if step is None:
        return Total(share)
    if not 1 <= int(step) <= int(steps):
        raise ValueError(f"a schedule of {int(steps)} steps has no step {int(step)}")
    return Total(share, int(step), int(steps))


def cubic(share: float, steps: int, start: float = 0.0) -> list[str]:
    """The amounts of a cubic schedule, each the total after one step: `["to 39.04%", "to 62.72%", ... "to 80%"]`.

    Much goes early, while there is much that is not needed, and ever less towards the end: s_t = s_f +
    (s_i − s_f)·(1 − t/k)³. Train between the steps.

    Args:
        share: s_f, the share of entries masked at the end, from 0 to 1.
        steps: k.
        start: s_i, the share masked now.

    Raises:
        ValueError: Not 0 <= start <= share <= 1, or no step.
    """
    if not 0 <= start <= share <= 1 or steps < 1:
        raise ValueError(f"cubic({share}, {steps}, {start}): 0 <= start <= share <= 1, and one step or more")
    end, first = Fraction(str(share)), Fraction(str(start))
    left = [(1 - Fraction(step, steps)) ** 3 for step in range(1, steps + 1)]
    return [str(Total(end + (first - end) * one)) for one in left]
