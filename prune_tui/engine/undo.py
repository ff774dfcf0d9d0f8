"""What a step has to remember to be taken back: small, and exact in both directions.

A `Moment` holds the pruning of some modules at one time, and the values that the step writes over. `exchanged`
restores it and yields the moment it replaces, so that one record an edit serves undo and redo alike.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from prune_tui.engine import pruned
from prune_tui.engine.cancelling import Stop, never
from prune_tui.engine.commit import all_or_nothing
from prune_tui.engine.module_moments import Mask, ModuleMoment, Standing
from prune_tui.engine.overwritten import Overwritten, holders_in, of_remove, rewritten
from prune_tui.engine.planning import Part
from prune_tui.engine.put_away import put_away
from prune_tui.engine.targets import Target
from prune_tui.step_settings import Bits, StepError


@dataclasses.dataclass(frozen=True)
class Moment:
    """The pruning of the tensors a step touches, at one time."""

    modules: tuple[ModuleMoment, ...]
    values: tuple[Overwritten, ...] = ()

    @contextlib.contextmanager
    def exchanged(self, expected: Standing, done: Stop = never) -> Iterator[Moment]:
        """Restore this moment and yield the one it replaces; after a failure, in the block too, all is as it was.

        Args:
            expected: How its modules must stand now.
            done: Whether the block has got so far that the exchange stands.

        Raises:
            StepError: Something outside the session changed them since.
        """
        modules = [moment.module for moment in self.modules]
        if not Standing.of(modules).same_as(expected):
            names = ", ".join(sorted({type(module).__name__ for module in modules}))
            raise StepError(
                f"hooks or parameters of {names} changed outside the session since that step;"
                " undo them there first, or the change would be lost"
            )
        for_autograd, inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
        with torch.inference_mode(False), torch.no_grad(), all_or_nothing(modules, done):
            replaced = tuple(moment.now() for moment in self.modules)
            with rewritten(self.values, done) as values:
                for moment, left in zip(self.modules, replaced, strict=True):
                    moment.restore()
                    pruned.release(moment.module, left.sharing)
                    put_away(moment.module, left.from_masks())
                with torch.inference_mode(inference), torch.set_grad_enabled(for_autograd):
                    yield Moment(replaced, values)

    def standing(self) -> Standing:
        """How its modules stand now."""
        return Standing.of(moment.module for moment in self.modules)

    def scattered(self) -> Iterator[nn.Parameter]:
        """The parameters written over whose entries did not lie in the order of their indices before."""
        return (overwritten.parameter for overwritten in self.values if not overwritten.is_contiguous)

    def buffer(self, target: Target) -> Tensor | None:
        """The mask that a target had at this moment, as torch had it; None when it was not pruned."""
        for moment in self.modules:
            mask = moment.masks.get(target.name) if moment.module is target.module else None
            if mask is not None:
                return mask.buffer(target.module, target.parameter)
        return None

    def written(self, parameter: nn.Parameter) -> list[Overwritten]:
        """What of a parameter its edit wrote over."""
        return [overwritten for overwritten in self.values if overwritten.is_of(parameter)]

    def prunes(self, module: nn.Module, name: str) -> bool:
        """Whether it remembers the mask of a tensor, or that it had none."""
        return any(moment.module is module and name in moment.masks for moment in self.modules)

    def overwrites(self, parameter: nn.Parameter) -> bool:
        """Whether its edit wrote over values of a parameter, whatever name that was pruned by."""
        return bool(self.written(parameter))

    def mask(self, module: nn.Module, name: str) -> Tensor | None:
        """Which entries of a tensor were kept at this moment, as bool; None when it was not pruned."""
        mask = self._mask(module, name)
        return None if mask is None else mask.alive()

    def bits(self, module: nn.Module, name: str) -> Bits | None:
        """The same as bits."""
        mask = self._mask(module, name)
        return None if mask is None else mask.bits()

    def factors(self, module: nn.Module, name: str) -> Tensor | None:
        """What entries were multiplied with: as `mask`, or as it was where it held other values than 0 and 1."""
        mask = self._mask(module, name)
        return mask.kept if mask is not None and isinstance(mask.kept, Tensor) else self.mask(module, name)

    def _mask(self, module: nn.Module, name: str) -> Mask | None:
        return next((moment.masks.get(name) for moment in self.modules if moment.module is module), None)


def moment_before(model: nn.Module, parts: Sequence[Part]) -> Moment:
    """What to remember before a plan is carried out."""
    names: dict[int, tuple[nn.Module, list[str]]] = {}
    for part in parts:
        own = names.setdefault(id(part.target.module), (part.target.module, []))[1]
        own += [part.target.name] if part.target.name else []
    verbatim = any(part.change is not None for part in parts)
    removed = [part for part in parts if part.removes]
    holders = holders_in(model) if removed else {}
    return Moment(
        tuple(ModuleMoment.of(module, own, verbatim=verbatim) for module, own in names.values()),
        (
            *(of_remove(part, holders) for part in removed),
            *(
                Overwritten.found(part.target.parameter, part.overwrites, shared=False)
                for part in parts
                if part.overwrites is not None
            ),
        ),
    )
