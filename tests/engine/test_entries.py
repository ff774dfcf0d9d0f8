"""What the cursor reads out of one entry."""

from __future__ import annotations

import torch
from torch import nn

from prune_tui import Session
from prune_tui.engine.entries import entry
from prune_tui.engine.layers import layers_of
from prune_tui.tensor_views import Entry


def read(session: Session, tensor: str, *index: int) -> Entry:
    return entry(lambda view: layers_of(session, tensor, view), index)


def test_an_entry_in_all_its_layers() -> None:
    model = nn.Linear(2, 1)
    model.weight.data = torch.tensor([[0.5, -2.0]])
    session = Session(model)
    assert read(session, "weight", 0, 1) == Entry(-2, -2, None, 0, 0)
    session.apply("l1_unstructured", "weight", amount=1)
    assert read(session, "weight", 0, 0) == Entry(0, 0.5, 0, -0.5, -0.5)
    assert read(session, "weight", 0, 1) == Entry(-2, -2, 1, 0, 0)


def test_what_is_not_there_is_a_note() -> None:
    session = Session(nn.Linear(2, 1))
    assert read(session, "weight", 0, 2).note == "the shape is 1×2: it has no entry [0, 2]"
    assert read(session, "weight", 0).note == "the shape is 1×2: it has no entry [0]"
    assert "meta" in read(Session(nn.Linear(2, 1, device="meta")), "weight", 0, 0).note
