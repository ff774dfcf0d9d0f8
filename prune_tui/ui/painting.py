"""A mask being painted, from the first stroke to the step that applies it, and what the engine makes of it."""

from __future__ import annotations

import dataclasses

from prune_tui.protocol import Draft as DraftRequest
from prune_tui.protocol import Request
from prune_tui.steps import AnyStep
from prune_tui.ui.aim import Aim
from prune_tui.ui.draft import Draft
from prune_tui.views import Previewed


class Painting:
    """Strokes, the last of which the engine may still be working out.

    Attributes:
        draft: What is painted.
        drafted: What the engine made of the strokes that it has worked out; None where there are none.
    """

    def __init__(self) -> None:
        self.draft = Draft()
        self.drafted: Previewed | None = None
        self._accepted = Draft()  # what `drafted` is of

    @property
    def step(self) -> AnyStep | None:
        """The step that would apply what has been worked out."""
        return None if self.drafted is None else self.drafted.step

    def stroke(self, tensor: str, aim: Aim) -> DraftRequest | None:
        """Toggle what the brush takes at the cursor.

        Returns:
            What to ask the engine; None where the stroke took back the only one there was.
        """
        self.draft = self.draft.toggled(tensor, aim)
        return DraftRequest(tensor, self.draft.toggles) if self.draft.toggles else None

    def accept(self, request: Request, drafted: Previewed) -> bool:
        """Take what was worked out; False where more was painted, or all of it dropped, in the meantime."""
        draft = self.draft
        asked = isinstance(request, DraftRequest) and (request.tensor, request.toggles)
        if asked != (draft.tensor, draft.toggles):
            return False
        self.drafted, self._accepted = drafted, draft
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

    def finished(self) -> AnyStep | str:
        """The step that applies all of it, or why it is not known yet."""
        if self.step is None or self._accepted.toggles != self.draft.toggles:
            return "the last stroke is still being worked out: enter again"
        return self.step

    def next_brush(self) -> str:
        """Take an entry, a row, a column or a channel with the next stroke, and say which."""
        self.draft = self.draft.with_next_brush()
        brush = self.draft.brush
        return f"x toggles {'an' if brush == 'entry' else 'a'} {brush}"
