"""Checkpoints as files hold them: mapped, not read; found by looking; a tree of names with its pruning."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file, save_model
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session
from prune_tui.engine import sources
from prune_tui.engine.named import Named, class_name
from prune_tui.engine.sources import SourceError, checkpoint_reader, named_modules
from prune_tui.engine.sources.loaded import Loaded
from prune_tui.engine.sources.mapped_file import MappedFile
from prune_tui.engine.sources.source_file import FileChangedError
from prune_tui.protocol import Open
from prune_tui.step_settings import StepError


def opened(source: Path | str) -> Loaded:
    """A source as the engine opens it."""
    return sources.load(Open(str(source)))


def session_on(source: Path | str) -> Session:
    """A session as the engine begins one."""
    loaded = opened(source)
    return Session(loaded.model, past=loaded.past, checkpoint=loaded.checkpoint)


def refusal(source: Path | str) -> str:
    """Why a source cannot be opened."""
    with pytest.raises(SourceError) as refused:
        opened(source)
    return str(refused.value)


DTYPES = (
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.complex64,
)


def test_every_dtype_and_shape_is_what_the_library_wrote(tmp_path: Path) -> None:
    tensors = {
        f"{str(dtype).removeprefix('torch.')}.{size}": (torch.randn(size) * 8).to(dtype)
        for dtype in DTYPES
        for size in ((), (0, 3), (5,), (2, 3, 4))
    }
    save_file(tensors, tmp_path / "all.safetensors")
    found = checkpoint_reader.read(tmp_path / "all.safetensors").tensors
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert (found[name].dtype, found[name].shape) == (tensor.dtype, tensor.shape)
        assert bytes(found[name].untyped_storage()) == bytes(tensor.untyped_storage())


def test_nothing_written_to_a_mapped_tensor_reaches_the_file(tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    save_file({"weight": torch.ones(1000)}, file)
    before = file.read_bytes()
    checkpoint_reader.read(file).tensors["weight"].zero_()
    assert file.read_bytes() == before
    assert checkpoint_reader.read(file).tensors["weight"].sum() == 1000


def test_a_header_that_is_not_aligned_is_read_all_the_same(tmp_path: Path) -> None:
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    header += b" " * (1 - len(header) % 4 if len(header) % 4 < 1 else 5 - len(header) % 4)
    file = tmp_path / "odd.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header + torch.tensor([1.5, -2.0]).numpy().tobytes())
    assert len(header) % 4 == 1
    assert checkpoint_reader.read(file).tensors["w"].tolist() == [1.5, -2.0]


def test_opening_reads_next_to_nothing(tmp_path: Path) -> None:
    file = tmp_path / "big.safetensors"
    save_file({f"{n}.weight": torch.ones(1024, 1024) for n in range(64)}, file)
    mapped = MappedFile(file)
    assert mapped.size > 64 * 2**22
    before = _anonymous()
    loaded = opened(file)
    assert len(list(loaded.model.parameters())) == 64
    assert _anonymous() - before < 32 * 2**20


def _anonymous() -> int:
    """Bytes of memory that no file stands behind."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) * 1024


def test_a_file_that_changes_while_it_is_open_is_told_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    save_file({"fc.weight": torch.ones(4, 4)}, file)
    session = session_on(file)
    os.truncate(file, 100)
    with pytest.raises(FileChangedError, match="it has 100 bytes instead of"):
        session.apply("l1_unstructured", "fc.weight", amount=1)
    assert session.history == ()


def test_layers_are_in_the_order_people_count_in(tmp_path: Path) -> None:
    save_file({f"layers.{n}.weight": torch.ones(1) for n in range(12)}, tmp_path / "net.safetensors")
    model = opened(tmp_path / "net.safetensors").model
    assert list(model.get_submodule("layers")._modules) == [str(n) for n in range(12)]


def test_the_kind_is_told_by_the_content(tmp_path: Path) -> None:
    save_file({"fc.weight": torch.ones(4, 4)}, tmp_path / "pytorch_model.bin")
    assert checkpoint_reader.read(tmp_path / "pytorch_model.bin").kind == "safetensors file"


# A folder and its index


