"""The demo: the trained LeNet of the pruning tutorial, with its accuracy on the held-out digits."""

from __future__ import annotations

import torch
from torch import nn

from prune_tui.demo import digits, lenet
from prune_tui.engine.cancelling import Stop
from prune_tui.engine.evaluation.metric import Metric, accuracy
from prune_tui.engine.sources.loaded import Loaded


def load(device: torch.device) -> Loaded:
    """The demo on a device."""
    images, labels = digits.load("held_out")
    images, labels = images.to(device), labels.to(device)

    def measure(model: nn.Module, stop: Stop) -> float:
        return accuracy(model, images, labels, stop)

    return Loaded(lenet.trained(device), Metric("accuracy", measure))
