"""Files that are damaged at random: each opens, or says in a sentence why not. PRUNE_TUI_FUZZ=1000 tries more."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from prune_tui.engine.sources import SourceError, checkpoint_model
from prune_tui.engine.sources.checkpoint_reader import read
from tests.engine.sources import distributed

TRIES = int(os.environ.get("PRUNE_TUI_FUZZ", "60"))

TENSORS = {
    "model.layers.0.weight_orig": torch.arange(12.0).reshape(3, 4),
    "model.layers.0.weight_mask": torch.ones(3, 4),
    "model.layers.0.bias": torch.ones(3, dtype=torch.bfloat16),
    "norm.num_batches_tracked": torch.tensor(3),
}


def safetensors(folder: Path) -> Path:
    save_file(TENSORS, folder / "net.safetensors", {"format": "pt", "prune_tui.recipe": "version: 1"})
    return folder / "net.safetensors"


def index(folder: Path) -> Path:
    save_file(TENSORS, folder / "model-1.safetensors")
    places = dict.fromkeys(TENSORS, "model-1.safetensors")
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": 96}, "weight_map": places})
    )
    return folder / "model.safetensors.index.json"


def configuration(folder: Path) -> Path:
    save_file(TENSORS, folder / "model.safetensors")
    (folder / "config.json").write_text('{"hidden_size": 8, "layers": [1, 2], "name": "x"}')
    return folder / "config.json"


def archive(folder: Path) -> Path:
    arrays: dict[str, Any] = {name: one.float().numpy() for name, one in TENSORS.items()}
    np.savez(folder / "net.npz", turned=np.asfortranarray(np.ones((2, 3))), **arrays)
    return folder / "net.npz"


def packed_archive(folder: Path) -> Path:
    np.savez_compressed(folder / "net.npz", **{name: one.float().numpy() for name, one in TENSORS.items()})
    return folder / "net.npz"


def array(folder: Path) -> Path:
    np.save(folder / "net.npy", np.ones((3, 4), ">f2"))
    return folder / "net.npy"


def metadata(folder: Path) -> Path:
    pieces = [((row, 0), torch.ones(2, 3)) for row in (0, 2)]
    return distributed.write(folder, {"fc.weight": pieces, "fc.bias": [((0,), torch.ones(3))]}) / ".metadata"


def pieces(folder: Path) -> Path:
    return metadata(folder).parent / "__0_0.distcp"


def shard(folder: Path) -> Path:
    """A file of a rank, of those that Hugging Face's writer leaves."""
    starts = {name: {"saved_offsets": [0] * tensor.dim()} for name, tensor in TENSORS.items()}
    file = folder / "shard-00001-model-00001-of-00001.safetensors"
    save_file(TENSORS, file, {"format": "pt", "DCP_SHARDING_INFO": json.dumps(starts)})
    return file


