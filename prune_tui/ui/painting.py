"""A mask being painted, from the first stroke to the step that applies it, and what the engine makes of it."""

from __future__ import annotations

import dataclasses

from prune_tui.protocol import Request
from prune_tui.tensor_requests import Draft as DraftRequest
from prune_tui.tensor_requests import Painted
from prune_tui.tensor_views import Drafted
from prune_tui.ui.aim import Aim
from prune_tui.ui.draft import Draft


class Painting:
    """Strokes, the last of which the engine may still be working out.

    Attributes:
        draft: What is painted.
        drafted: What the engine made of the strokes that it has worked out; None where there are none.
    """

    def __init__(self) -> None:
        self.draft = Draft()
        self.drafted: Drafted | None = None
        self._accepted = Draft()  # what `drafted` is of

    @property
    def painted(self) -> Painted | None:
        """What has been worked out."""
        return None if self.drafted is None else self._accepted.painted

    def stroke(self, tensor: str, aim: Aim) -> DraftRequest | None:
        """Toggle what the brush takes at the cursor.

        Returns:
            What to ask the engine; None where the stroke took back the only one there was.
        """
        self.draft = self.draft.toggled(tensor, aim)
        return DraftRequest(self.draft.painted) if self.draft.toggles else None

    def accept(self, request: Request, drafted: Drafted) -> bool:
        """Take what was worked out; False where more was painted, or all of it dropped, in the meantime."""
        if not isinstance(request, DraftRequest) or request.painted != self.draft.painted:
            return False
        self.drafted, self._accepted = drafted, self.draft
        return True

    def refuse(self) -> None:
        """What was painted last cannot be: back to what can, with the brush that is held."""
        self.draft = dataclasses.replace(self._accepted, brush=self.draft.brush)

    def drop(self) -> bool:
        """Forget what was painted; whether there was anything."""
        painted = self.draft.toggles or self._accepted.toggles
        self.draft, self.drafted = self.draft.dropped(), None
        self._accepted = self.draft
        return bool(painted)

    def finished(self) -> Painted | str:
        """All of it, to be applied; or why that cannot be yet."""
        painted = self.painted
        if painted is None or painted != self.draft.painted:
            return "the last stroke is still being worked out: enter again"
        return painted

    def next_brush(self) -> str:
        """Take an entry, a row, a column or a channel with the next stroke, and say which."""
        self.draft = self.draft.with_next_brush()
        brush = self.draft.brush
        return f"x toggles {'an' if brush == 'entry' else 'a'} {brush}"
