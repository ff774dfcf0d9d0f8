"""Tensors before the last step and at the session's start, whatever was done and undone in between."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session
from prune_tui.engine.layers import Layers, layers_of


def linear() -> nn.Linear:
    model = nn.Linear(4, 1, bias=False)
    model.weight.data = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    return model


def shown(session: Session, view: str) -> list[float]:
    layers = layers_of(session, "weight", view)
    assert isinstance(layers, Layers)
    return layers.shown().flatten().tolist()


def test_a_change_is_one_since_the_last_step_or_since_the_start() -> None:
    session = Session(linear())
    assert shown(session, "step") == shown(session, "start") == [0, 0, 0, 0]
    session.apply("l1_unstructured", "weight", amount=1)
    session.apply("l1_unstructured", "weight", amount=1)
    assert shown(session, "step") == [0, -2, 0, 0]
    assert shown(session, "start") == [-1, -2, 0, 0]
    session.undo()
    assert shown(session, "step") == shown(session, "start") == [-1, 0, 0, 0]


def test_what_was_masked_before_the_session_is_no_change() -> None:
    model = prune.custom_from_mask(linear(), "weight", torch.tensor([[0.0, 1.0, 1.0, 1.0]]))
    session = Session(model)
    session.apply("l1_unstructured", "weight", amount=1)
    assert shown(session, "start") == [0, -2, 0, 0]
    session.apply("remove", "weight")
    assert shown(session, "step") == [0, 0, 0, 0], "the zeros were zeros before"
    assert shown(session, "start") == [0, -2, 0, 0], "though the value itself is written over"


def test_a_step_on_another_tensor_changes_nothing_here() -> None:
    model = nn.Sequential(linear(), linear())
    session = Session(model)
    session.apply("l1_unstructured", "0.weight", amount=1)
    session.apply("l1_unstructured", "1.weight", amount=1)
    first = layers_of(session, "0.weight", "step")
    assert isinstance(first, Layers)
    assert first.shown().tolist() == [[0, 0, 0, 0]]


def test_a_mask_of_other_numbers_multiplied_with_them_before_too() -> None:
    model = prune.custom_from_mask(linear(), "weight", torch.tensor([[0.5, 1.0, 1.0, 1.0]]))
    session = Session(model)
    before = (model.weight_orig * model.weight_mask).detach()
    session.apply("l1_unstructured", "weight", amount=1)
    change = ((model.weight_orig * model.weight_mask).detach() - before).flatten().tolist()
    assert shown(session, "step") == shown(session, "start") == change
    alive = session.earlier.alive_before_last_step("weight")
    assert alive is not None
    assert (alive.dtype, alive.tolist()) == (torch.bool, [[True] * 4])


def test_what_remove_writes_by_another_name_of_a_tied_tensor_is_a_change() -> None:
    model = nn.Sequential(linear(), linear())
    model[1].weight = model[0].weight
    session = Session(model)
    session.apply("l1_unstructured", "0.weight", amount=1)
    session.apply("l1_unstructured", "1.weight", amount=2)
    session.apply("remove", "1.weight")
    last, start = (layers_of(session, "0.weight", view) for view in ("step", "start"))
    assert isinstance(last, Layers)
    assert isinstance(start, Layers)
    assert last.shown().tolist() == [[0, -2, 0, 0]], "its own mask had taken the 1 before, and has it still"
    assert start.shown().tolist() == [[-1, -2, 0, 0]]
    session.undo()
    again = layers_of(session, "0.weight", "start")
    assert isinstance(again, Layers)
    assert again.shown().tolist() == [[-1, 0, 0, 0]]
