"""Which tensors of a model are broken by their values: NaN or Inf in them, or nothing but one value.

Left out, since nothing is wrong with it:

- masks, and buffers of integers or bools: counters such as `num_batches_tracked`, position ids, causal masks;
- buffers of one value: scales, running statistics that are still fresh; and float buffers of nothing but 0 and
  -Inf, which are attention masks;
- what initialisation gives: biases of zeros, vectors of ones (weights of norms, torch's and anybody's), the 0.25
  of a PReLU; and biases that are wholly masked.

A tensor that stands in several places is told once, by the first.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor, nn

from prune_tui.engine import pruned
from prune_tui.engine.cancelling import Stop, never
from prune_tui.engine.doctor.orphans import may_not_be_finite
from prune_tui.engine.reading import comparable, effective, fits, stored, why_no_values
from prune_tui.engine.session import Session
from prune_tui.engine.surveys import Survey
from prune_tui.engine.walking import named_modules_of
from prune_tui.tensor_views import Broken, BrokenTensors


class _Suspect(NamedTuple):
    """A tensor to be looked at.

    Attributes:
        path: Dotted name.
        module: The module that holds it.
        values: As stored, detached.
        kept: Its mask, where one fits it.
        buffer: It is no parameter.
    """

    path: str
    module: nn.Module
    values: Tensor
    kept: Tensor | None
    buffer: bool

    @property
    def is_bias(self) -> bool:
        """Whether its name says so: `bias`, `in_proj_bias`, `bias_ih_l0`."""
        name = self.path.rpartition(".")[2]
        return name.startswith("bias") or name.endswith("bias")


@dataclasses.dataclass
class _Seen:
    """What a walk through a tensor has met.

    Attributes:
        nans: NaN among the stored values.
        infinities: Inf among them.
        under_mask: How many of both the mask takes: they still reach the forward, as NaN.
        by_mask: Entries that only the mask makes NaN or Inf.
        below: -Inf among the infinities.
        kept: Entries that the mask keeps.
        value: That of a kept entry that is finite; None before the first.
        constant: There is no other, as far as was looked.
    """

    nans: int = 0
    infinities: int = 0
    under_mask: int = 0
    by_mask: int = 0
    below: int = 0
    kept: int = 0
    value: float | complex | None = None
    constant: bool = True

    def add(self, values: Tensor, kept: Tensor | None, *, value_too: bool) -> None:
        """Take in a piece.

        Args:
            values: A part of the stored values.
            kept: The same part of the mask.
            value_too: Whether it may still be that there is one value only.
        """
        shown = effective(values, kept)
        # A product of a NaN or an Inf is none that is finite, whatever the mask holds.
        odd = may_not_be_finite(shown)
        if odd:
            self._add_odd(comparable(values), kept, comparable(shown))
        alive = None if kept is None else comparable(kept) != 0
        self.kept += shown.numel() if alive is None else int(alive.count_nonzero())
        if value_too:
            left = comparable(shown).reshape(-1) if alive is None else comparable(shown)[alive]
            self._add_value(left[left.isfinite()] if odd else left)

    def united(self, other: _Seen) -> _Seen:
        """The same, with what was seen of another part taken in."""
        for count in ("nans", "infinities", "under_mask", "by_mask", "below", "kept"):
            setattr(self, count, getattr(self, count) + getattr(other, count))
        if other.value is not None:
            self.constant &= other.constant and self.value in (None, other.value)
            self.value = other.value
        return self

    @property
    def finite(self) -> bool:
        """Whether there was neither NaN nor Inf."""
        return not (self.nans or self.infinities or self.by_mask)

    def _add_odd(self, values: Tensor, kept: Tensor | None, shown: Tensor) -> None:
        finite = values.isfinite()
        self.nans += int(values.isnan().count_nonzero())
        self.infinities += int(values.isinf().count_nonzero())
        if not values.is_complex():
            self.below += int(values.isneginf().count_nonzero())
        if kept is not None:
            self.under_mask += int((~finite & (comparable(kept) == 0)).count_nonzero())
            self.by_mask += int((finite & ~shown.isfinite()).count_nonzero())

    def _add_value(self, left: Tensor) -> None:
        if left.numel():
            self.value = left[0].item()
            self.constant = not bool((left != self.value).any())


def broken_tensors(session: Session, stop: Stop = never) -> BrokenTensors:
    """Look through every tensor of a session's model.

    Args:
        session: The session; its lock is held while the tensors are taken hold of, not while they are read.
        stop: Asked between pieces of about 2^18 entries.

    Returns:
        Those that are broken, in the order of the model.

    Raises:
        Cancelled: `stop` said so.
    """
    with session.lock:
        suspects = list(_suspects(session.model))
    seen = _SURVEY.of(session, suspects, stop)
    told = ((_verdict(suspect, own), suspect, own) for suspect, own in zip(suspects, seen, strict=True))
    return BrokenTensors(tuple(Broken(one.path, what, own.finite) for what, one, own in told if what))


def _look(so_far: _Seen, values: Tensor, kept: Tensor | None) -> _Seen:
    found = _Seen()
    found.add(values, kept, value_too=so_far.constant)
    if not found.constant:
        so_far.constant = False  # so that no other piece looks for it
    return found


_SURVEY = Survey(_Seen, _look, _Seen.united)


def _suspects(model: nn.Module) -> Iterator[_Suspect]:
    """Every parameter, and every buffer that is no mask and can hold NaN; each once."""
    met: set[tuple[int, int]] = set()
    for path, module in named_modules_of(model):
        parameters = pruned.base_names(module)
        masks = {f"{name}_mask" for _, name, _ in pruned.pruning_hooks(module)}
        buffers = [name for name, held in module._buffers.items() if held is not None and name not in masks]
        for name in (*parameters, *buffers):
            values, kept = stored(module, name), pruned.mask(module, name)
            if values is None or why_no_values(values) or (id(values), id(kept)) in met:
                continue
            met.add((id(values), id(kept)))
            buffer = name not in parameters
            if buffer and not (values.is_floating_point() or values.is_complex()):
                continue
            dotted = f"{path}.{name}" if path else name
            yield _Suspect(dotted, module, values.detach(), kept if fits(kept, values) else None, buffer)


def _verdict(suspect: _Suspect, seen: _Seen) -> str:
    """What is wrong with a tensor; empty where nothing is."""
    if not seen.finite:
        return "" if _is_attention_mask(suspect, seen) else _odd(seen)
    elements = suspect.values.numel()
    if suspect.buffer or elements < 2:
        return ""
    if not seen.kept:
        return "" if suspect.is_bias else "all masked"
    if not seen.constant or seen.kept < 2 or seen.value is None or _is_initial(suspect, seen.value):
        return ""
    return "all zero" if seen.value == 0 else f"constant {seen.value:g}"


def _is_attention_mask(suspect: _Suspect, seen: _Seen) -> bool:
    only = not seen.nans and seen.infinities == seen.below
    return suspect.buffer and only and seen.constant and seen.value == 0


def _odd(seen: _Seen) -> str:
    counts = {"NaN": seen.nans, "Inf": seen.infinities, "made so by the mask": seen.by_mask}
    told = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    return f"{told} ({seen.under_mask:,} masked)" if seen.under_mask else told


def _is_initial(suspect: _Suspect, value: float | complex) -> bool:
    """Whether a tensor of this value is as it was made."""
    if value == 0:
        return suspect.is_bias
    if value == 1:
        return suspect.values.dim() == 1
    return value == 0.25 and isinstance(suspect.module, nn.PReLU)
