"""Tensors before the last step and at the session's start, whatever was done and undone in between."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session
from prune_tui.engine.layers import Layers, layers_of
from prune_tui.engine.reading import difference
from prune_tui.engine.written_over import WrittenOver
from prune_tui.view_rows import View


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


@pytest.mark.parametrize("shape", [(), (7,), (5, 70), (3, 4, 5, 6), (70, 129), (2, 0, 3)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.complex64])
@pytest.mark.parametrize("scattered", [False, True])
def test_what_remove_wrote_over_is_found_for_every_part(
    shape: tuple[int, ...], dtype: torch.dtype, scattered: bool
) -> None:
    start = torch.randn(shape).to(dtype)
    model = nn.Module()
    values = start.movedim(-1, 0).contiguous().movedim(0, -1) if scattered and shape else start
    model.weight = nn.Parameter(values.clone())
    session = Session(model)
    for _ in range(2):
        session.apply("custom_from_mask", "weight", mask=torch.rand(shape) > 0.4)
        session.apply("remove", "weight")
    layers = layers_of(session, "weight", "start")
    assert isinstance(layers, Layers)
    expected = difference(model.weight.detach(), start)
    assert torch.equal(layers.shown(), expected)
    assert torch.equal(layers.cut(lambda one: one[None]).shown(), expected[None])
    told = sum(float(piece.shown().abs().sum()) for piece in layers.pieces())
    assert told == pytest.approx(float(expected.abs().sum()))
    if not shape or not start.numel():
        return
    index = tuple(torch.tensor([0, size // 2, size - 1]) for size in shape)
    cuts = (lambda one: one[..., 1:4], lambda one: one.movedim(0, -1)[-1:], lambda one: one[index].cpu())
    for cut in cuts:
        assert torch.equal(layers.cut(cut).shown(), cut(expected))


def test_pieces_of_a_large_tensor_are_those_of_the_tensor_before() -> None:
    model = nn.Linear(1000, 700, bias=False)
    start = model.weight.detach().clone()
    session = Session(model)
    session.apply("l1_unstructured", "weight", amount=0.5)
    session.apply("remove", "weight")
    layers = layers_of(session, "weight", "start")
    assert isinstance(layers, Layers)
    expected = difference(model.weight.detach(), start)
    told = [piece.shown().flatten() for piece in layers.pieces_in_order()]
    assert torch.equal(torch.cat(told), expected.flatten())
    assert torch.equal(layers.shown(), expected)


@pytest.mark.parametrize(("view", "change"), [("step", 0), ("start", -2)])
def test_no_copy_of_a_tensor_is_kept_nor_made_for_an_entry(
    view: View, change: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(linear())
    session.apply("l1_unstructured", "weight", amount=2)
    session.apply("remove", "weight")
    copied: list[int] = []
    back_in = WrittenOver.back_in

    def watched(self: WrittenOver, part: torch.Tensor, where: Sequence[torch.Tensor]) -> torch.Tensor:
        copied.append(part.numel())
        return back_in(self, part, where)

    monkeypatch.setattr(WrittenOver, "back_in", watched)
    layers = layers_of(session, "weight", view)
    assert isinstance(layers, Layers)
    assert layers.earlier is not None
    assert layers.earlier.values.data_ptr() == session.model.weight.data_ptr()
    assert layers.cut(lambda one: one[0, 1]).shown() == change
    assert copied == [1]


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
