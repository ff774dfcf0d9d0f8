"""Folders of torch.distributed.checkpoint: their tensors, put together from the pieces of all ranks."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed.checkpoint as dcp
from safetensors.torch import save_file
from torch import nn
from torch.distributed.checkpoint import HuggingFaceStorageWriter
from torch.distributed.checkpoint.filesystem import SerializationFormat
from torch.nn.utils import prune

from prune_tui.engine import pruned
from prune_tui.engine.sources import SourceError, enough_memory, load
from prune_tui.engine.sources.checkpoint_reader import Asked, read
from prune_tui.protocol import Open
from tests.engine.saving import checkpoints
from tests.engine.sources import distributed

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # dcp's, of there being one rank

WHOLE = torch.arange(24.0).reshape(4, 6)
QUARTERS = [
    ((row, column), WHOLE[row : row + 2, column : column + 3].contiguous()) for row in (0, 2) for column in (0, 3)
]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """What a trainer saves on one rank."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    prune.l1_unstructured(model[0], "weight", 0.5)
    state = {
        "model": model.state_dict(),
        "ema": {name: tensor + 1 for name, tensor in model.state_dict().items()},
        "epoch": 3,
    }
    state["model"]["1.weight"] = torch.rand(6)[::2]  # one that is not dense
    dcp.save(state, checkpoint_id=str(tmp_path / "saved"), no_dist=True)
    torch.save(state, tmp_path / "state.pt")
    return tmp_path / "saved"


def test_what_a_trainer_saves_opens_as_its_model(saved: Path) -> None:
    state = torch.load(saved.parent / "state.pt")
    loaded = load(Open(str(saved)))
    assert loaded.checkpoint is not None
    assert loaded.checkpoint.kind == "distributed checkpoint"
    assert loaded.checkpoint.chosen == "model"
    assert loaded.checkpoint.others == ("ema",)
    held = loaded.model.state_dict()
    assert held.keys() == state["model"].keys()
    assert all(torch.equal(held[name], tensor) for name, tensor in state["model"].items())
    assert pruned.is_pruned(loaded.model.get_submodule("0"), "weight")
    assert loaded.notes == (
        "model of the checkpoint is shown; --key takes another: ema",
        "also holds epoch: not shown",
        "1 tensor is pruned in this checkpoint; how is not told in the file",
    )


# In the format of safetensors


def torch_writes(folder: Path, state: dict[str, Any]) -> Path:
    """With torch's own description beside it."""
    writer = dcp.FileSystemWriter(str(folder), serialization_format=SerializationFormat.SAFETENSORS)
    dcp.save(state, storage_writer=writer, no_dist=True)
    return folder


def test_safetensors_in_the_files_of_ranks_are_read(tmp_path: Path) -> None:
    model = {"weight": torch.rand(3, 4), "ids": torch.arange(5), "half": torch.rand(3).bfloat16()}
    folder = torch_writes(tmp_path / "saved", {"model": model, "epoch": 3})
    found = read(folder, Asked())
    assert found.chosen == "model"
    assert found.left_out == ("epoch",)
    assert found.tensors.keys() == model.keys()
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in model.items())
    session = checkpoints.session_on(folder)
    session.apply("l1_unstructured", "weight", amount=6)
    session.save(tmp_path / "out")
    assert int(checkpoints.session_on(tmp_path / "out").model.weight_mask.sum()) == 6


def test_what_hugging_face_reads_is_opened_by_its_index(tmp_path: Path) -> None:
    state = {"model.weight": torch.rand(3, 4), "model.bias": torch.rand(3)}
    writer = HuggingFaceStorageWriter(str(tmp_path), fqn_to_index_mapping={"model.weight": 1, "model.bias": 2})
    dcp.save(state, storage_writer=writer, no_dist=True)
    found = read(tmp_path, Asked())
    assert found.kind == "2 safetensors files"
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in state.items())


def shards(folder: Path, *ranks: dict[str, tuple[tuple[int, ...], torch.Tensor]]) -> Path:
    """Each rank's pieces, as `HuggingFaceStorageWriter` leaves them without consolidation."""
    for rank, pieces in enumerate(ranks, start=1):
        starts = {name: {"saved_offsets": start} for name, (start, _) in pieces.items()}
        save_file(
            {name: piece for name, (_, piece) in pieces.items()},
            folder / f"shard-{rank:05}-model-00001-of-00001.safetensors",
            metadata={"DCP_SHARDING_INFO": json.dumps(starts), "DCP_VERSION": "1.0", "format": "pt"},
        )
    return folder


def test_shards_of_ranks_are_put_together(tmp_path: Path) -> None:
    bias = torch.rand(4)
    folder = shards(
        tmp_path,
        {"weight": ((0, 0), WHOLE[:2].clone()), "bias": ((0,), bias)},
        {"weight": ((2, 0), WHOLE[2:].clone())},
    )
    found = read(folder, Asked())
    assert torch.equal(found.tensors["weight"], WHOLE)
    assert torch.equal(found.tensors["bias"], bias)
    assert found.notes == ("put together from 2 files of ranks; whether there were more of them stands in none",)
    session = checkpoints.session_on(folder)
    session.save(tmp_path / "out")
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["model.safetensors"]


