"""Sessions on small models, as a person would prune them, for whatever leaves a session."""

import torch
from torch import nn

from prune_tui import Session
from tests.engine.test_session_property import MODELS, NAMES, made

__all__ = ["MODELS", "NAMES", "made", "net", "session_of_every_method"]


def net():
    """Two convolutions and a head; the same weights each time."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return nn.Sequential(
            nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 4, 3), nn.Flatten(), nn.Linear(16, 5)
        )


def session_of_every_method(model=None):
    """One step of every method of torch.nn.utils.prune and more, some on patterns, one step undone."""
    session = Session(net() if model is None else model, seed=11)
    session.apply("identity", "5.bias")
    session.apply("l1_unstructured", "0.weight", amount=0.3)
    session.apply("random_unstructured", ["3.weight", "5.weight"], amount=0.25)
    session.apply("l1_unstructured", "?.weight", amount=2)
    session.apply("random_structured", "3.weight", amount=1, dim=1)
    session.apply("ln_structured", ["0.weight", "5.weight"], amount=0.4, n=float("inf"), dim=0)
    session.apply("global_unstructured", "*.weight", amount=0.2)
    session.apply("global_unstructured", ["0.bias", "3.bias"], amount=3, pruning_method="RandomUnstructured")
    session.apply("custom_from_mask", "1.bias", mask=torch.tensor([1, 0, 1, 1, 0, 1]))
    session.apply("semi_structured", "5.weight", pattern="2:4")
    session.apply("global_structured", ["0.weight", "3.weight"], amount=1)
    session.apply("lamp", "?.weight", amount=0.1)
    session.apply("uniform_plus", ["0.weight", "3.weight", "5.weight"], amount=0.1)
    session.apply("erdos_renyi_kernel", ["0.weight", "3.weight", "5.weight"], amount=0.1)
    session.apply("remove", ["5.weight", "1.bias"])
    session.apply("l1_unstructured", "5.weight", amount=0.5)
    session.apply("l1_unstructured", "5.weight", amount=0.9)
    session.undo()
    return session
