"""Measuring a model without leaving a trace in it."""

from __future__ import annotations

import contextlib
import dataclasses
import random
from collections.abc import Callable, Iterator

import numpy
import torch
from torch import Tensor, nn

from prune_tui.engine import bits, generators, pruned
from prune_tui.engine.cancelling import Cancelled, Stop, never
from prune_tui.engine.commit import AsFound
from prune_tui.engine.reading import why_no_values
from prune_tui.engine.walking import buffers_of, modules_of, tensors_of

_BATCH = 64


@dataclasses.dataclass(frozen=True)
class Metric:
    """Something that can be measured of a model.

    Attributes:
        name: `accuracy`.
        measure: Takes the model and a `Stop`, returns a fraction between 0 and 1, higher is better. It is called
            inside `unchanged`, and raises `Cancelled` between batches when the stop says so.
    """

    name: str
    measure: Callable[[nn.Module, Stop], float]


def accuracy(model: nn.Module, images: Tensor, labels: Tensor, stop: Stop) -> float:
    """The fraction of images whose greatest logit is at their label.

    Args:
        model: Maps [batch, 1, 28, 28] float32 to logits [batch, classes].
        images: [n, 1, 28, 28] float32 on the model's device.
        labels: [n] int64 likewise.
        stop: Asked between batches.

    Raises:
        Cancelled: `stop` said so.
    """
    right = 0
    for batch, expected in zip(images.split(_BATCH), labels.split(_BATCH), strict=True):
        if stop():
            raise Cancelled
        right += int((model(batch).argmax(dim=1) == expected).sum())
    return right / max(len(labels), 1)


@contextlib.contextmanager
def unchanged(model: nn.Module, stop: Stop = never) -> Iterator[None]:
    """Evaluation mode without gradients, and afterwards the model and every generator as found.

    torch's pruning hooks set `module.weight` at each forward; without gradients they would leave one behind that
    a backward cannot pass. A forward may also count its calls, fill a cache or move a buffer.

    Args:
        model: The model.
        stop: Asked while somebody else has the generators.

    Raises:
        Cancelled: `stop` said so.
    """
    found = [AsFound(module) for module in modules_of(model)]
    buffers = [(buffer, buffer.clone()) for buffer in _own_buffers(model)]
    with _generators_untouched(model, stop), torch.no_grad():
        try:
            model.eval()
            yield
        finally:
            for module in found:
                module.put_back()
            for buffer, values in buffers:
                if not torch.equal(bits.integers(buffer), bits.integers(values)):
                    buffer.copy_(values)


def _own_buffers(model: nn.Module) -> Iterator[Tensor]:
    """Buffers apart from masks, which no forward writes to and which are as large as the model."""
    masks = {
        id(pruned.mask(module, name))
        for module in modules_of(model)
        for _, name, _ in pruned.pruning_hooks(module)
    }
    return (buffer for buffer in buffers_of(model) if id(buffer) not in masks and not why_no_values(buffer))


@contextlib.contextmanager
def _generators_untouched(model: nn.Module, stop: Stop) -> Iterator[None]:
    """The generators of torch on the model's devices, Python's and numpy's."""
    devices = {tensor.device for tensor in tensors_of(model)}
    python, numpys = random.getstate(), numpy.random.get_state()
    with generators.untouched((device for device in devices if device.type in {"cuda", "mps"}), stop):
        try:
            yield
        finally:
            random.setstate(python)
            numpy.random.set_state(numpys)
