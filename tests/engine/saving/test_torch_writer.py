"""Files for `torch.load(..., weights_only=True)`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from prune_tui import Session
from prune_tui.engine import memory
from prune_tui.engine.past import RECIPE
from prune_tui.engine.saving.torch_writer import METADATA
from prune_tui.step_settings import StepError
from tests.engine.fingerprints import Tied
from tests.engine.saving import checkpoints


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin"])
def test_a_state_dict_that_the_model_loads(tmp_path: Path, suffix: str) -> None:
    session = Session(nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)))
    session.apply("l1_unstructured", "0.weight", amount=0.5)
    session.save(tmp_path / f"out{suffix}")
    saved = torch.load(tmp_path / f"out{suffix}", weights_only=True)
    assert list(saved) == list(session.model.state_dict())
    twin = Session(nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)))
    twin.apply("identity", "0.weight")
    twin.model.load_state_dict(saved)  # the metadata are where it does not look
    assert torch.equal(twin.model[0].weight_mask, session.model[0].weight_mask)
    assert saved._metadata[METADATA][RECIPE] == session.recipe()
    session.save(tmp_path / f"removed{suffix}", "removed")
    nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)).load_state_dict(torch.load(tmp_path / f"removed{suffix}"))


def test_tied_tensors_are_one_in_the_file(tmp_path: Path) -> None:
    session = Session(Tied())
    session.apply("l1_unstructured", "embedding.weight", amount=0.5)
    session.save(tmp_path / "pruned.pt")
    saved = torch.load(tmp_path / "pruned.pt", weights_only=True)
    assert saved["head.weight"].data_ptr() == saved["embedding.weight_orig"].data_ptr()
    session.save(tmp_path / "removed.pt", "removed")
    saved = torch.load(tmp_path / "removed.pt", weights_only=True)
    assert saved["head.weight"].data_ptr() == saved["embedding.weight"].data_ptr()


def test_a_part_of_a_larger_memory_is_all_that_is_written(tmp_path: Path) -> None:
    model = nn.Module()
    model.weight = nn.Parameter(torch.zeros(100_000)[:3])
    Session(model).save(tmp_path / "out.pt")
    assert (tmp_path / "out.pt").stat().st_size < 10_000


def test_what_has_to_be_worked_out_must_fit_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = checkpoints.session_on(checkpoints.file(tmp_path))
    session.apply("l1_unstructured", "conv.weight", amount=0.5)
    monkeypatch.setattr(memory, "free", lambda _: 100)
    session.save(tmp_path / "pruned.pt")  # all of it is there already
    with pytest.raises(
        StepError, match=r"saving to a file for torch.load needs 288 bytes more memory on cpu, 100 bytes is"
    ):
        session.save(tmp_path / "removed.pt", "removed")
    assert not (tmp_path / "removed.pt").exists()