def sharded(folder: Path) -> Path:
    """Two files, an index, and a stray that is in none."""
    save_file({"a.weight": torch.full((2,), 1.0)}, folder / "model-1.safetensors")
    save_file({"b.weight": torch.full((2,), 2.0)}, folder / "model-2.safetensors")
    save_file({"c.weight": torch.full((2,), 3.0)}, folder / "stray.safetensors")
    index = {
        "metadata": {"total_size": 16},
        "weight_map": {"a.weight": "model-1.safetensors", "b.weight": "model-2.safetensors"},
    }
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def test_an_index_names_the_files_and_strays_are_left_alone(tmp_path: Path) -> None:
    sharded(tmp_path)
    for source in (tmp_path, tmp_path / "model.safetensors.index.json"):
        checkpoint = checkpoint_reader.read(source)
        assert {name: tensor.tolist() for name, tensor in checkpoint.tensors.items()} == {
            "a.weight": [1, 1],
            "b.weight": [2, 2],
        }
        assert checkpoint.shards["b.weight"] == "model-2.safetensors"


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    (sharded(tmp_path) / "model-2.safetensors").unlink()
    assert "names 2 files, and 1 of them are missing: model-2.safetensors" in refusal(tmp_path)


@pytest.mark.parametrize("shard", ["../model-1.safetensors", "/etc/passwd", "", ".", 7])
def test_an_index_leads_nowhere_else(tmp_path: Path, shard: object) -> None:
    sharded(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a.weight": shard}}))
    assert "only files beside the index are opened" in refusal(tmp_path)


def test_a_folder_of_several_checkpoints_asks_for_one(tmp_path: Path) -> None:
    sharded(tmp_path)
    (tmp_path / "model.safetensors.index.json").unlink()
    assert "holds 3 checkpoints, model-1.safetensors, model-2.safetensors, stray" in refusal(tmp_path)


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "there are no weights in the folder" in refusal(tmp_path)


# The tree of names


def test_a_tree_has_the_names_of_the_file_and_they_come_out_again() -> None:
    state = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).state_dict()
    tree = named_modules.tree_of(state, "net.pt")
    assert tree.left_out == {}
    assert tree.model.state_dict().keys() == state.keys()
    assert set(dict(tree.model.named_parameters())) == {"0.weight", "0.bias", "1.weight", "1.bias"}
    assert set(dict(tree.model.named_buffers())) == {"1.running_mean", "1.running_var", "1.num_batches_tracked"}


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["a", "a.b"], "a is a tensor, too"),
        (["a.b", "a"], "there are tensors below a"),
        (["a..b"], "anything called ''"),
        ([""], "anything called ''"),
        (["a.forward"], "anything called 'forward'"),
        (["training"], "anything called 'training'"),
        (["a._prune_tui_label"], "anything called '_prune_tui_label'"),
    ],
)
def test_a_name_without_a_place_is_told_and_kept(names: list[str], reason: str) -> None:
    tree = named_modules.tree_of({name: torch.ones(1) for name in names}, "net")
    assert list(tree.left_out) == names[-1:]
    assert reason in tree.left_out[names[-1]]


@pytest.mark.parametrize("name", ["label", "label.weight", "head.label", "head.label.weight", "head.called"])
def test_a_module_has_no_names_of_ours_that_a_checkpoint_could_have(tmp_path: Path, name: str) -> None:
    save_file({name: torch.ones(2), "head.fc.weight": torch.ones(3)}, tmp_path / "net.safetensors")
    loaded = opened(tmp_path / "net.safetensors")
    assert set(loaded.model.state_dict()) == {name, "head.fc.weight"}
    assert loaded.model.get_parameter(name).tolist() == [1, 1]
    assert class_name(loaded.model) == "net.safetensors"
    assert class_name(loaded.model.get_submodule("head")) == ""
    session = session_on(tmp_path / "net.safetensors")
    session.apply("l1_unstructured", name, amount=1)
    *_, mask = session.model.named_buffers()
    assert mask[0] == f"{name}_mask"


def test_what_has_no_place_is_saved_all_the_same(tmp_path: Path) -> None:
    save_file({"a": torch.ones(1), "a.b": torch.ones(2)}, tmp_path / "net.safetensors")
    session = session_on(tmp_path / "net.safetensors")
    session.save(tmp_path / "out.safetensors")
    assert set(checkpoint_reader.read(tmp_path / "out.safetensors").tensors) == {"a", "a.b"}


