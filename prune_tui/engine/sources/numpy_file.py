"""NumPy's files: one array (`.npy`) or a zip of them (`.npz`); no Python object of theirs is unpickled.

What is stored as it stands in memory is mapped; what is compressed, turned or of the other byte order is read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from prune_tui.engine.sources import enough_memory, numpy_header
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.mapped_file import MappedFile
from prune_tui.engine.sources.numpy_header import Member
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.sources.telling_names import some


def read(path: Path) -> Checkpoint:
    """Open a file.

    Raises:
        SourceError: It is damaged, or holds no array of numbers.
    """
    file = MappedFile(path)
    found = numpy_header.read(file)
    copied = [one for one in found.known if not one.can_be_mapped]
    largest = max((one.header.size for one in copied), default=0)
    enough_memory.check(f"reading {file.path}", sum(one.header.size for one in copied) + largest)
    notes = []
    if found.others:
        notes.append(f"not shown, since no tensor is like them: {some(found.told)}")
    if copied:
        names = some(one.name for one in copied)
        notes.append(f"read into memory, as they are compressed, turned, big-endian or not aligned: {names}")
    tensors = {one.name: _tensor(file, one) for one in found.known}
    left_out = tuple(one.name for one in found.others)
    return Checkpoint(file.path, found.kind, tensors, files=(file,), left_out=left_out, notes=tuple(notes))


def _tensor(file: MappedFile, member: Member) -> Tensor:
    header = member.header
    dtype: torch.dtype = getattr(torch, member.torchs_dtype)
    if member.start is not None and member.can_be_mapped:
        return file.tensor(dtype, header.shape, member.start)
    data = member.read()
    if len(data) != header.size:
        raise SourceError(f"{file.path} is cut off: {member.name} has {len(data):,} of {header.size:,} bytes")
    # Not from the bytes themselves, which nobody may write to.
    array = np.frombuffer(data, header.dtype).reshape(header.shape, order="F" if header.turned else "C")
    return torch.from_numpy(np.array(array, header.dtype.newbyteorder("="), order="C"))
