"""Whatever happens to a file, it opens or says why not.

A few hundred mutations of every kind in the suite; `PRUNE_TUI_MUTATIONS=5000 pytest …` for a long run.
"""

from __future__ import annotations

import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from prune_tui.engine.sources import SourceError, checkpoint_model
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.checkpoint_reader import read
from tests.engine.sources.torch_samples import write_all, zipped

_MUTATIONS = int(os.environ.get("PRUNE_TUI_MUTATIONS", "60"))
_KINDS = ("torch", "old", "trainer", "script", "exported", "exported26")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_all(tmp_path_factory.mktemp("files"))


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 3, 20))):
        changed[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(changed)


def _overwritten(data: bytes, chance: random.Random) -> bytes:
    at, value = chance.randrange(len(data)), chance.choice((b"\xff" * 4, b"\x00" * 8, b"\x7f" * 8, b"\xff" * 8))
    return data[:at] + value + data[at + len(value) :]


def _removed(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + data[at + chance.randrange(1, 40) :]


def _doubled(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + data[at : at + chance.randrange(1, 400)] + data[at:]


_HOW: tuple[Callable[[bytes, random.Random], bytes], ...] = (_cut, _flipped, _overwritten, _removed, _doubled)


def mutated(file: Path, chance: random.Random) -> bytes:
    """The file changed anywhere; or a record of an archive, so that all around it is whole."""
    data = file.read_bytes()
    if not data.startswith(b"PK") or chance.random() < 0.4:
        return chance.choice(_HOW)(data, chance)
    with zipfile.ZipFile(file) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    told = [
        name for name, data in records.items() if data and name.endswith((".pkl", ".json", ".pt", ".npy", "order"))
    ]
    name = chance.choice(told)
    return zipped(records | {name: chance.choice(_HOW)(records[name], chance)})


def _opened(path: Path) -> Checkpoint | str:
    try:
        checkpoint = read(path)
        checkpoint_model.load(checkpoint, None)
    except SourceError as error:
        return str(error)
    return checkpoint


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", _KINDS)
def test_it_opens_or_says_why_not(kind: str, files: dict[str, Path], tmp_path: Path) -> None:
    chance = random.Random(f"{kind} {_MUTATIONS}")
    path, refused = tmp_path / "mutated.bin", 0
    for _ in range(_MUTATIONS):
        data = mutated(files[kind], chance)
        path.write_bytes(data)
        checkpoint = _opened(path)
        if isinstance(checkpoint, str):
            refused += 1
            assert str(path) in checkpoint
            assert len(checkpoint) < 1500
            continue
        storages = {one.untyped_storage().data_ptr(): one.untyped_storage() for one in checkpoint.tensors.values()}
        assert sum(one.nbytes() for one in storages.values()) <= 2 * len(data)
    assert 0 < refused < _MUTATIONS, "either nothing is noticed, or nothing opens any more"


@pytest.mark.parametrize("kind", _KINDS)
def test_cut_at_every_hundredth_byte(kind: str, files: dict[str, Path], tmp_path: Path) -> None:
    data = files[kind].read_bytes()
    path = tmp_path / "cut.bin"
    for length in range(0, len(data), max(1, len(data) // 100)):
        path.write_bytes(data[:length])
        with pytest.raises(SourceError, match=r"cut\.bin"):
            read(path)