def mutated(content: bytes, dice: random.Random) -> bytes:
    """Cut off, with bytes changed, left out, repeated or put in; once or several times."""
    found = bytearray(content)
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        at = dice.randrange(len(found) + 1)
        span = min(dice.choice((1, 2, 8, 40)), len(found) - at)
        kind = dice.randrange(6)
        if kind == 0:
            del found[at:]
        elif kind == 1:
            found[at : at + span] = dice.randbytes(span)
        elif kind == 2:
            del found[at : at + span]
        elif kind == 3:
            found[at:at] = found[at : at + span] * dice.choice((1, 3))
        elif kind == 4:
            found[at : at + span] = dice.choice((b"\xff", b"\0", b"9", b"{", b'"', b"-", b"../")) * span
        else:
            found[at:at] = dice.choice((b"9" * 20, b"\xff" * 8, b"\n\x1b[31m", b"]]", b'"x": null,', b"NaN"))
    return bytes(found)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "make", [safetensors, index, configuration, archive, packed_archive, array, metadata, pieces, shard]
)
def test_a_damaged_file_opens_or_says_why_not(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    file = make(tmp_path)
    source = tmp_path if file.name in {"config.json", ".metadata", "__0_0.distcp"} or make is shard else file
    assert read(source).tensors  # as it is, it opens
    content, outcomes = file.read_bytes(), set()
    for seed in range(TRIES):
        file.write_bytes(mutated(content, random.Random(seed)))
        try:
            checkpoint_model.load(read(source), None)
            outcomes.add("opened")
        except SourceError as error:
            outcomes.add("refused" if 20 < len(str(error)) < 2_000 else f"refused with {str(error)[:2_000]}")
        except BaseException as error:
            raise AssertionError(f"{make.__name__} mutated with seed {seed}: {error!r}") from error
    assert "refused" in outcomes or make is configuration, "the weights open without it"
    assert outcomes <= {"opened", "refused"}


# ---------------------------------------------------------------- made on purpose


def _records(folder: Path, compression: int) -> Path:
    content = io.BytesIO()
    pickle.dump({"a": [number / 7 for number in range(3000)]}, content, 2)
    with zipfile.ZipFile(folder / "net.pt", "w", compression) as packed:
        packed.writestr("archive/data.pkl", content.getvalue())
    return folder / "net.pt"


def _arrays(folder: Path, compression: int) -> Path:
    content = io.BytesIO()
    np.save(content, np.sin(np.arange(5000)))
    with zipfile.ZipFile(folder / "net.npz", "w", compression) as packed:
        packed.writestr("a.npy", content.getvalue())
    return folder / "net.npz"


@pytest.mark.parametrize("make", [_records, _arrays])
@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_to_what_is_compressed(tmp_path: Path, make: Callable[[Path, int], Path], compression: int) -> None:
    path = make(tmp_path, compression)
    whole, dice = path.read_bytes(), random.Random(0)
    for _ in range(TRIES):
        at = dice.randrange(60, len(whole) - 160)
        path.write_bytes(whole[:at] + dice.randbytes(8) + whole[at + 8 :])
        with pytest.raises(SourceError, match=r"net\.(pt|npz)"):
            read(path)


@pytest.mark.parametrize(
    ("kept", "shape", "told"),
    [
        (torch.ones(8), "[1e999]", "its metadata do not tell of the compact form"),
        (torch.ones(8), "[Infinity]", "its metadata do not tell of the compact form"),
        (torch.ones(2, 4), "[8]", "the kept values of a have 2 axes instead of one"),
        (torch.ones(8), f"[8{', 1' * 64}]", "a is told to have a shape that no tensor has"),
        (torch.ones(8), f"[0, {2**63}]", "a is told to have a shape that no tensor has"),
    ],
)
def test_a_compact_form_that_is_none(tmp_path: Path, kept: torch.Tensor, shape: str, told: str) -> None:
    bits = torch.tensor([255], dtype=torch.uint8)
    save_file(
        {"a.kept": kept, "a.mask": bits}, tmp_path / "net.safetensors", {"prune_tui.compact": f'{{"a":{shape}}}'}
    )
    with pytest.raises(SourceError, match=told):
        read(tmp_path / "net.safetensors")


def test_counts_of_steps_that_are_none(tmp_path: Path) -> None:
    told = {"prune_tui.recipe": "version: 1\nsteps: []\n", "prune_tui.took": '[{"a": Infinity}]'}
    save_file({"a": torch.ones(2)}, tmp_path / "net.safetensors", told)
    loaded = checkpoint_model.load(read(tmp_path / "net.safetensors"), None)
    assert "the steps that the checkpoint tells of cannot be read" in loaded.notes[0]


def weight_map(folder: Path, places: Any) -> Path:
    file = folder / "model.safetensors.index.json"
    file.write_text(json.dumps({"weight_map": places}))
    return file


@pytest.mark.parametrize(
    "shard",
    [
        "../net.safetensors",
        "/etc/passwd",
        "..",
        ".",
        "",
        "a/b.safetensors",
        "a\0b",
        "x" * 10_000,
        5,
        None,
        ["a"],
        {},
    ],
)
def test_an_index_that_names_something_else(tmp_path: Path, shard: Any) -> None:
    save_file({"w": torch.ones(2)}, tmp_path / "net.safetensors")
    (tmp_path / "inner").mkdir()
    with pytest.raises(SourceError, match=r"only files beside the index are opened"):
        read(weight_map(tmp_path / "inner", {"w": shard}))


@pytest.mark.parametrize("places", [5, [], {}, None, "x", [["w", "net.safetensors"]]])
def test_an_index_without_places(tmp_path: Path, places: Any) -> None:
    with pytest.raises(SourceError, match="is no index of a checkpoint: it has no weight_map"):
        read(weight_map(tmp_path, places))


def test_an_index_that_names_itself(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="names an index as one of its files"):
        read(weight_map(tmp_path, {"w": "model.safetensors.index.json"}))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("x" * 10_000, "has 10,000 characters"),
        ("x." * 400 + "x", "lies 400 modules deep"),
        ("a\ud800b", "is no text"),
    ],
)
def test_names_that_no_model_has(tmp_path: Path, name: str, told: str) -> None:
    header = json.dumps({name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "net.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(SourceError, match=f"{told}|is no whole safetensors file"):
        read(tmp_path / "net.safetensors")


def test_names_with_control_characters_stay_as_they_are(tmp_path: Path) -> None:
    names = ["a\nb.weight", "\x1b[31mred.weight", "[bold]x[/bold].weight"]
    save_file({name: torch.ones(1) for name in names}, tmp_path / "net.safetensors")
    assert sorted(read(tmp_path / "net.safetensors").tensors) == sorted(names)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("make", [safetensors, index, archive, metadata])
def test_a_file_that_may_not_be_read(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    file = make(tmp_path)
    file.chmod(0)
    with pytest.raises(SourceError, match="cannot be read"):
        read(tmp_path if file.name == ".metadata" else file)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    safetensors(tmp_path)
    tmp_path.chmod(0)
    try:
        with pytest.raises(SourceError, match="cannot be read"):
            read(tmp_path)
    finally:
        tmp_path.chmod(0o700)
