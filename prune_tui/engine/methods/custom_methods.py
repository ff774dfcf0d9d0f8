"""Pruning methods that are not ours, at work.

What such a class computes is checked before anything is touched, and whatever it raises is told as a sentence that
names the file and line; the object that ends in the hook is its own instance, as `TheClass.apply(module, name)`
leaves it.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.prune import BasePruningMethod, PruningContainer

from prune_tui.engine import bits
from prune_tui.engine.cancelling import Cancelled, Stop
from prune_tui.engine.hooks import definition
from prune_tui.engine.interrupting import Interrupted, interruptible
from prune_tui.engine.methods.torchs_own import Masked, each
from prune_tui.engine.raised import place, reason
from prune_tui.engine.reading import comparable
from prune_tui.engine.selection import product
from prune_tui.engine.targets import Seen
from prune_tui.step_settings import StepError
from prune_tui.step_types import CustomMethod

CLASSES: dict[str, type[BasePruningMethod]] = {}
"""What `plugins` has added to this process, by the name of the method."""


def plan(step: CustomMethod, found: Sequence[Seen], stop: Stop) -> list[Masked]:
    """The masks of a plugin's method, and the objects it computed them with.

    Raises:
        StepError: It raised, or what it returned is no mask of its target.
        Cancelled: `stop` said so; it is interrupted wherever it is.
    """
    kind = CLASSES.get(step.name)
    if kind is None:
        raise StepError(f"the method {step.name} comes from a plugin that is not loaded here")
    with _seeded(step.seed or 0), _settings_of_torch_kept():
        return interruptible(
            lambda: [_masked(kind, step, target) for target in each(found, stop)],
            f"{step.name} ({definition(kind)})",
            stop,
        )


def _masked(kind: type[BasePruningMethod], step: CustomMethod, target: Seen) -> Masked:
    what = f"{target.path}: {kind.__name__}"
    # Copies: what a plugin writes into the tensors it is given must not reach the model.
    values = target.values.clone()
    gradient = target.original.grad
    gradient = None if gradient is None else gradient.detach().clone()
    mask = None if target.mask is None else target.mask.detach().clone(memory_format=torch.contiguous_format)
    with told(f"{what} refuses", definition(kind)):
        method = kind(**step.settings)
        method._tensor_name = target.name
        if mask is None:
            flat = getattr(method, "PRUNING_TYPE", "") == "unstructured"
            values = values.contiguous() if flat else values
            values.grad = gradient
            after = method.compute_mask(values, default_mask=torch.ones_like(values))
        else:
            after = _again(method, values, gradient, mask)
    _check(after, target, f"{what} ({definition(kind)})")
    return method, after.detach().clone()


class _Ranking(BasePruningMethod):
    """Stands for a method in a container: gives what it ranks its part of the gradient, and looks at its mask.

    Args:
        method: The method.
    """

    def __init__(self, method: BasePruningMethod) -> None:
        self._method = method
        self._tensor_name = method._tensor_name
        self.PRUNING_TYPE = getattr(method, "PRUNING_TYPE")  # noqa: B009 - torch declares none
        if hasattr(method, "dim"):
            self.dim = method.dim
        self._part: Tensor | None = None

    def take(self, gradient: Tensor, mask: Tensor) -> None:
        """Let the container cut the gradient as it cuts the values."""
        container = PruningContainer(_Cutting(self))
        container.compute_mask(gradient, default_mask=mask.clone())

    def cut(self, part: Tensor) -> None:
        """Keep the part of the gradient."""
        self._part = part

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Any:
        """What the method itself computes; of another shape the container would spread it over what is left."""
        t.grad = self._part
        made = self._method.compute_mask(t, default_mask=default_mask)
        if isinstance(made, Tensor) and made.shape != default_mask.shape:
            own, left = ("×".join(map(str, shape)) or "a scalar" for shape in (made.shape, default_mask.shape))
            raise StepError(f"{type(self._method).__name__} made a mask of {own}; what is left is {left}")
        return made


class _Cutting(BasePruningMethod):
    """Only keeps what a container would have it rank.

    Args:
        method: The method that ranks the same part.
    """

    def __init__(self, method: _Ranking) -> None:
        self._method = method
        self._tensor_name = method._tensor_name
        self.PRUNING_TYPE = getattr(method, "PRUNING_TYPE")  # noqa: B009 - torch declares none
        if hasattr(method, "dim"):
            self.dim = method.dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Masks nothing."""
        self._method.cut(t)
        return default_mask


def _again(method: BasePruningMethod, values: Tensor, gradient: Tensor | None, mask: Tensor) -> Any:
    """The mask that a method computes beyond an earlier one, as in torch's container."""
    ranking = _Ranking(method)
    if gradient is not None:
        ranking.take(gradient, mask)
    container = PruningContainer()
    container._tensor_name = method._tensor_name
    container.add_pruning_method(ranking)
    return container.compute_mask(values, default_mask=mask)


def _check(mask: object, target: Seen, what: str) -> None:
    """Refuse a mask that torch would take, and then compute or save nonsense."""
    if not isinstance(mask, Tensor):
        raise StepError(f"{what} made a {type(mask).__name__}; a mask is a tensor")
    if mask.shape != target.original.shape:
        shapes = ["×".join(map(str, shape)) or "a scalar" for shape in (mask.shape, target.original.shape)]
        raise StepError(f"{what} made a mask of {shapes[0]}; the tensor is {shapes[1]}")
    if mask.device != target.original.device or mask.layout is not torch.strided:
        raise StepError(
            f"{what} made a mask on {mask.device}, {mask.layout}; the tensor is on {target.original.device}"
        )
    now, before = comparable(mask), None if target.mask is None else comparable(target.mask)
    # What an earlier mask scales by is no method's doing, as long as it stays.
    binary = (now == 0) | (now == 1)
    if not bool((binary if before is None else binary | (now == before)).all()):
        raise StepError(f"{what} made a mask of other values than 0 and 1; torch cannot prune again after it")
    if target.mask is not None:
        back = int((bits.alive(mask) & ~bits.alive(target.mask)).sum())
        if back:
            raise StepError(f"{what} would bring {back} masked entries back; start its mask from default_mask")


@contextlib.contextmanager
def told(what: str, otherwise: str) -> Iterator[None]:
    """Tell whatever a person's code raises, SystemExit included, with its file and line."""
    try:
        yield
    except (KeyboardInterrupt, Cancelled, Interrupted, MemoryError):
        raise
    except BaseException as error:
        raise StepError(f"{what} ({place(error, otherwise)}): {reason(error)}") from error


@contextlib.contextmanager
def _settings_of_torch_kept() -> Iterator[None]:
    """Leave what is set for all of torch as it was found, whatever a person's code sets."""
    dtype, threads, flushes = torch.get_default_dtype(), torch.get_num_threads(), product.flushes()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.set_grad_enabled(torch.is_grad_enabled()):
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(deterministic, warn_only=warns)
            torch.set_flush_denormal(flushes)


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed Python's and numpy's generators, too, and leave them as they were; torch's are seeded already."""
    before, numpys = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(numpys)
