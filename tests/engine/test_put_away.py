"""Masks of methods that have left the model: the history keeps none of them as it was."""

from __future__ import annotations

import gc

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session
from tests.engine.fingerprints import fingerprint

SHAPE = (211, 199)
"""Of no other test."""


def held() -> list[torch.Tensor]:
    """All tensors of the shape of the layer's weight that anything still holds."""
    gc.collect()
    found = [one for one in gc.get_objects() if type(one) in {torch.Tensor, nn.Parameter}]
    return [
        one for one in found if not one.is_nested and one.shape == SHAPE
    ]  # a nested one of other tests has none


def bytes_held_beside(others: list[torch.Tensor]) -> int:
    """Of those that other tests have not left: held on to, they keep their identity."""
    known = set(map(id, others))
    memory = {one.untyped_storage().data_ptr(): one.nbytes for one in held() if id(one) not in known}
    return sum(memory.values())


def pruned_three_times() -> Session:
    session = Session(nn.Linear(199, 211, bias=False))
    session.apply("global_unstructured", "weight", amount=0.2)
    session.apply("custom_from_mask", "weight", mask=torch.rand(SHAPE) > 0.2)
    session.apply("global_unstructured", "weight", amount=0.2)
    return session


@pytest.mark.parametrize("away", ["undo", "remove"])
def test_no_mask_stays_with_a_method_that_has_left_the_model(away: str) -> None:
    others = held()
    session = pruned_three_times()
    if away == "remove":
        session.apply("remove", "weight")
    else:
        for _ in range(3):
            session.undo()
    assert bytes_held_beside(others) == 4 * 211 * 199, "but for the weight itself"
    assert session.history or session.redo()


def test_they_are_with_their_methods_again_when_these_come_back() -> None:
    session = pruned_three_times()
    before = fingerprint(session.model)
    (container,) = session.model._forward_pre_hooks.values()
    masks = [method.mask.clone() for method in container]
    session.apply("remove", "weight")
    for _ in range(4):
        session.undo()
    for _ in range(3):
        session.redo()
    assert fingerprint(session.model) == before
    (container,) = session.model._forward_pre_hooks.values()
    assert all(torch.equal(method.mask, mask) for method, mask in zip(container, masks, strict=True))


def test_masks_that_were_there_before_the_session_come_back_too() -> None:
    scaled, mine = torch.full(SHAPE, 0.5), torch.ones(SHAPE)
    model = nn.Sequential(nn.Linear(199, 211), nn.Linear(199, 211))
    prune.custom_from_mask(model[0], "weight", scaled)
    prune.custom_from_mask(model[1], "weight", mine)
    methods = [next(iter(layer._forward_pre_hooks.values())) for layer in model]
    session = Session(model)
    session.apply("remove", ["0.weight", "1.weight"])
    assert methods[0].mask is scaled
    session.undo()
    assert [torch.equal(method.mask, mask) for method, mask in zip(methods, (scaled, mine), strict=True)] == [
        True
    ] * 2
