"""The L2 norm of every module: over all parameters in and below it, with their masks, shared ones once."""

from __future__ import annotations

import math
import operator
from typing import NamedTuple

import torch
from torch import Tensor

from prune_tui.engine import outline, pruned, walking
from prune_tui.engine.cancelling import Stop, never
from prune_tui.engine.reading import as_numbers, comparable, effective, fits, stored, why_no_values
from prune_tui.engine.rolled_up import Held
from prune_tui.engine.session import Session
from prune_tui.engine.surveys import Survey
from prune_tui.engine.walking import Place
from prune_tui.tensor_views import Norms
from prune_tui.view_rows import ParameterRow

_Key = tuple[int, int]


class _Parameter(NamedTuple):
    """A parameter of one module.

    Attributes:
        values: As stored.
        kept: Its mask, where one fits it.
    """

    values: Tensor
    kept: Tensor | None

    @property
    def key(self) -> _Key:
        """The same wherever else it stands with the same mask."""
        return id(self.values), id(self.kept)


def norms(session: Session, stop: Stop = never) -> Norms:
    """The norm of every module, over the finite effective values.

    Args:
        session: The session; its lock is held while the tensors are taken hold of, not while they are read.
        stop: Asked between pieces of about 2^18 entries.

    Returns:
        One for each row of the outline; a tensor without values adds nothing.

    Raises:
        Cancelled: `stop` said so.
    """
    with session.lock:
        places = walking.places(session.model)
        own = [_parameters(place) if place.first == index else () for index, place in enumerate(places)]
    parameters = [one for here in own for one in here]
    found = _SQUARES.of(session, parameters, stop)
    squares = {one.key: square for one, square in zip(parameters, found, strict=True)}
    held = [tuple(_held(one, squares[one.key]) for one in here) for here in own]
    return Norms(tuple(math.sqrt(found.squares) for found in outline.rolled_up(places, held)))


def _parameters(place: Place) -> tuple[_Parameter, ...]:
    found = []
    for name in pruned.base_names(place.module):
        values, kept = stored(place.module, name), pruned.mask(place.module, name)
        if values is not None and not why_no_values(values):
            found.append(_Parameter(values, kept if fits(kept, values) else None))
    return tuple(found)


def _held(one: _Parameter, squares: float) -> Held:
    """As the outline holds it: where a tensor stands in several places, the one with a mask counts."""
    return Held(id(one.values), 0, "", row=ParameterRow("", (), 0, one.kept is not None), squares=squares)


def _squares(_: float, values: Tensor, kept: Tensor | None) -> float:
    """Sum of the squares of the finite effective values of a part."""
    shown = comparable(effective(values, kept))
    if not shown.is_floating_point() or shown.device.type == "mps":
        shown = as_numbers(shown)
    norm = float(torch.linalg.vector_norm(shown, dtype=torch.float64))
    if not math.isfinite(norm):
        norm = float(torch.linalg.vector_norm(shown[shown.isfinite()], dtype=torch.float64))
    return norm * norm


_SQUARES = Survey(float, _squares, operator.add)
"""Of each parameter the sum of its squares."""
