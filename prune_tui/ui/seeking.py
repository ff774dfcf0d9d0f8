"""Which kind of entry is looked for in a tensor, and which one of its kind was found last. Pure."""

from __future__ import annotations

from typing import Literal

from prune_tui.protocol import Request
from prune_tui.tensor_requests import Locate
from prune_tui.tensor_views import Located
from prune_tui.ui.aim import Aim
from prune_tui.view_rows import View

Sought = Literal["masked", "extreme", "nan", "inf", "not_finite"]
_NAMES: dict[Sought, str] = {
    "masked": "masked",
    "extreme": "extreme",
    "nan": "NaN",
    "inf": "Inf",
    "not_finite": "NaN or Inf",
}
_IN_TURN: tuple[Sought, ...] = ("masked", "extreme", "nan", "inf")
"""The kinds that `f` goes through; NaN and Inf together are looked for in a tensor that is broken."""


class Seeking:
    """The kind that is looked for, and the entry at the cursor where it was found by that.

    Attributes:
        kind: What is looked for.
        broken: A tensor whose first NaN or Inf is to be gone to once it is shown; empty for none.
    """

    def __init__(self) -> None:
        self.kind: Sought = "masked"
        self.broken = ""
        self._located: Located | None = None

    def forget(self) -> None:
        """The cursor is at another entry."""
        self._located = None

    def next(self, tensor: str, view: View, aim: Aim, *, forward: bool) -> Locate:
        """What to ask for, to go on from an entry."""
        self.broken = ""
        return Locate(tensor, view, self.kind, aim.index, forward)

    def other(self, tensor: str, view: View, aim: Aim) -> Locate:
        """What to ask for, to look for the next kind: for the greatest extreme, or from an entry on."""
        at = _IN_TURN.index(self.kind) + 1 if self.kind in _IN_TURN else 0
        self.kind, self._located, self.broken = _IN_TURN[at % len(_IN_TURN)], None, ""
        return Locate(tensor, view, self.kind, None if self.kind == "extreme" else aim.index)

    def in_broken(self, tensor: str, view: View) -> Locate | None:
        """What to ask for where a broken tensor is shown: its first NaN or Inf; None of any other tensor.

        It is to be asked for each time the tensor is shown until it is answered: a module that is gone to may show
        its tensor more than once, and each time what was asked for before is taken back.
        """
        if not self.broken or tensor != self.broken:
            return None
        self.kind, self._located = "not_finite", None
        return Locate(tensor, view, self.kind, None)

    def found(self, request: Request, located: Located, tensor: str) -> tuple[int, ...] | str | None:
        """Take an answer.

        Returns:
            The entry to go to; why there is none; or None where something else is looked for by now.
        """
        if not isinstance(request, Locate) or (request.tensor, request.kind) != (tensor, self.kind):
            return None
        self.broken = ""
        return located.note or f"no {_NAMES[self.kind]} here" if located.index is None else located.index

    def keep(self, located: Located) -> None:
        """The cursor is at what was found."""
        self._located = located

    def told(self) -> str:
        """`masked 2 of 16`; empty where the entry at the cursor was not looked for."""
        one = self._located
        return "" if one is None else f"{_NAMES[self.kind]} {one.number:,} of {one.of:,}"
