"""A folder as transformers reads it: files, index, and what lies beside the weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from prune_tui import Session
from prune_tui.engine.saving import folder_writer
from prune_tui.engine.saving.forms import FORMS
from tests.engine.saving import checkpoints


def by_index(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors as transformers finds them: by the index, each in the file that it names."""
    places = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    found = {}
    for name, shard in places.items():
        with safe_open(folder / shard, framework="pt") as stored:
            found[name] = stored.get_tensor(name)
    return found


def test_the_files_are_those_of_the_source(tmp_path: Path) -> None:
    source = checkpoints.shards(tmp_path / "model")
    session = checkpoints.session_on(source)
    session.apply("l1_unstructured", "layers.*.weight", amount=0.5)
    size = session.save(tmp_path / "out", "removed")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "model-00001-of-00003.safetensors",
        "model-00002-of-00003.safetensors",
        "model-00003-of-00003.safetensors",
        "model.safetensors.index.json",
        "config.json",
        "tokenizer.json",
    }
    assert size == sum(path.stat().st_size for path in (tmp_path / "out").iterdir())
    before, after = (
        json.loads((one / "model.safetensors.index.json").read_text()) for one in (source, tmp_path / "out")
    )
    assert after["weight_map"] == dict(sorted(before["weight_map"].items()))
    held = by_index(tmp_path / "out")
    assert after["metadata"]["total_size"] == sum(tensor.nbytes for tensor in held.values())
    for name, tensor in checkpoints.tensors().items():
        assert held[name].dtype == tensor.dtype
        assert int((held[name] == 0).sum() - (tensor == 0).sum()) == (32 if "attn.weight" in name else 0)


@pytest.mark.parametrize("form", FORMS)
def test_what_comes_of_a_tensor_stays_in_its_file(tmp_path: Path, form: str) -> None:
    source = checkpoints.shards(tmp_path / "model")
    places = json.loads((source / "model.safetensors.index.json").read_text())["weight_map"]
    session = checkpoints.session_on(source)
    session.apply("l1_unstructured", "*.weight", amount=0.5)
    session.save(tmp_path / "first", form)
    checkpoints.session_on(tmp_path / "first").save(tmp_path / "second", form)
    for folder in (tmp_path / "first", tmp_path / "second"):
        index = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
        for name, shard in index.items():
            base = name.removesuffix("_orig").removesuffix("_mask").removesuffix(".kept").removesuffix(".mask")
            assert shard == places[base]
            assert name in load_file(folder / shard)


def test_one_file_needs_no_index(tmp_path: Path) -> None:
    checkpoints.session_on(checkpoints.file(tmp_path)).save(tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["model.safetensors"]


def test_where_the_source_says_nothing_files_are_filled_in_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_writer, "SHARD", 100)
    model = nn.Sequential(*(nn.Linear(4, 4, bias=False) for _ in range(3)))
    Session(model).save(tmp_path / "out")
    index = json.loads((tmp_path / "out" / "model.safetensors.index.json").read_text())
    assert index["weight_map"] == {f"{at}.weight": f"model-0000{at + 1}-of-00003.safetensors" for at in range(3)}
    assert all(torch.equal(by_index(tmp_path / "out")[f"{at}.weight"], model[at].weight) for at in range(3))


def test_files_of_the_source_that_hold_nothing_more_are_not_written(tmp_path: Path) -> None:
    held = {"one.weight": torch.ones(2), "two.weight": torch.ones(3)}
    source = checkpoints.shards(tmp_path / "model", held, parts=2)
    session = checkpoints.session_on(source)
    session.save(tmp_path / "out")
    assert set(by_index(tmp_path / "out")) == set(held)
