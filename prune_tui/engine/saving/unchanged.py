"""Making sure that what is being saved stays what it was: steps, training and other programs go on meanwhile.

torch counts the writes to a tensor's memory, and what is taken back of a `remove` counts its own. Nothing counts
what is written through `.data`, NumPy or to tensors of inference mode.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from prune_tui.engine.saving.forms import Formed, Piece
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.source_file import FileChangedError
from prune_tui.step_settings import StepError


class Unchanged:
    """What tensors and files were when it was made.

    Args:
        tensors: By name; a change of the model that is held up by `lock` must not be under way.
        checkpoint: Whose files lie under them.
        lock: Held by what changes the model.
    """

    def __init__(
        self,
        tensors: Mapping[str, Tensor],
        checkpoint: Checkpoint | None,
        lock: contextlib.AbstractContextManager[Any],
    ) -> None:
        self._counted = [(name, one, one._version) for name, one in tensors.items() if not one.is_inference()]
        self._checkpoint = checkpoint
        self._lock = lock

    def check(self) -> None:
        """Raise StepError where one is not what it was."""
        check_source(self._checkpoint)
        with self._lock:  # what is writing just now has counted when it is done
            changed = next((name for name, one, count in self._counted if one._version != count), None)
        if changed is not None:
            raise StepError(f"{changed} was changed while it was saved; save again")

    def guarding(self, formed: Formed) -> Formed:
        """The same, with a check before each tensor is made."""
        return dataclasses.replace(formed, pieces=tuple(map(self._guarded, formed.pieces)))

    def _guarded(self, piece: Piece) -> Piece:
        def make() -> Tensor:
            self.check()
            return piece.make()

        return dataclasses.replace(piece, make=make)


def check_source(checkpoint: Checkpoint | None) -> None:
    """Make sure that the files that a model was opened from are still what they were.

    Raises:
        StepError: One is not.
    """
    try:
        if checkpoint is not None:
            checkpoint.check()
    except FileChangedError as error:
        raise StepError(f"nothing was written: {error}") from error
