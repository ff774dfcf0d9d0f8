"""Measuring a model without leaving a trace in it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from prune_tui.engine import generators, pruned
from prune_tui.engine.cancelling import Cancelled, Stop

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
def unchanged(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients, and afterwards every mode, generator and computed attribute as found.

    torch's pruning hooks set `module.weight` at each forward; without gradients they would leave one behind that
    a backward cannot pass.
    """
    modules = list(model.modules())
    modes = [(module, module.training) for module in modules]
    computed = [
        (module, name, module.__dict__[name])
        for module in modules
        for _, name, _ in pruned.pruning_hooks(module)
        if name in module.__dict__
    ]
    with generators.untouched(), torch.no_grad():
        try:
            model.eval()
            yield
        finally:
            for module, training in modes:
                module.training = training
            for module, name, value in computed:
                setattr(module, name, value)
