"""Files for `torch.load(..., weights_only=True)`."""

from __future__ import annotations

import pathlib
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from prune_tui import Session
from prune_tui.engine import memory
from prune_tui.engine.saved_metadata import RECIPE
from prune_tui.engine.saving.torch_writer import METADATA
from prune_tui.step_settings import StepError
from tests.engine.fingerprints import Tied
from tests.engine.saving import checkpoints
from tests.engine.test_checkpoint_sessions import with_code


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
    path = checkpoints.file(tmp_path)
    session, ordinary = checkpoints.session_on(path), Session(with_code(path))
    for one in (session, ordinary):
        one.apply("l1_unstructured", "conv.weight", amount=0.5)
    monkeypatch.setattr(memory, "free", lambda _: 100)
    ordinary.save(tmp_path / "pruned.pt")  # all of it is there already
    too_much = r"saving to a file for torch.load needs 288 bytes more memory on cpu, 100 bytes is"
    with pytest.raises(StepError, match=too_much):
        ordinary.save(tmp_path / "removed.pt", "removed")
    with pytest.raises(StepError, match=too_much):
        session.save(tmp_path / "bits.pt")  # its mask is not there as torch.load has it
    assert {file.name for file in tmp_path.iterdir()} == {path.name, "pruned.pt"}


class Upgraded(nn.Module):
    """What it held before its second version was a hundredth of what it holds now."""

    _version = 2

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))

    def _load_from_state_dict(self, state: Any, prefix: str, metadata: Any, *others: Any) -> None:
        if metadata.get("version", 1) < 2:
            state[f"{prefix}weight"] = state[f"{prefix}weight"] * 100
        super()._load_from_state_dict(state, prefix, metadata, *others)


def test_modules_know_the_version_they_were_saved_in(tmp_path: Path) -> None:
    model = nn.Sequential(Upgraded(), nn.BatchNorm1d(2))
    Session(model).save(tmp_path / "out.pt")
    saved = torch.load(tmp_path / "out.pt", weights_only=True)
    versions = {path: note["version"] for path, note in saved._metadata.items() if path != METADATA}
    assert versions == {"": 1, "0": 2, "1": 2}
    twin = nn.Sequential(Upgraded(), nn.BatchNorm1d(2))
    twin.load_state_dict(saved)
    assert twin[0].weight.tolist() == [1, 1, 1, 1]


def test_versions_of_classes_that_are_not_known_are_not_made_up(tmp_path: Path) -> None:
    checkpoints.session_on(checkpoints.file(tmp_path)).save(tmp_path / "out.pt")
    assert set(torch.load(tmp_path / "out.pt", weights_only=True)._metadata) == {METADATA}


class Remembering(nn.Linear):
    """It has something of a person's class beside its tensors."""

    def get_extra_state(self) -> object:
        return pathlib.PurePosixPath("a")

    def set_extra_state(self, state: object) -> None:
        self.state = state


def test_what_could_not_be_loaded_is_not_written(tmp_path: Path) -> None:
    session = Session(nn.Sequential(Remembering(2, 2)))
    said = r"0\._extra_state is a PurePosixPath, which torch\.load\(\.\.\., weights_only=True\) does not load: "
    with pytest.raises(StepError, match=said):
        session.save(tmp_path / "out.pt")
    assert list(tmp_path.iterdir()) == []
    with torch.serialization.safe_globals([pathlib.PurePosixPath]):
        session.save(tmp_path / "out.pt")
        assert "0._extra_state" in torch.load(tmp_path / "out.pt", weights_only=True)