def test_tied_tensors_are_one_parameter(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    save_model(model, str(tmp_path / "net.safetensors"))
    found = opened(tmp_path / "net.safetensors").model
    assert found.get_parameter("0.weight") is found.get_parameter("1.weight")


# The pruning that a checkpoint holds


def test_pruned_pairs_get_torchs_own_hooks_back(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(8, 4))
    prune.l1_unstructured(model[0], "weight", amount=0.5)
    save_file(model.state_dict(), tmp_path / "net.safetensors")
    loaded = opened(tmp_path / "net.safetensors")
    layer = loaded.model.get_submodule("0")
    assert isinstance(layer, Named)
    assert [type(hook) for hook in layer._forward_pre_hooks.values()] == [prune.CustomFromMask]
    assert loaded.notes == ("1 tensor is pruned in this checkpoint; how is not told in the file",)
    assert "weight" not in vars(layer)  # nothing is computed before somebody asks
    assert torch.equal(layer.weight, model[0].weight)
    prune.remove(layer, "weight")
    assert torch.equal(layer.weight, model[0].weight)


def test_the_history_comes_back_and_goes_on(tmp_path: Path) -> None:
    first = Session(nn.Sequential(nn.Linear(8, 4)))
    first.apply("l1_unstructured", "0.weight", amount=0.25)
    first.apply("random_unstructured", "0.weight", amount=3)
    first.save(tmp_path / "one.safetensors")
    second = session_on(tmp_path / "one.safetensors")
    assert [(row.method, row.settings, row.took) for row in second.recorded().values()] == [
        ("L1Unstructured", "amount=0.25", 8),
        ("RandomUnstructured", "amount=3", 3),
    ]
    second.apply("ln_structured", "0.weight", amount=1, n=2, dim=0)
    second.save(tmp_path / "two.safetensors")
    (hook,) = session_on(tmp_path / "two.safetensors").model.get_submodule("0")._forward_pre_hooks.values()
    assert [type(method).__name__ for method in hook] == ["L1Unstructured", "RandomUnstructured", "LnStructured"]


def test_the_recipe_of_both_sessions_gives_the_same_masks_on_the_weights_of_the_first(tmp_path: Path) -> None:
    torch.manual_seed(1)
    save_file({"fc.weight": torch.randn(8, 4)}, tmp_path / "net.safetensors")
    first = session_on(tmp_path / "net.safetensors")
    first.apply("random_unstructured", "fc.weight", amount=0.25)
    first.save(tmp_path / "one.safetensors")
    second = session_on(tmp_path / "one.safetensors")
    second.apply("l1_unstructured", "fc.weight", amount=5)
    again = session_on(tmp_path / "net.safetensors")
    again.replay(second.recipe(), strict=True)
    masks = [session.model.get_submodule("fc").weight_mask for session in (second, again)]
    assert torch.equal(*masks)


def test_steps_that_cannot_be_read_are_told_and_lose_nothing(tmp_path: Path) -> None:
    tensors = {"fc.weight_orig": torch.ones(2, 2), "fc.weight_mask": torch.eye(2)}
    save_file(tensors, tmp_path / "net.safetensors", metadata={"prune_tui.recipe": "steps: 7"})
    loaded = opened(tmp_path / "net.safetensors")
    assert "the steps that the checkpoint tells of cannot be read" in loaded.notes[0]
    assert loaded.model.get_submodule("fc").weight.tolist() == [[1, 0], [0, 1]]


def test_a_mask_of_another_shape_is_a_buffer_of_that_name(tmp_path: Path) -> None:
    save_file({"weight_orig": torch.ones(2, 2), "weight_mask": torch.ones(3)}, tmp_path / "net.safetensors")
    model = opened(tmp_path / "net.safetensors").model
    assert not model._forward_pre_hooks
    with pytest.raises(StepError):
        Session(model).apply("remove", "weight")


def test_what_a_file_says_of_itself_is_saved_again(tmp_path: Path) -> None:
    save_file(
        {"fc.weight": torch.ones(2, 2)}, tmp_path / "net.safetensors", metadata={"author": "Ada", "format": "pt"}
    )
    session = session_on(tmp_path / "net.safetensors")
    session.apply("l1_unstructured", "fc.weight", amount=1)
    session.save(tmp_path / "out.safetensors", "removed")
    metadata = checkpoint_reader.read(tmp_path / "out.safetensors").metadata
    assert (metadata["author"], metadata["prune_tui.form"]) == ("Ada", "removed")
    assert opened(tmp_path / "out.safetensors").notes == (
        "1 step was done to this checkpoint; the zeros stand in its values",
    )
