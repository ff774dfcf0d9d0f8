"""Files of torch.save, as a zip archive and as before."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from prune_tui.engine import memory
from prune_tui.engine.sources import SourceError
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.checkpoint_reader import read
from prune_tui.engine.sources.source_file import FileChangedError
from tests.engine.sources.torch_samples import MAGIC, small, tensor_pickle, with_pickle, zipped

_FORMATS = pytest.mark.parametrize("zipped_file", [True, False], ids=["zip", "old"])
_DTYPES = (
    *(torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.complex64, torch.complex128, torch.bool),
    *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.uint32, torch.uint64),
    *(torch.float8_e4m3fn, torch.float8_e5m2),
)


def saved(content: Any, folder: Path, *, zipped_file: bool = True, name: str = "net.bin") -> Path:
    torch.save(content, folder / name, _use_new_zipfile_serialization=zipped_file)
    return folder / name


def opened(content: Any, folder: Path, *, zipped_file: bool = True) -> Checkpoint:
    return read(saved(content, folder, zipped_file=zipped_file))


def refusal(path: Path) -> str:
    with pytest.raises(SourceError) as refused:
        read(path)
    return str(refused.value)


@_FORMATS
def test_it_is_what_torch_loads(tmp_path: Path, zipped_file: bool) -> None:
    path = saved(small().state_dict(), tmp_path, zipped_file=zipped_file)
    checkpoint, torchs = read(path), torch.load(path, weights_only=True)
    assert checkpoint.kind == ("torch file" if zipped_file else "torch file in the old format")
    assert list(checkpoint.tensors) == list(torchs)
    for name, tensor in torchs.items():
        assert torch.equal(checkpoint.tensors[name], tensor)
        assert checkpoint.tensors[name].stride() == tensor.stride()
    assert (checkpoint.chosen, checkpoint.others, checkpoint.left_out, checkpoint.notes) == ("", (), (), ())


@_FORMATS
@pytest.mark.parametrize("dtype", _DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (7,), (3, 5)], ids=str)
def test_every_dtype_and_shape(
    tmp_path: Path, zipped_file: bool, dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    tensor = torch.arange(torch.Size(shape).numel()).reshape(shape).to(dtype)
    found = opened({"odd": torch.ones(1, dtype=torch.uint8), "x": tensor}, tmp_path, zipped_file=zipped_file)
    assert found.tensors["x"].dtype is dtype
    assert found.tensors["x"].shape == shape
    assert found.tensors["x"].tolist() == tensor.tolist()


@_FORMATS
def test_views_lie_in_one_storage(tmp_path: Path, zipped_file: bool) -> None:
    whole = torch.arange(24.0).reshape(4, 6)
    content = {"whole": whole, "column": whole[:, 2], "turned": whole.t(), "again": whole, "part": whole[1:3, ::2]}
    found = opened(content, tmp_path, zipped_file=zipped_file).tensors
    assert all(torch.equal(found[name], tensor) for name, tensor in content.items())
    assert len({tensor.untyped_storage().data_ptr() for tensor in found.values()}) == 1


@_FORMATS
def test_parameters_are_tensors(tmp_path: Path, zipped_file: bool) -> None:
    parameter = nn.Parameter(torch.ones(3))
    parameter.marked = True  # type: ignore[attr-defined]  # torch saves it in another way then
    found = opened({"a": nn.Parameter(torch.zeros(2)), "b": parameter}, tmp_path, zipped_file=zipped_file).tensors
    assert {name: type(one) for name, one in found.items()} == {"a": torch.Tensor, "b": torch.Tensor}
    assert found["b"].tolist() == [1, 1, 1]


def test_what_is_written_to_a_tensor_stays_out_of_the_file(tmp_path: Path) -> None:
    path = saved(small().state_dict(), tmp_path)
    before = path.read_bytes()
    for tensor in read(path).tensors.values():
        tensor.fill_(7)
    assert path.read_bytes() == before


def test_tensors_are_mapped_and_not_read(tmp_path: Path) -> None:
    path = saved({"x": torch.zeros(50_000_000, dtype=torch.uint8)}, tmp_path)
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from prune_tui.engine.sources.checkpoint_reader import read\n"
        "memory = lambda: int(Path('/proc/self/statm').read_text().split()[1]) * resource.getpagesize()\n"
        "before = memory(); found = read(Path(sys.argv[1])); print(memory() - before, found.tensors['x'].numel())"
    )
    took, entries = map(int, subprocess.check_output([sys.executable, "-c", program, path]).split())
    assert entries == 50_000_000
    assert took < 20_000_000


def test_a_file_that_changes_is_noticed(tmp_path: Path) -> None:
    path = saved(small().state_dict(), tmp_path)
    checkpoint = read(path)
    checkpoint.check()
    os.truncate(path, 100)
    with pytest.raises(FileChangedError, match=r"net\.bin has changed since it was opened: it has 100 bytes"):
        checkpoint.check()


def test_the_name_says_nothing(tmp_path: Path) -> None:
    for name in ("net.safetensors", "net", "net.json.pt"):
        assert read(saved({"x": torch.ones(2)}, tmp_path, name=name)).kind == "torch file"


def test_our_metadata_comes_with_it(tmp_path: Path) -> None:
    state = small().state_dict()
    state._metadata["prune_tui"] = {"prune_tui.recipe": "steps: []", "odd": 3}  # type: ignore[attr-defined]
    assert opened(state, tmp_path).metadata == {"prune_tui.recipe": "steps: []"}


def test_prefixes_of_wrappers_are_told(tmp_path: Path) -> None:
    wrapped = {f"module._orig_mod.{name}": tensor for name, tensor in small().state_dict().items()}
    found = opened(wrapped, tmp_path)
    assert list(found.tensors) == list(small().state_dict())
    assert found.prefix == "module._orig_mod."
    assert found.notes == (
        "every name begins with module._orig_mod., as a wrapper's do: not shown, and saved again",
    )


def test_the_files_of_an_index_keep_their_names_until_all_are_known(tmp_path: Path) -> None:
    names = {
        "pytorch_model-1.bin": ("module.a.weight", "module.a.bias"),
        "pytorch_model-2.bin": ("module.b.weight",),
    }
    for file, held in names.items():
        saved({name: torch.full((2,), len(name)) for name in held}, tmp_path, name=file)
    places = {name: file for file, held in names.items() for name in held}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": places}))
    found = read(tmp_path)
    assert list(found.tensors) == ["a.bias", "a.weight", "b.weight"]
    assert found.tensors["b.weight"].tolist() == [15, 15]
    assert found.shards["a.bias"] == "pytorch_model-1.bin"
    assert (found.prefix, found.notes) == (
        "module.",
        ("every name begins with module., as a wrapper's do: not shown, and saved again",),
    )


def test_one_file_of_an_index_may_have_all_of_a_module(tmp_path: Path) -> None:
    places = {"module.weight": "pytorch_model-1.bin", "head.weight": "pytorch_model-2.bin"}
    for name, file in places.items():
        saved({name: torch.ones(2)}, tmp_path, name=file)
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": places}))
    found = read(tmp_path)
    assert set(found.tensors) == set(places)
    assert found.prefix == ""


def test_what_cannot_be_shown_is_told(tmp_path: Path) -> None:
    content = {
        "plain": torch.ones(2),
        "sparse": torch.eye(3).to_sparse(),
        "conj": torch.ones(2, dtype=torch.complex64).conj(),
        "meta": torch.empty(3, device="meta"),
        "quantized": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
    }
    found = opened(content, tmp_path)
    assert list(found.tensors) == ["plain"]
    assert found.left_out == ("sparse", "conj", "meta", "quantized")
    assert "sparse is not shown: it is a sparse tensor" in found.notes
    assert len(found.notes) == 4


def test_old_files_are_copied_only_where_there_is_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = {"odd": torch.ones(1, dtype=torch.uint8), "x": torch.ones(5_000_000)}
    path = saved(content, tmp_path, zipped_file=False)
    assert read(path).tensors["x"].sum() == 5_000_000
    monkeypatch.setattr(memory, "free", lambda device: 1_000_000)
    assert "20.0 MB are needed for one, 1.0 MB are free" in refusal(path)


# ---------------------------------------------------------------- hostile files


def crafted(folder: Path, data: bytes) -> Path:
    path = folder / "bad.pt"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("entries", "shape", "strides", "offset"),
    [
        (10**9, (10**9,), (1,), 0),
        (4, (10**9,), (1,), 0),
        (4, (5,), (1,), 0),
        (4, (4,), (1,), 1),
        (4, (2, 2), (4, 1), 0),
        (5, (4,), (1,), 0),
        (4, (-1,), (1,), 0),
        (4, (4,), (-1,), 3),
        (4, (2,), (1, 1), 0),
        (4, (2**62,), (2**62,), 0),
        (4, (0, 2**61, 2**61), (1, 1, 1), 0),
        (-4, (4,), (1,), -4),
        (4, (1,) * 65, (1,) * 65, 0),
    ],
)
def test_a_tensor_that_is_not_in_its_storage(
    tmp_path: Path, entries: int, shape: tuple[int, ...], strides: tuple[int, ...], offset: int
) -> None:
    pickle = tensor_pickle("x", entries, shape, strides, offset)
    message = refusal(crafted(tmp_path, with_pickle(pickle, {"0": b"\x00" * 16})))
    assert "bad.pt is damaged" in message
    assert len(message) < 500


def _text(of: bytes) -> bytes:
    return b"X" + struct.pack("<I", len(of)) + of


def _number(of: int) -> bytes:
    data = of.to_bytes(of.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8b" + struct.pack("<I", len(data)) + data


ENDLESS = b")" + b"2\x86" * 60
"""Tuples in each other, that share all they can: 2**60 of them, were they written out."""
DEEP = b")" + b"\x85" * 200_000
HUGE = _number(1 << 20_000)
"""A number that Python writes out for nobody."""
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"
TYPED = b"ctorch._tensor\n_rebuild_from_type_v2\n"
SIZE = b"ctorch\nSize\n"


def _storage(key: bytes = _text(b"0"), entries: bytes = b"K\x04", view: bytes = b"") -> bytes:
    kind = b"ctorch\nFloatStorage\n"
    return b"(" + _text(b"storage") + kind + key + _text(b"cpu") + entries + view + b"tQ"


def _tensor(storage: bytes = _storage(), shape: bytes = b"K\x02\x85", rebuild: bytes = REBUILD) -> bytes:
    return rebuild + b"(" + storage + b"K\x00" + shape + b"K\x01\x85" + b"\x89N" + b"tR"


@pytest.mark.parametrize("endless", [ENDLESS, DEEP, HUGE], ids=["endless", "deep", "huge"])
@pytest.mark.parametrize(
    "tensor",
    [
        lambda one: one + b")R",
        lambda one: REBUILD + one + b"R",
        lambda one: TYPED + b"(" + one + one + b")tR",
        lambda one: TYPED + b"(ctorch\nTensor\n" + one + b")tR",
        lambda one: TYPED + b"(" + one + b"ctorch\nTensor\n)tR",
        lambda one: _tensor(shape=one),
        lambda one: _tensor(shape=one + b"\x85"),
        lambda one: _tensor(shape=SIZE + one + b"\x85R"),
        lambda one: _tensor(shape=one + b")R"),
        lambda one: _tensor(storage=_storage(key=one)),
        lambda one: _tensor(storage=_storage(entries=one)),
        lambda one: _tensor(storage=_storage(view=b"(" + _text(b"0") + one + b"K\x04t")),
        lambda one: _tensor(storage=one),
        lambda one: _tensor(storage=one + b"Q"),
        lambda one: b"ctorch._utils\n_rebuild_tensor_v3\n(" + _storage() + b"K\x00))NN" + one + b"tR",
        lambda one: b"ctorch._utils\n_rebuild_parameter\n" + one + b"\x85R",
    ],
)
@pytest.mark.parametrize("old", [False, True], ids=["zip", "old"])
def test_small_files_that_take_for_ever_to_write_out(
    tmp_path: Path, tensor: Callable[[bytes], bytes], endless: bytes, old: bool
) -> None:
    pickle = b"\x80\x02}(" + _text(b"good") + _tensor() + _text(b"bad") + tensor(endless) + b"u."
    listed = b"](" + _text(b"0") + b"e." + struct.pack("<Q", 4) + b"\0" * 16
    data = MAGIC + b"N." + pickle + listed if old else with_pickle(pickle, {"0": b"\0" * 16})
    path = crafted(tmp_path, data)
    try:
        found = read(path)
    except SourceError as error:
        told = str(error)
    else:
        assert list(found.tensors) == ["good"]
        told = "".join(found.notes)
    assert "bad" in told
    assert len(told) < 500


def test_a_random_generators_state_beside_the_model_is_no_obstacle(tmp_path: Path) -> None:
    found = opened({"model": small().state_dict(), "numpy": {"state": 2**128 - 1}}, tmp_path)
    assert list(found.tensors) == list(small().state_dict())


def test_few_entries_shown_a_billion_times(tmp_path: Path) -> None:
    pickle = tensor_pickle("x", 1, (10**9,), (0,))
    found = read(crafted(tmp_path, with_pickle(pickle, {"0": b"\x00" * 4})))
    assert not found.tensors
    assert found.notes == ("x is not shown: it repeats 1 stored entries to 1,000,000,000",)


def test_a_storage_that_is_not_there(tmp_path: Path) -> None:
    path = crafted(tmp_path, with_pickle(tensor_pickle("x", 4, (4,), (1,))))
    assert "it has no record 'archive/data/0'" in refusal(path)


def test_a_zip_bomb(tmp_path: Path) -> None:
    bomb = zipped({"archive/data.pkl": b"]" * 50_000_000 + b"."}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    tracemalloc.start()
    message = refusal(crafted(tmp_path, bomb))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "unpacks to 50,000,001 bytes" in message
    assert peak < 10_000_000


def test_compressed_storages(tmp_path: Path) -> None:
    records = {"archive/data.pkl": tensor_pickle("x", 4, (4,), (1,)), "archive/data/0": b"\x00" * 16}
    path = crafted(tmp_path, zipped(records, zipfile.ZIP_DEFLATED))
    assert "its record 'archive/data/0' is compressed" in refusal(path)


@pytest.mark.parametrize("name", ["a\x1b[31m.weight", "a\n.weight", "[bold]x", "\0"])
def test_odd_names_are_names(tmp_path: Path, name: str) -> None:
    assert list(opened({name: torch.ones(1)}, tmp_path).tensors) == [name]


def test_half_a_character_is_no_name(tmp_path: Path) -> None:
    message = refusal(crafted(tmp_path, with_pickle(tensor_pickle("\ud800", 1, (1,), (1,)), {"0": b"\x00" * 4})))
    assert "holds no tensors" in message
    message.encode()


def test_a_name_of_ten_thousand_characters(tmp_path: Path) -> None:
    message = refusal(saved({"x" * 10_000: torch.ones(1)}, tmp_path))
    assert "the name of a tensor has 10,000 characters" in message


def test_another_archive(tmp_path: Path) -> None:
    path = crafted(tmp_path, zipped({"word/document.xml": b"<x/>"}))
    assert "is a zip archive, but none that torch has written: it holds 'word/document.xml'" in refusal(path)


def test_the_other_byte_order(tmp_path: Path) -> None:
    records = {"archive/data.pkl": b"}.", "archive/byteorder": b"big"}
    assert "was written by a big-endian machine" in refusal(crafted(tmp_path, zipped(records)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x80\x02]q\x00.", "is a pickle, but not one of torch.save"),
        (b"\x80garbage", "is a pickle, but not one of torch.save"),
        (b"storages".ljust(257, b"\0") + b"ustar".ljust(255, b"\0"), "is a tar archive, as torch wrote them"),
        (MAGIC, "its machine in .* is damaged"),
        (MAGIC[:-1] + b"", "its version in .* is damaged"),
        (MAGIC + b"N." + tensor_pickle("x", 4, (4,), (1,)), "its list of storages in .* is damaged"),
        (MAGIC + b"N." + tensor_pickle("x", 4, (4,), (1,)) + b"].", "it has no storage '0'"),
        (
            MAGIC + b"N." + tensor_pickle("x", 4, (4,), (1,)) + b"](X\x01\x00\x00\x000e." + b"\xff" * 8,
            r"a storage of 18,446,744,073,709,551,615 entries begins at byte [\d,]+ of [\d,]+",
        ),
        (MAGIC + b"N.\x8d" + (2**62).to_bytes(8, "little") + b"x", "its content in .* is damaged"),
    ],
)
def test_damaged_old_files(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read(crafted(tmp_path, data))
