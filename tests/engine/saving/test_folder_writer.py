"""A folder as transformers reads it: files, index, and what lies beside the weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
import torch.distributed.checkpoint as dcp
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from prune_tui import Session
from prune_tui.engine.saving import folder_writer
from prune_tui.files import FORMS
from prune_tui.step_settings import StepError
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


@pytest.mark.filterwarnings("ignore::UserWarning")  # dcp's, of there being one rank
def test_of_a_distributed_checkpoint_nothing_old_is_copied(tmp_path: Path) -> None:
    dcp.save({"model": {"fc.weight": torch.rand(8, 8)}}, checkpoint_id=str(tmp_path / "trained"), no_dist=True)
    (tmp_path / "trained" / "config.json").write_text("{}")
    session = checkpoints.session_on(tmp_path / "trained")
    session.apply("l1_unstructured", "fc.weight", amount=0.5)
    session.save(tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"model.safetensors", "config.json"}
    back = checkpoints.opened(tmp_path / "out")
    assert int(back.model.get_submodule("fc").weight_mask.sum()) == 32


def test_what_lies_beside_the_weights_is_copied_with_small_subfolders(tmp_path: Path) -> None:
    source = checkpoints.shards(tmp_path / "model")
    for name in (
        "1_Pooling/config.json",
        "1_Pooling/pytorch_model.bin",
        "a/b/c/vocab.txt",
        "a/b/c/too/deep.txt",
        ".cache/download.json",
        "only_weights/model.onnx",
        "old.pt2",
        "old.npy",
    ):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("1")
    (source / "data").mkdir()
    (source / "data" / "large.txt").write_bytes(bytes(2**24 + 1))
    (source / "loop").symlink_to(source)
    size = checkpoints.session_on(source).save(tmp_path / "out")
    files = {path for path in (tmp_path / "out").rglob("*") if path.is_file()}
    beside = {str(path.relative_to(tmp_path / "out")) for path in files if "safetensors" not in path.name}
    assert beside == {"config.json", "tokenizer.json", "1_Pooling/config.json", "a/b/c/vocab.txt"}
    assert not (tmp_path / "out" / "only_weights").exists()
    assert size == sum(path.stat().st_size for path in files)


def test_what_is_copied_counts_in_the_space_that_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = checkpoints.shards(tmp_path / "model")
    (source / "tokenizer.json").write_bytes(bytes(5_000_000))
    session = checkpoints.session_on(source)
    free = shutil.disk_usage(tmp_path)._replace(free=3_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(StepError, match=r"out needs 5,00\d,\d\d\d bytes and 3,000,000 are free there"):
        session.save(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    session.save(tmp_path / "out.safetensors")
