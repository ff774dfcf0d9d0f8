"""Writing a folder of safetensors files with their index, as transformers reads it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from pathlib import Path

from prune_tui.engine.cancelling import Stop
from prune_tui.engine.saving import safetensors_writer
from prune_tui.engine.saving.forms import Piece
from prune_tui.engine.saving.unfinished_folder import UnfinishedFolder
from prune_tui.engine.sources.subfolders import modules_in

SHARD = 5_000_000_000
"""Bytes of tensors in a file, where the source does not say how they are spread, as transformers has it."""
_OF_A_RANK = ".distcp"
_WEIGHTS = (
    ".safetensors",
    ".bin",
    ".pt",
    ".pt2",
    ".pth",
    ".ckpt",
    _OF_A_RANK,
    ".metadata",
    ".npy",
    ".npz",
    ".h5",
    ".keras",
    ".msgpack",
    ".onnx",
    ".onnx_data",
    ".gguf",
    ".ot",
    ".tflite",
    ".ptl",
    ".pte",
    ".pdparams",
    ".index.json",
)
"""What holds weights, or says where they are, ends so: the old ones would be opened instead of the pruned ones."""
_SMALL = 2**24
"""Bytes that may lie beside the weights in a subfolder: a SentenceTransformer's configuration, no data set."""
_DEEPEST = 3
"""Folders in folders that are looked into."""
_INDEX = "model.safetensors.index.json"
_ONE = "model.safetensors"


def spread(pieces: Sequence[Piece], shards: Mapping[str, str]) -> dict[str, list[Piece]]:
    """Which tensors go into which file.

    Args:
        pieces: The tensors.
        shards: The file that the source has each tensor in; empty where it has one.
    """
    return _as_source(pieces, shards) if shards and not _are_of_ranks(shards) else _by_size(pieces)


def write(
    folder: UnfinishedFolder,
    files: Mapping[str, Sequence[Piece]],
    metadata: Mapping[str, str],
    *,
    tell: Callable[[int], None],
    stop: Stop,
) -> None:
    """Write the files of a folder that are not finished yet, and their index.

    Args:
        folder: The folder.
        files: The tensors of each file.
        metadata: Texts for every file's header.
        tell: Called with the bytes written so far.
        stop: Asked while they are written.

    Raises:
        StepError: safetensors has no such dtype.
        Cancelled: `stop` said so; the folder is not whole.
    """
    before = 0
    for name, own in files.items():
        if not folder.size_of(name):
            safetensors_writer.write(folder.folder / name, own, metadata, _after(before, tell), stop)
            folder.finish(name)
        before += sum(piece.bytes for piece in own)
    if list(files) != [_ONE]:
        places = {piece.name: name for name, own in files.items() for piece in own}
        index = {"metadata": {"total_size": before}, "weight_map": dict(sorted(places.items()))}
        (folder.folder / _INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def _after(before: int, tell: Callable[[int], None]) -> Callable[[int], None]:
    return lambda written: tell(before + written)


def copy_companions(source: Path, folder: Path) -> None:
    """Copy what a model's folder holds beside its weights: configuration, tokenizer, licence, small subfolders.

    And whole the subfolders that a SentenceTransformer's `modules.json` names.
    """
    for file in companions(source):
        place = folder / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)


def companions(source: Path) -> list[Path]:
    """The files that `copy_companions` copies.

    Args:
        source: The model's folder.
    """
    modules = modules_in(source)
    of_modules = [one for name in sorted(modules) for one in _all_in(source / name)]
    return [*_beside_weights(source, _DEEPEST, modules), *of_modules]


def _beside_weights(source: Path, depth: int, without: Set[str] = frozenset()) -> list[Path]:
    """The files of a folder that are no weights, and those of its small subfolders."""
    inside = sorted(source.iterdir())
    found = [one for one in inside if one.is_file() and not one.name.endswith(_WEIGHTS)]
    for one in inside if depth else ():
        if one.is_dir() and not one.is_symlink() and not one.name.startswith(".") and one.name not in without:
            own = _beside_weights(one, depth - 1)
            found += own if size(own) <= _SMALL else []
    return found


def _all_in(folder: Path) -> list[Path]:
    """The files of a SentenceTransformer's module, which are loaded beside the model: its weights, too."""
    if not folder.is_dir() or folder.is_symlink():
        return []
    return sorted(one for one in folder.rglob("*") if one.is_file())


def size(files: Iterable[Path]) -> int:
    """The bytes of files."""
    return sum(file.stat().st_size for file in files)


def _are_of_ranks(shards: Mapping[str, str]) -> bool:
    """Whether its files are what each process of a training had, which says nothing of how a model is spread."""
    return all(shard.endswith(_OF_A_RANK) for shard in shards.values())


def _as_source(pieces: Sequence[Piece], shards: Mapping[str, str]) -> dict[str, list[Piece]]:
    """Each tensor in the file that the source has it in; what the source has not, in the first."""
    first = next(iter(shards.values()))
    files: dict[str, list[Piece]] = {_renamed(shard): [] for shard in dict.fromkeys(shards.values())}
    for piece in pieces:
        known = (shards[name] for name in _names_in_source(piece) if name in shards)
        files[_renamed(next(known, first))].append(piece)
    return {name: own for name, own in files.items() if own}


def _names_in_source(piece: Piece) -> tuple[str, ...]:
    """What a tensor may be called there: it may have come pruned, in either form."""
    return piece.source, f"{piece.source}_orig", f"{piece.source}.kept"


def _renamed(shard: str) -> str:
    """`pytorch_model-00001-of-00002.bin` as `model-00001-of-00002.safetensors`."""
    if shard.endswith(".safetensors"):
        return shard
    return f"{Path(shard).stem.removeprefix('pytorch_')}.safetensors"


def _by_size(pieces: Sequence[Piece]) -> dict[str, list[Piece]]:
    parts: list[list[Piece]] = [[]]
    filled = 0
    for piece in pieces:
        if parts[-1] and filled + piece.bytes > SHARD:
            parts.append([])
            filled = 0
        parts[-1].append(piece)
        filled += piece.bytes
    if len(parts) == 1:
        return {_ONE: parts[0]}
    return {
        f"model-{number:05}-of-{len(parts):05}.safetensors": part for number, part in enumerate(parts, start=1)
    }
