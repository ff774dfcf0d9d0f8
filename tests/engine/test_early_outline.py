"""The tree that a checkpoint's headers tell is the one that opening it gives, or there is none."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import save_file, save_model
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session
from prune_tui.engine import early_outline as early
from prune_tui.engine import sources
from prune_tui.engine.early_outline import early_outline
from prune_tui.engine.named import Named
from prune_tui.engine.outline import outline
from prune_tui.engine.sources import SourceError, early_tensors
from prune_tui.engine.sources.dtype_names import ITEMSIZES, has_values
from prune_tui.engine.sources.module_names import may_be_modules_own
from prune_tui.protocol import Open
from prune_tui.view_rows import ModuleRow
from tests.engine.sources.test_mutated_files import mutated
from tests.engine.sources.torch_samples import small, with_pickle, write_all

_MUTATIONS = int(os.environ.get("PRUNE_TUI_MUTATIONS", "60"))


def told(source: Path, **asked: object) -> tuple[ModuleRow, ...]:
    """What the headers tell; something they must."""
    found = early_outline(Open(str(source), **asked))
    assert found is not None
    assert not found.names_only
    return found.rows


def opened(source: Path, **asked: object) -> tuple[ModuleRow, ...]:
    """The rows of the model that is opened."""
    return outline(sources.load(Open(str(source), **asked)).model)


def without_counts(rows: tuple[ModuleRow, ...]) -> tuple[ModuleRow, ...]:
    """The rows, but for what the values of masks tell."""
    return tuple(
        msgspec.structs.replace(
            row, masked=0, tensors=tuple(msgspec.structs.replace(one, masked=0) for one in row.tensors)
        )
        for row in rows
    )


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(6, 4)
        self.norm = nn.BatchNorm1d(4)
        self.head = nn.Linear(4, 6, bias=False)
        self.head.weight = self.embedding.weight


def every_dtype(folder: Path) -> Path:
    known = [dtype for name in ITEMSIZES if (dtype := getattr(torch, name, None)) is not None]
    tensors = {
        f"of_{str(dtype).removeprefix('torch.')}.{size}": torch.zeros(size, dtype=dtype)
        for dtype in known
        for size in ((), (0, 3), (5,), (2, 3, 4))
    }
    torch.save(tensors, folder / "all.pt")
    return folder / "all.pt"


def safetensors_of_every_dtype(folder: Path) -> Path:
    tensors = {
        f"layers.{number}.{own}": torch.zeros(size, dtype=dtype)
        for number, dtype in enumerate((torch.float32, torch.bfloat16, torch.int64, torch.bool, torch.float8_e5m2))
        for own, size in (("weight", (3, 2)), ("empty", (0,)), ("scalar", ()))
    }
    save_file(tensors | {f"layers.{n}.w": torch.ones(1) for n in range(5, 12)}, folder / "net.safetensors")
    return folder / "net.safetensors"


def tied_in_safetensors(folder: Path) -> Path:
    save_model(Tied(), str(folder / "tied.safetensors"))
    return folder / "tied.safetensors"


def tied_in_torch(folder: Path) -> Path:
    torch.save(Tied().state_dict(), folder / "tied.pt")
    return folder / "tied.pt"


def views_of_one_storage(folder: Path) -> Path:
    whole = torch.arange(12.0)
    held = {"a.w": whole[:6], "b.w": whole[:6], "c.w": whole[6:], "d.w": whole.view(3, 4).t(), "e.w": whole.half()}
    torch.save(held, folder / "views.pt")
    return folder / "views.pt"


def wrapped(folder: Path) -> Path:
    state = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).state_dict()
    torch.save({f"module._orig_mod.{name}": one for name, one in state.items()}, folder / "wrapped.bin")
    return folder / "wrapped.bin"


def trainers(folder: Path) -> Path:
    held = {"epoch": 3, "model": small().state_dict(), "ema": {"w": torch.ones(3)}, "optimizer": {"state": {}}}
    torch.save(held, folder / "trainer.ckpt")
    return folder / "trainer.ckpt"


def names_without_a_place(folder: Path) -> Path:
    save_file(
        {name: torch.ones(2) for name in ("a", "a.b", "c.d", "c", "e..f", "x_mask")}, folder / "odd.safetensors"
    )
    return folder / "odd.safetensors"


def arrays(folder: Path) -> Path:
    held = {
        "fc.weight": np.ones((3, 2)),
        "fc.bias": np.ones(3, "f2"),
        "steps": np.arange(3),
        "name": np.array("x"),
    }
    np.savez_compressed(folder / "arrays.npz", **held)
    return folder / "arrays.npz"


def one_array(folder: Path) -> Path:
    np.save(folder / "my.array.npy", np.ones((2, 2), "c16"))
    return folder / "my.array.npy"


def shards(folder: Path) -> Path:
    save_file({"layers.10.weight": torch.ones(2)}, folder / "model-1.safetensors")
    save_file({"layers.2.weight": torch.ones(3), "head.weight": torch.ones(4)}, folder / "model-2.safetensors")
    places = {"layers.10.weight": "model-1.safetensors", "layers.2.weight": "model-2.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    (folder / "config.json").write_text(json.dumps({"hidden": 3}))
    return folder


FILES = (
    every_dtype,
    safetensors_of_every_dtype,
    tied_in_safetensors,
    tied_in_torch,
    views_of_one_storage,
    wrapped,
    trainers,
    names_without_a_place,
    arrays,
    one_array,
    shards,
)


@pytest.mark.parametrize("write", FILES, ids=lambda write: write.__name__)
def test_what_headers_tell_is_what_is_opened(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    source = write(tmp_path)
    assert told(source) == opened(source)


@pytest.mark.parametrize("kind", ["torch", "trainer"])
def test_what_torch_saves(tmp_path: Path, kind: str) -> None:
    source = write_all(tmp_path)[kind]
    assert told(source) == opened(source)


def test_the_part_that_is_asked_for(tmp_path: Path) -> None:
    source = trainers(tmp_path)
    assert told(source, key="ema") == opened(source, key="ema")
    assert told(source, key="ema") != told(source)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        *(("net.safetensors", form) for form in ("pruned", "removed", "compact")),
        *(("net.pt", form) for form in ("pruned", "removed")),
    ],
)
def test_what_we_have_saved(tmp_path: Path, name: str, form: str) -> None:
    session = Session(nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(16, 10)))
    session.apply("l1_unstructured", "0.weight", amount=0.5)
    session.apply("ln_structured", "2.weight", amount=0.25, n=2, dim=0)
    session.save(tmp_path / name, form)
    rows, real = told(tmp_path / name), opened(tmp_path / name)
    assert without_counts(rows) == without_counts(real)
    if form != "pruned":  # the compact form tells how many are kept
        assert rows == real


def test_how_much_a_mask_takes_is_left_open(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    prune.l1_unstructured(model[0], "weight", amount=5)
    save_file(model.state_dict(), tmp_path / "net.safetensors")
    rows = told(tmp_path / "net.safetensors")
    assert [row.masked for row in rows] == [-1, -1, 0]
    assert [(one.name, one.masked, one.pruned) for one in rows[1].tensors] == [
        ("bias", 0, False),
        ("weight", -1, True),
    ]
    assert without_counts(rows) == without_counts(opened(tmp_path / "net.safetensors"))


def test_a_mask_of_another_shape_is_none(tmp_path: Path) -> None:
    save_file({"a.w_orig": torch.ones(4), "a.w_mask": torch.ones(2)}, tmp_path / "net.safetensors")
    assert told(tmp_path / "net.safetensors") == opened(tmp_path / "net.safetensors")


def test_a_folder_whose_classes_are_told_elsewhere_says_that_it_has_names_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shards(tmp_path) / "config.json").write_text(json.dumps({"architectures": ["BertModel"]}))
    monkeypatch.setattr(early_tensors.folder_weights, "has_transformers", lambda: True)
    found = early_outline(Open(str(tmp_path)))
    assert found is not None
    assert found.names_only
    assert {row.type for row in found.rows[1:]} == {""}
    monkeypatch.setattr(early_tensors.folder_weights, "has_transformers", lambda: False)
    assert told(tmp_path) == opened(tmp_path)


# What is left to torch


@pytest.mark.parametrize("kind", ["old", "script", "exported", "exported26"])
def test_other_kinds_are_left_to_torch(tmp_path: Path, kind: str) -> None:
    assert early_outline(Open(str(write_all(tmp_path)[kind]))) is None


@pytest.mark.parametrize(
    "asked",
    [
        Open("demo"),
        Open("net.py:Net"),
        Open("no/such.safetensors"),
        Open("/dev/null"),
        Open("."),
        Open("net.pt", device="cuda"),
        Open("net.pt", ("x=1",)),
        Open("net.pt", weights="w.pt"),
    ],
    ids=str,
)
def test_other_sources_are_left_to_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: Open) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"w": torch.ones(2)}, "net.pt")
    torch.save({"w": torch.ones(2)}, "other.pt")  # a folder of two
    assert early_outline(asked) is None


def test_a_pickle_that_names_other_things_is_left_to_torch(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "whole.pt")
    assert early_outline(Open(str(tmp_path / "whole.pt"))) is None
    (tmp_path / "runs.pt").write_bytes(with_pickle(b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00ls\x85R."))
    assert early_outline(Open(str(tmp_path / "runs.pt"))) is None


@pytest.mark.parametrize("name", ["a.forward", "training", "a._prune_tui_label.w", "__class__"])
def test_names_that_modules_need_are_left_to_torch(tmp_path: Path, name: str) -> None:
    save_file({name: torch.ones(2), "fc.weight": torch.ones(2)}, tmp_path / "net.safetensors")
    assert early_outline(Open(str(tmp_path / "net.safetensors"))) is None


def _module_of(name: str) -> object:
    """Where a name that every module has comes from."""
    return getattr(getattr(Named, name, None), "__module__", None)


def test_this_torchs_names_are_known() -> None:
    # transformers, where a test before has imported it, gives every module methods of its own
    torchs = [
        name
        for name in dir(Named())
        if "transformers" not in str(getattr(getattr(Named, name, None), "__module__", ""))
    ]
    assert [name for name in torchs if not may_be_modules_own(name)] == []


def test_this_torchs_dtypes_are_known() -> None:
    known = {name: dtype for name in ITEMSIZES if (dtype := getattr(torch, name, None)) is not None}
    assert {name: dtype.itemsize for name, dtype in known.items()} == {name: ITEMSIZES[name] for name in known}
    assert all(has_values(name) == (one.is_floating_point or one.is_complex) for name, one in known.items())


def test_more_than_any_model_has_is_left_to_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_file({f"{n}.weight": torch.ones(1) for n in range(20)}, tmp_path / "net.safetensors")
    assert len(told(tmp_path / "net.safetensors")) == 21
    for module, limit in ((early, "_MOST_MODULES"), (early_tensors, "_MOST_TENSORS"), (early_tensors, "_LARGEST")):
        with monkeypatch.context() as lower:
            lower.setattr(module, limit, 19)
            assert early_outline(Open(str(tmp_path / "net.safetensors"))) is None


def _cut_off(folder: Path) -> Path:
    source = safetensors_of_every_dtype(folder)
    source.write_bytes(source.read_bytes()[:-1])
    return source


def _of_deep_names(folder: Path) -> Path:
    save_file({".".join("abc" * 100): torch.ones(1)}, folder / "deep.safetensors")
    return folder / "deep.safetensors"


@pytest.mark.parametrize("write", [_cut_off, _of_deep_names])
def test_what_cannot_be_opened_has_no_tree(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    assert early_outline(Open(str(write(tmp_path)))) is None


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["torch", "trainer", "safetensors", "npz"])
def test_mutated_files(tmp_path: Path, kind: str) -> None:
    files = write_all(tmp_path)
    files |= {"safetensors": safetensors_of_every_dtype(tmp_path), "npz": arrays(tmp_path)}
    chance, source, compared = random.Random(f"{kind} {_MUTATIONS}"), tmp_path / "mutated.bin", 0
    for _ in range(_MUTATIONS):
        source.write_bytes(mutated(files[kind], chance))
        found = early_outline(Open(str(source)))
        if found is None:
            continue
        try:
            real = opened(source)
        except SourceError:
            assert kind != "safetensors", "its header tells all"
            continue  # damage that only reading shows
        compared += 1
        assert without_counts(found.rows) == without_counts(real)
    assert compared


def safetensors_of(path: Path, header: dict[str, object], data: bytes) -> Path:
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


@pytest.mark.parametrize(
    "header",
    [
        {"w": {"dtype": "F32", "shape": [1], "data_offsets": [0.0, 4.0]}},
        {"w": {"dtype": ["F32"], "shape": [1], "data_offsets": [0, 4]}},
        {"w": {"dtype": {}, "shape": [1], "data_offsets": [0, 4]}},
        {"__metadata__": ["x"], "w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}},
        {"__metadata__": {"x": 3}, "w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}},
    ],
)
def test_headers_that_the_library_refuses_show_no_tree(tmp_path: Path, header: dict[str, object]) -> None:
    file = safetensors_of(tmp_path / "w.safetensors", header, bytes(4))
    assert early_outline(Open(str(file))) is None
    with pytest.raises(SourceError):
        opened(file)


def test_a_compact_form_of_few_bytes_that_claims_a_trillion_entries_shows_no_tree(tmp_path: Path) -> None:
    shape = json.dumps({"w": [2**20, 2**20]})
    tensors = {"w.kept": torch.ones(3), "w.mask": torch.zeros(1, dtype=torch.uint8)}
    save_file(tensors, tmp_path / "w.safetensors", {"prune_tui.compact": shape})
    assert early_outline(Open(str(tmp_path / "w.safetensors"))) is None
