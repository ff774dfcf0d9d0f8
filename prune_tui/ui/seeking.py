"""Which kind of entry is looked for in a tensor, and which one of its kind was found last. Pure."""

from __future__ import annotations

from typing import Literal

from prune_tui.protocol import Locate, Request
from prune_tui.tensor_views import Located
from prune_tui.ui.aim import Aim
from prune_tui.view_rows import View

Sought = Literal["masked", "extreme", "nan", "inf"]
_NAMES: dict[Sought, str] = {"masked": "masked", "extreme": "extreme", "nan": "NaN", "inf": "Inf"}
"""As the screen writes them; `f` goes through them in this order."""


class Seeking:
    """The kind that is looked for, and the entry at the cursor where it was found by that.

    Attributes:
        kind: What is looked for.
    """

    def __init__(self) -> None:
        self.kind: Sought = "masked"
        self._located: Located | None = None

    def forget(self) -> None:
        """The cursor is at another entry."""
        self._located = None

    def next(self, tensor: str, view: View, aim: Aim, *, forward: bool) -> Locate:
        """What to ask for, to go on from an entry."""
        return Locate(tensor, view, self.kind, aim.index, forward)

    def other(self, tensor: str, view: View, aim: Aim) -> Locate:
        """What to ask for, to look for the next kind: for the greatest extreme, or from an entry on."""
        kinds = list(_NAMES)
        self.kind, self._located = kinds[(kinds.index(self.kind) + 1) % len(kinds)], None
        return Locate(tensor, view, self.kind, None if self.kind == "extreme" else aim.index)

    def found(self, request: Request, located: Located, tensor: str) -> tuple[int, ...] | str | None:
        """Take an answer.

        Returns:
            The entry to go to; why there is none; or None where something else is looked for by now.
        """
        if not isinstance(request, Locate) or (request.tensor, request.kind) != (tensor, self.kind):
            return None
        return located.note or f"no {_NAMES[self.kind]} here" if located.index is None else located.index

    def keep(self, located: Located) -> None:
        """The cursor is at what was found."""
        self._located = located

    def told(self) -> str:
        """`masked 2 of 16`; empty where the entry at the cursor was not looked for."""
        one = self._located
        return "" if one is None else f"{_NAMES[self.kind]} {one.number:,} of {one.of:,}"
