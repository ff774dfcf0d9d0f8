"""NumPy's files, mapped where they stand as in memory, and never unpickled."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from prune_tui.engine.sources import SourceError, enough_memory, load
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.checkpoint_reader import read
from prune_tui.protocol import Open


def saved(file: Path, **arrays: Any) -> Checkpoint:
    np.savez(file, **arrays)
    return read(file)


def test_an_archive_opens_by_its_names(tmp_path: Path) -> None:
    weight, bias = np.random.rand(3, 4).astype("float32"), np.arange(3)
    found = saved(tmp_path / "net.npz", **{"fc.weight": weight, "fc.bias": bias})
    assert found.kind == "NumPy archive"
    assert list(found.tensors) == ["fc.weight", "fc.bias"]
    assert torch.equal(found.tensors["fc.weight"], torch.from_numpy(weight))
    assert found.tensors["fc.bias"].dtype is torch.int64
    loaded = load(Open(str(tmp_path / "net.npz")))
    assert list(loaded.model.state_dict()) == ["fc.weight", "fc.bias"]


def test_arrays_without_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "net.npz", np.ones(2), np.zeros(()))
    assert {name: tuple(one.shape) for name, one in read(tmp_path / "net.npz").tensors.items()} == {
        "arr_0": (2,),
        "arr_1": (),
    }


def test_what_is_aligned_is_mapped(tmp_path: Path) -> None:
    found = saved(tmp_path / "net.npz", **{name: np.full(5, 7, "uint8") for name in ("a", "b")})
    assert found.notes == ()
    with (tmp_path / "net.npz").open("r+b") as file:  # what is mapped and not read yet shows what is written now
        content = file.read()
        file.seek(content.index(bytes([7] * 5)))
        file.write(bytes([9] * 5))
    assert found.tensors["a"].tolist() == [9] * 5


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=">f4").reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.asfortranarray(np.arange(24, dtype=">i2").reshape(2, 3, 4)),
    ],
)
def test_what_stands_otherwise_is_read(tmp_path: Path, array: np.ndarray[Any, Any]) -> None:
    found = saved(tmp_path / "net.npz", w=array)
    assert found.tensors["w"].tolist() == array.tolist()
    assert found.tensors["w"].is_contiguous()
    assert found.notes == ("read into memory, as they are compressed, turned, big-endian or not aligned: w",)


def test_compressed_arrays_are_read(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "net.npz", w=np.ones((50, 50)))
    found = read(tmp_path / "net.npz")
    assert torch.equal(found.tensors["w"], torch.ones(50, 50, dtype=torch.float64))
    assert found.notes[0].endswith("not aligned: w")


def test_compressed_arrays_that_do_not_fit_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "net.npz", w=np.zeros(1_000_000))
    monkeypatch.setattr(enough_memory.memory, "free", lambda _: 1_000_000)
    with pytest.raises(SourceError, match=r"reading .*net.npz needs 16.0 MB more memory on cpu, 1.0 MB is free"):
        read(tmp_path / "net.npz")


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path(tmp_path / "ran").touch, ())

    objects = np.array([Trap()], dtype=object)
    found = saved(tmp_path / "net.npz", w=np.ones(2, "uint8"), config=objects, name=np.array(["a"]))
    assert list(found.tensors) == ["w"]
    assert found.left_out == ("config", "name")
    assert found.notes == (
        "not shown, since no tensor is like them:"
        " config (Python objects, which are not unpickled), name (dtype <U1)",
    )
    with pytest.raises(SourceError, match="holds no array that can be a tensor: config"):
        saved(tmp_path / "net.npz", config=objects)
    assert not (tmp_path / "ran").exists()


def test_one_array(tmp_path: Path) -> None:
    np.save(tmp_path / "layer.0.npy", np.arange(6, dtype="float32").reshape(2, 3))
    found = read(tmp_path / "layer.0.npy")
    assert found.kind == "NumPy array"
    assert {name: one.tolist() for name, one in found.tensors.items()} == {"layer_0": [[0, 1, 2], [3, 4, 5]]}


def test_a_pruned_archive_comes_back(tmp_path: Path) -> None:
    original, mask = np.array([[1.0, 2.0]], "float32"), np.array([[0.0, 1.0]], "float32")
    saved(tmp_path / "net.npz", **{"fc.weight_orig": original, "fc.weight_mask": mask})
    assert load(Open(str(tmp_path / "net.npz"))).model.fc.weight.tolist() == [[0.0, 2.0]]


# ---------------------------------------------------------------- damaged


def test_cut_off_files(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.ones(100))
    np.savez(tmp_path / "net.npz", w=np.ones(100))
    for name, told in (("w.npy", "has 828 bytes instead of 928"), ("net.npz", "is no whole .npz file")):
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[:-100])
        with pytest.raises(SourceError, match=told):
            read(tmp_path / name)


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode("latin1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 10000000000000000000000)}",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (0, 9000000000000000000, 9000000000000000000)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': 'x'}",
        "{'descr': 'no', 'fortran_order': False, 'shape': ()}",
        "(" * 500,
        "__import__('os')",
    ],
)
def test_headers_that_lie(tmp_path: Path, text: str) -> None:
    (tmp_path / "w.npy").write_bytes(header(text))
    with pytest.raises(SourceError, match=r"w\.npy"):
        read(tmp_path / "w.npy")
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        archive.writestr("w.npy", header(text))
    with pytest.raises(SourceError, match=r"w\.np"):
        read(tmp_path / "w.npz")


def test_a_header_that_claims_gigabytes_is_not_read(tmp_path: Path) -> None:
    claim = b"\x93NUMPY\x02\x00" + (2**32 - 1).to_bytes(4, "little") + bytes(50_000_000)
    with zipfile.ZipFile(tmp_path / "w.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.npy", claim)
    tracemalloc.start()
    with pytest.raises(SourceError, match="it claims a header of 4,294,967,295 bytes"):
        read(tmp_path / "w.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_arrays_of_one_name(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.ones(2))
    with zipfile.ZipFile(tmp_path / "net.npz", "w") as archive:
        archive.write(tmp_path / "w.npy", "w.npy")
        archive.write(tmp_path / "w.npy", "w.npy")
    with pytest.raises(SourceError, match="holds 2 arrays of the name w"):
        read(tmp_path / "net.npz")


def test_an_empty_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "net.npz", "w") as archive:
        archive.close()
    with pytest.raises(SourceError, match=r"net\.npz"):
        read(tmp_path / "net.npz")
