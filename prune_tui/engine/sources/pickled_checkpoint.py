"""The model in a pickle of torch's: from its outline, or as torch makes it where a person allows that."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from torch import Tensor, nn

from prune_tui.engine.sources import described_tensors, parts, unpickled, wanted_names
from prune_tui.engine.sources.asked import Asked
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.explained import explained
from prune_tui.engine.sources.mapped_file import MappedFile
from prune_tui.engine.sources.parts import Part
from prune_tui.engine.sources.pickle_outline import Outline
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.sources.state_metadata import metadata_of
from prune_tui.engine.sources.stored_tensors import Tensors
from prune_tui.engine.sources.tensor_names import WRAPPERS


def read(
    file: MappedFile,
    outline: Outline,
    tensors: Tensors,
    asked: Asked,
    *,
    kind: str = "torch file",
    mapped: bool = True,
) -> Checkpoint:
    """Open what a pickle describes.

    Args:
        file: Holds it.
        outline: What it describes.
        tensors: Its tensors.
        asked: Which part, and what its pickle may do.
        kind: What the file is.
        mapped: torch can map it, too.

    Raises:
        SourceError: There are no tensors, or it wants what nobody has allowed.
    """
    wanted = wanted_names.foreign(outline.names)
    try:
        if not wanted:
            part = parts.choose(outline.value, asked.key, described_tensors.is_tensor, lambda _: False)
            return _described(file, part, tensors, kind)
        if not asked.trust:
            wanted_names.check(file.path, wanted, asked.allow)
        content = unpickled.load(file.path, wanted, trusted=asked.trust, mapped=mapped)
        part = parts.choose(
            content, asked.key, lambda one: isinstance(one, Tensor), lambda one: isinstance(one, nn.Module)
        )
    except parts.NoPartError as error:
        raise SourceError(f"{file.path}: {error}") from error
    return _made(file, part, kind)


def _described(file: MappedFile, part: Part, tensors: Tensors, kind: str) -> Checkpoint:
    found, not_shown = tensors.all_of(part.tensors)
    checkpoint = _checkpoint(file, part, found, kind)
    return dataclasses.replace(
        checkpoint,
        left_out=(*checkpoint.left_out, *not_shown),
        notes=(*checkpoint.notes, *described_tensors.told(not_shown)),
    )


def _made(file: MappedFile, part: Part, kind: str) -> Checkpoint:
    if not isinstance(part.value, nn.Module):
        return _checkpoint(file, part, part.tensors, kind)
    with explained(f"{file.path}: the names of its module's tensors could not be had"):
        held = {name: one for name, one in part.value.state_dict().items() if isinstance(one, Tensor)}
    return dataclasses.replace(_named(file, part, held, f"{kind} of a module"), module=part.value)


def _checkpoint(file: MappedFile, part: Part, tensors: Mapping[str, Tensor], kind: str) -> Checkpoint:
    return dataclasses.replace(_named(file, part, tensors, kind), wrappers=WRAPPERS)


def _named(file: MappedFile, part: Part, tensors: Mapping[str, Tensor], kind: str) -> Checkpoint:
    return Checkpoint(
        file.path,
        kind,
        tensors,
        files=(file,),
        metadata=metadata_of(part.value),
        chosen=part.key,
        others=part.others,
        left_out=part.left_out,
        notes=part.notes,
    )
