"""Looking at a checkpoint whose masks are bits shows what looking at ordinary masks shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
import torch

from prune_tui import Session, protocol, steps
from prune_tui.engine import norms, outline, reading, statistics
from prune_tui.engine.cancelling import never
from prune_tui.engine.layers import layers_of
from prune_tui.engine.modules import module_view
from prune_tui.engine.packed_masks import PackedMask
from prune_tui.engine.tensor_answers import ANSWERS
from prune_tui.tensor_requests import (
    Block,
    GetBroken,
    GetChannels,
    GetEntry,
    GetHeatmap,
    GetNorms,
    GetStack,
    GetStructure,
    GetTile,
    Locate,
)
from prune_tui.view_rows import View
from tests.engine.saving import checkpoints
from tests.engine.test_checkpoint_sessions import with_code

NAMES = ["embed.weight", "conv.weight", "layers.0.attn.weight", "narrow.weight"]


@pytest.fixture(params=["few", "many"])
def both(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> tuple[Session, Session]:
    """A session on a checkpoint, and one on a model of its tensors, in one piece and in many."""
    if request.param == "many":
        monkeypatch.setattr(reading, "PIECE", 10)
    held = checkpoints.tensors()
    held["embed.weight"][2, 3] = torch.nan
    held["embed.weight"][4, :] = torch.inf
    path = checkpoints.file(tmp_path, held)
    sessions = checkpoints.session_on(path), Session(with_code(path))
    for session in sessions:
        session.apply("random_unstructured", NAMES, amount=0.3, seed=1)
        session.apply("ln_structured", NAMES[1:], amount=1, n=2, dim=0)
    assert isinstance(sessions[0].model.get_submodule("conv").weight_mask, PackedMask)
    return sessions


def requests(name: str, view: View, axes: int) -> dict[str, protocol.Request]:
    """What the screens ask of a tensor."""
    rows, columns = (axes - 2, axes - 1)
    block = Block((0,) * (axes - 2), (0, 5), (0, 7))
    step = steps.build("l1_unstructured", [name], {"amount": 0.2})
    return {
        "tile": GetTile(name, view, rows, columns, (block,)),
        "tile across": GetTile(name, view, columns, rows, (block,)),
        "tile of a preview": GetTile(name, view, rows, columns, (block,), step),
        "heat map": GetHeatmap(name, view, rows, columns, block, 2, 3),
        "mean": GetHeatmap(name, view, columns, rows, block, 2, 2, "mean"),
        "heat map of a preview": GetHeatmap(name, view, rows, columns, block, 3, 3, preview=step),
        "channels": GetChannels(name, view, 0),
        "input channels": GetChannels(name, view, 1),
        "structure": GetStructure(name),
        "stack": GetStack(name, view, 3, 3),
        "entry": GetEntry(name, (1,) * axes),
        "masked": Locate(name, view, "masked", None),
        "the one before": Locate(name, view, "masked", (1,) * axes, forward=False),
        "extreme": Locate(name, view, "extreme", None),
        "not finite": Locate(name, view, "not_finite", None),
    }


def same(one: Any, other: Any) -> None:
    """Every figure, NaN being NaN."""
    assert repr(msgspec.to_builtins(one)) == repr(msgspec.to_builtins(other))


@pytest.mark.parametrize("view", get_args(View))
def test_all_that_screens_ask_of_a_tensor(both: tuple[Session, Session], view: View) -> None:
    for name in NAMES:
        axes = 4 if name.startswith("conv") else 2
        for request in requests(name, view, axes).values():
            same(*(ANSWERS[type(request)](session, request, never) for session in both))
        same(*(statistics.statistics(layers_of(session, name, view), never) for session in both))
        same(*(statistics.sampled(layers_of(session, name, view), never) for session in both))


def test_all_that_is_told_of_the_model(both: tuple[Session, Session]) -> None:
    same(*(ANSWERS[GetBroken](session, GetBroken(), never) for session in both))
    same(*(ANSWERS[GetNorms](session, GetNorms(), never).norms for session in both))  # type: ignore[attr-defined]
    same(*([(row.masked, row.tensors) for row in outline.outline(session.model)] for session in both))
    found = [[(one.check, one.module, one.tensor, one.means) for one in session.check()] for session in both]
    assert found[0] == found[1]
    for path in ("embed", "conv", "layers.0.attn"):
        told = [
            module_view(session.model, path, session.model.get_submodule(path), session.recorded())
            for session in both
        ]
        assert told[0].buffers == told[1].buffers
        assert told[0].histories == told[1].histories
        assert [row.stale for row in told[0].computed] == [False]


def test_what_was_found_is_known_until_the_mask_changes(both: tuple[Session, Session], monkeypatch: Any) -> None:
    session = both[0]
    looked = list[int]()
    known = norms._SQUARES._look
    monkeypatch.setattr(norms._SQUARES, "_look", lambda *piece: (looked.append(1), known(*piece))[1])
    norms.norms(session, never)
    first = len(looked)
    norms.norms(session, never)
    assert len(looked) == first > 0
    session.apply("l1_unstructured", "conv.weight", amount=0.5)
    norms.norms(session, never)
    assert first < len(looked) < 2 * first