def test_torchs_own_shards_are_such(tmp_path: Path) -> None:
    state = {"weight": torch.rand(3, 4)}
    dcp.save(state, storage_writer=HuggingFaceStorageWriter(str(tmp_path), save_distributed=True), no_dist=True)
    assert [one.name for one in tmp_path.iterdir()] == ["shard-00001-model-00001-of-00001.safetensors"]
    assert torch.equal(read(tmp_path, Asked()).tensors["weight"], state["weight"])


@pytest.mark.parametrize(
    ("ranks", "why"),
    [
        ([{"weight": ((0, 0), WHOLE[:2])}, {"weight": ((3, 0), WHOLE[3:])}], "do not make up a tensor of"),
        ([{"weight": ((0, 0), WHOLE[:2])}, {"weight": ((1, 0), WHOLE[1:])}], "do not make up a tensor of"),
        ([{"weight": ((0, 0), WHOLE[:2])}, {"weight": ((2,), WHOLE[2:])}], "have not the same number of axes"),
        ([{"weight": ((0, -1), WHOLE)}], "what is no row of whole numbers"),
        ([{"weight": ((2**59, 0), WHOLE)}], "reach further than a tensor can"),
        ([{"weight": ((0, 0), WHOLE[:2])}, {"weight": ((2, 0), WHOLE[2:].long())}], "instead of torch.float32"),
    ],
)
def test_shards_that_do_not_fit_together_say_so(tmp_path: Path, ranks: list[Any], why: str) -> None:
    copies = [{name: (start, piece.clone()) for name, (start, piece) in rank.items()} for rank in ranks]
    with pytest.raises(SourceError, match=why):
        read(shards(tmp_path, *copies), Asked())


def test_a_piece_that_torch_has_written_over_is_told(tmp_path: Path) -> None:
    """Two pieces of one tensor in one file: torch keeps the last."""
    folder = torch_writes(tmp_path / "saved", {"weight": torch.rand(2, 6)})
    file = folder / "__0_0.distcp"
    file.write_bytes(file.read_bytes().replace(b"[0, 0]", b"[2, 0]"))
    with pytest.raises(SourceError, match=r"has written another piece of weight over the one at \(0, 0\)"):
        read(folder, Asked())


def test_a_key_chooses_another_part(saved: Path) -> None:
    state = torch.load(saved.parent / "state.pt")
    assert torch.equal(read(saved, Asked("ema")).tensors["0.bias"], state["ema"]["0.bias"])
    with pytest.raises(SourceError, match="holds no tensors at --key emma"):
        read(saved, Asked("emma"))


def test_pieces_of_several_ranks_make_one_tensor(tmp_path: Path) -> None:
    found = read(distributed.write(tmp_path / "saved", {"fc.weight": QUARTERS, "n": [((), torch.tensor(5))]}))
    assert torch.equal(found.tensors["fc.weight"], WHOLE)
    assert found.tensors["n"].item() == 5
    assert found.left_out == ("epoch",)


def test_what_does_not_fit_into_memory_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = distributed.write(tmp_path / "saved", {"w": QUARTERS})
    monkeypatch.setattr(enough_memory.memory, "free", lambda _: 96)
    with pytest.raises(SourceError, match=r"reading .*saved needs .* more memory on cpu, 96 bytes is free"):
        read(folder)


# ---------------------------------------------------------------- damaged


@pytest.mark.parametrize(
    "pieces",
    [
        QUARTERS[:3],
        [QUARTERS[0], QUARTERS[0], *QUARTERS[2:]],
        [QUARTERS[0], ((0, 2), QUARTERS[1][1]), *QUARTERS[2:]],
    ],
)
def test_pieces_that_leave_a_hole(tmp_path: Path, pieces: list[Any]) -> None:
    folder = distributed.write(tmp_path / "saved", {"w": pieces})
    with pytest.raises(SourceError, match=r"the pieces of w do not make up a tensor of \(4, 6\)"):
        read(folder)


def test_a_rank_whose_file_is_missing(tmp_path: Path) -> None:
    folder = distributed.write(tmp_path / "saved", {"w": QUARTERS})
    (folder / "__2_0.distcp").unlink()
    with pytest.raises(SourceError, match=r"lacks 1 of 4 files: __2_0\.distcp\. Copy them from the other ranks"):
        read(folder)


def test_a_file_that_is_cut_off(tmp_path: Path) -> None:
    folder = distributed.write(tmp_path / "saved", {"w": QUARTERS})
    file = folder / "__1_0.distcp"
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(SourceError, match=r"__1_0\.distcp is cut off: a piece ends at byte"):
        read(folder)


