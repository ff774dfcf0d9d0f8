"""Steps done to a model whose tensors stay as they are: what they come to is kept as bits."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import msgspec
import torch
from torch import nn

from prune_tui import steps
from prune_tui.engine import bits, checksums, fingerprints, planning, pruned
from prune_tui.engine.cancelling import Stop, never
from prune_tui.engine.commit import refill
from prune_tui.engine.generators import seed_of_step
from prune_tui.engine.past import Past
from prune_tui.engine.session import Session
from prune_tui.engine.sources import method_histories
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.streaming import step_memory
from prune_tui.engine.streaming.packed_seen import PackedSeen
from prune_tui.engine.targets import Seen, Target
from prune_tui.engine.walking import named_modules_of, places
from prune_tui.step_settings import Bits
from prune_tui.views import Effect, LogEntry

_Key = tuple[int, str]
"""The module that holds a tensor, and the tensor's name there."""


@dataclasses.dataclass(frozen=True)
class StreamedStep:
    """A step that was done.

    Attributes:
        step: With its seed and its targets.
        effects: One for each target.
        checksum: Of the masks it gave.
    """

    step: steps.Step
    effects: tuple[Effect, ...]
    checksum: str


class StreamedSession:
    """A checkpoint being pruned, with no more in memory than a tensor's mask and all masks' bits.

    Its steps give the masks that a `Session` gives, bit by bit. There is no undo and no preview.

    Args:
        opened: On a model mapped from files, with no step done; nothing of the model changes but the order of its
            parameters.
        tell: Called with how many targets of a step are done, and with how many there are.
        stop: Asked between tensors.
    """

    def __init__(
        self, opened: Session, tell: Callable[[int, int], None] = lambda *_: None, stop: Stop = never
    ) -> None:
        if opened.checkpoint is None:
            raise RuntimeError("only a checkpoint can be streamed")
        self.model: nn.Module = opened.model
        self.seed = opened.seed
        self.past: Past = opened.past
        self.checkpoint: Checkpoint = opened.checkpoint
        self.done: tuple[StreamedStep, ...] = ()
        self.changed: Mapping[_Key, Bits] = {}
        self._came = dict(self._masks_of_the_files())
        self._methods = method_histories.described(opened.model)
        self._tell = tell
        self._stop = stop

    @functools.cached_property
    def fingerprint(self) -> str:
        """Of the model as it was opened."""
        return fingerprints.of_model(self.model)

    @contextlib.contextmanager
    def all_or_none(self) -> Iterator[None]:
        """Make the steps of a block one edit: when it fails, none is done."""
        before = self.done, self.changed, self._methods
        orders = [(module, dict(module._parameters)) for _, module in named_modules_of(self.model)]
        try:
            yield
        except BaseException:
            self.done, self.changed, self._methods = before
            for module, parameters in orders:
                refill(module._parameters, parameters)
            raise

    def do_and_tell(self, step: steps.Step) -> tuple[LogEntry, tuple[str, ...]]:
        """Do a step; returns it, and what a person should know of it.

        Raises:
            StepError: It cannot be done, or needs more memory than is free; nothing has changed.
            Cancelled: `stop` said so; likewise.
        """
        self.checkpoint.check()
        number = len(self.done) + 1
        _ = self.fingerprint  # before the order of its parameters is another one
        ready = planning.prepared(
            self.model, step, seed_of_step(self.seed, number), self._see, has_mask=self._has_mask
        )
        step_memory.check(ready.step, ready.seen)
        masks, effects, methods = self._worked_out(ready)
        after = self._recording(ready.step, tuple(masks.values()))
        given = {target.path: mask for target, mask in zip(ready.found, masks.values(), strict=True)}
        self._move_to_the_end(target for target in ready.found if not self._has_mask(target))
        self.done = (*self.done, StreamedStep(after, effects, checksums.of(given)))
        self.changed = {**self.changed, **masks}
        self._methods = methods
        return LogEntry(number, cast(steps.AnyStep, after), effects), ready.told(effects)

    def checksum(self) -> str:
        """The digest of the masks of the last step's targets."""
        return self.done[-1].checksum

    def whole_checksum(self) -> str:
        """The digest of every mask, as `checksums.of_model`."""
        return checksums.of({path: self._mask(module, name) for path, module, name in self._pruned()})

    def counts(self) -> tuple[int, int]:
        """Entries of all parameters, and how many of them are masked, tied ones counted once."""
        elements: dict[int, int] = {}
        masked: dict[int, int] = {}
        for _, module in named_modules_of(self.model):
            for name in pruned.base_names(module):
                parameter = pruned.parameter_of(module, name)
                if parameter is None:
                    continue
                elements[id(parameter)] = parameter.numel()
                if (id(module), name) in self._standing():
                    kept = self._mask(module, name)
                    masked.setdefault(id(parameter), parameter.numel() - int(bits.unpack(kept).sum()))
        return sum(elements.values()), sum(masked.values())

    def masks(self) -> dict[str, Bits]:
        """The masks that steps have made, by dotted name, in every place of their modules."""
        return {
            f"{place.path}.{name}" if place.path else name: self.changed[id(place.module), name]
            for place in places(self.model, into_shared=True)
            for name in pruned.base_names(place.module)
            if (id(place.module), name) in self.changed
        }

    def methods(self) -> Mapping[str, list[dict[str, Any]]]:
        """The methods on each tensor, described."""
        return self._methods

    # ---------------------------------------------------------------- inside

    def _worked_out(
        self, ready: planning.Prepared
    ) -> tuple[dict[_Key, Bits], tuple[Effect, ...], dict[str, list[dict[str, Any]]]]:
        masks: dict[_Key, Bits] = {}
        effects: list[Effect] = []
        methods = {name: list(held) for name, held in self._methods.items()}
        with (
            torch.inference_mode(False),
            torch.no_grad(),
            contextlib.closing(planning.parts_of(ready, self._stop)) as parts,
        ):
            for part in parts:
                if part.planned is None or part.method is None:
                    raise RuntimeError(f"{steps.name_of(ready.step)} cannot be streamed")
                target = part.target
                masks[id(target.module), target.name] = part.planned.packed()
                effects.append(part.outcome)
                methods.setdefault(target.path, []).append(method_histories.description(part.method))
                del part  # before the next one is made
                self.forget()
                self._tell(len(effects), len(ready.found))
        return masks, tuple(effects), methods

    def forget(self) -> None:
        """Drop what was read of the files."""
        for file in self.checkpoint.files:
            file.forget()

    def _recording(self, step: steps.Step, masks: tuple[Bits, ...]) -> steps.Step:
        """As a plan records it: with the masks that scores of a file came to."""
        if not isinstance(step, steps.ImportanceScores):
            return step
        return msgspec.structs.replace(step, mask=masks[0] if len(set(masks)) == 1 else masks)

    def _has_mask(self, target: Target) -> bool:
        return (id(target.module), target.name) in self._standing()

    def _move_to_the_end(self, found: Iterable[Target]) -> None:
        """Order a module's parameters as torch's pruning does: patterns mean tensors in the order of the model."""
        for target in found:
            parameters = target.module._parameters
            parameters[target.name] = parameters.pop(target.name)

    def _see(self, target: Target) -> Seen:
        kept = self._standing().get((id(target.module), target.name))
        return Seen.of(target, None) if kept is None else PackedSeen.packed(target, kept)

    def _standing(self) -> Mapping[_Key, Bits]:
        return {**self._came, **self.changed}

    def _mask(self, module: nn.Module, name: str) -> Bits:
        return self._standing()[id(module), name]

    def _pruned(self) -> Iterator[tuple[str, nn.Module, str]]:
        standing = self._standing()
        for path, module in named_modules_of(self.model):
            for name in pruned.base_names(module):
                if (id(module), name) in standing:
                    yield f"{path}.{name}" if path else name, module, name

    def _masks_of_the_files(self) -> Iterator[tuple[_Key, Bits]]:
        for _, module in named_modules_of(self.model):
            for name in pruned.base_names(module):
                mask = pruned.mask(module, name)
                if mask is not None:
                    yield (id(module), name), bits.packed(mask) or bits.pack(bits.alive(mask))
                    self.forget()