def test_a_piece_that_is_garbage(tmp_path: Path) -> None:
    folder = distributed.write(tmp_path / "saved", {"w": QUARTERS})
    file = folder / "__1_0.distcp"
    file.write_bytes(bytes(file.stat().st_size))
    with pytest.raises(SourceError, match=r"__1_0\.distcp: a piece of w, at byte 0, cannot be read"):
        read(folder)


def test_a_piece_of_another_dtype_than_is_told(tmp_path: Path) -> None:
    folder = distributed.write(tmp_path / "saved", {"w": QUARTERS})
    metadata = pickle.loads((folder / ".metadata").read_bytes())
    metadata.state_dict_metadata["w"].properties.dtype = torch.int32
    (folder / ".metadata").write_bytes(pickle.dumps(metadata))
    with pytest.raises(SourceError, match=r"a piece of w is torch\.float32 of \(2, 3\) instead of torch\.int32"):
        read(folder)


class Trap:
    """Runs code where it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.file,))


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    folder = distributed.write(tmp_path / "saved", {"w": QUARTERS}, planner_data=Trap(ran))
    with pytest.raises(SourceError, match=r"metadata names .*(getattr|Path).*, which is none of torch"):
        read(folder)
    assert not ran.exists()


@pytest.mark.parametrize("file", ["../net.distcp", "/etc/passwd", "..", "", "a/b", "a\0b", 5])
def test_files_elsewhere_are_not_opened(tmp_path: Path, file: Any) -> None:
    folder = distributed.write(tmp_path / "saved", {"w": QUARTERS[:1]})
    metadata = pickle.loads((folder / ".metadata").read_bytes())
    for place in metadata.storage_data.values():
        place.relative_path = file
    (folder / ".metadata").write_bytes(pickle.dumps(metadata))
    with pytest.raises(SourceError, match="only files beside it are opened"):
        read(folder)


@pytest.mark.parametrize(
    "content", [b"", b"garbage", pickle.dumps({}), pickle.dumps(5), pickle.dumps([[]] * 3), b"\x80\x04" * 50]
)
def test_metadata_that_are_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".metadata").write_bytes(content)
    with pytest.raises(SourceError, match=r"\.metadata"):
        read(tmp_path)


_CALLED = b")" + b"2\x86" * 60 + b")R"
"""What is made by calling tuples in each other, that share all they can: 2**60 of them, were they written out."""
_ENDLESS: Any = ()
for _ in range(60):
    _ENDLESS = (_ENDLESS, _ENDLESS)


@pytest.mark.parametrize(
    ("tensor", "told"),
    [
        (b"\x80\x02" + _CALLED + b".", "has no fields"),
        (b"\x80\x02" + b")" + b"\x85" * 200_000 + b")R.", "has no fields"),
    ],
)
def test_small_metadata_that_take_for_ever_to_write_out(tmp_path: Path, tensor: bytes, told: str) -> None:
    (tmp_path / ".metadata").write_bytes(tensor)
    with pytest.raises(SourceError, match=told):
        read(tmp_path)


def test_names_that_take_for_ever_to_write_out(tmp_path: Path) -> None:
    pieces = {"w": [((0,), torch.ones(2))]}
    folder = distributed.write(tmp_path / "paths", pieces, planner_data={"w": _ENDLESS})
    assert list(read(folder).tensors) == ["w"]
    folder = distributed.write(tmp_path / "files", pieces)
    metadata = pickle.loads((folder / ".metadata").read_bytes())
    for place in metadata.storage_data.values():
        place.relative_path = _ENDLESS
    (folder / ".metadata").write_bytes(pickle.dumps(metadata))
    with pytest.raises(SourceError, match="names the file a tuple; only files beside it"):
        read(folder)


def test_a_tensor_made_of_what_takes_for_ever_to_write_out(tmp_path: Path) -> None:
    folder = distributed.write(tmp_path / "made", {"w": [((0,), torch.ones(2))]})
    metadata = pickle.loads((folder / ".metadata").read_bytes())
    metadata.state_dict_metadata["x"] = marker = "in its place"
    content = pickle.dumps(metadata, protocol=2)
    text = b"X" + len(marker).to_bytes(4, "little") + marker.encode()
    assert text in content
    (folder / ".metadata").write_bytes(content.replace(text, _CALLED))
    assert list(read(folder).tensors) == ["w"]


def test_a_claim_of_more_than_there_is(tmp_path: Path) -> None:
    folder = distributed.write(tmp_path / "saved", {"w": QUARTERS[:1]})
    metadata = pickle.loads((folder / ".metadata").read_bytes())
    described = metadata.state_dict_metadata["w"]
    for size in ((10**9, 10**9), (10**30,), (-1, 3)):
        described.size = size
        described.chunks[0].sizes = size
        (folder / ".metadata").write_bytes(pickle.dumps(metadata))
        with pytest.raises(SourceError, match=r"memory|more entries than there can be|no row of whole numbers"):
            read(folder)
