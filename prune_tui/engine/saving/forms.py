"""The forms a pruned model is saved in, as tensors that are made one at a time when they are written."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from prune_tui.engine import bits, pruned
from prune_tui.engine.reading import dtype_name, masked_entries, why_no_values
from prune_tui.engine.walking import named_modules_of
from prune_tui.files import FORMS, Form
from prune_tui.step_settings import StepError

COMPACT = "prune_tui.compact"
"""Name in the metadata: the shapes of the tensors that are saved as kept values and bits."""


ENDS = ("_orig", "_mask", ".kept", ".mask")
"""What pruning and the compact form put behind a tensor's name."""


@dataclasses.dataclass(frozen=True)
class Piece:
    """A tensor to be written.

    Attributes:
        name: In the file.
        dtype: Of its entries.
        shape: Their numbers.
        make: It, contiguous and in the memory of the CPU.
        memory: The same for tensors that are one in the model, and are written once; None for what is made anew.
        source: The name, in a checkpoint, of the tensor it comes from.
    """

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    make: Callable[[], Tensor]
    memory: object = None
    source: str = ""

    @property
    def bytes(self) -> int:
        """Its size."""
        return math.prod(self.shape) * self.dtype.itemsize


@dataclasses.dataclass(frozen=True)
class Formed:
    """What is to be written of a model.

    Attributes:
        pieces: Each tensor once.
        aliases: Other names of tensors in `pieces`, with the names they have there.
        others: What of a state_dict is no tensor, as a module's `get_extra_state` gives it.
        compacted: The shapes of the tensors that are there as kept values and bits.
    """

    pieces: tuple[Piece, ...]
    aliases: Mapping[str, str]
    others: Mapping[str, object]
    compacted: Mapping[str, tuple[int, ...]]

    @property
    def metadata(self) -> dict[str, str]:
        """What is needed to read it."""
        return {**self.aliases, **({COMPACT: json.dumps(self.compacted)} if self.compacted else {})}

    @property
    def bytes(self) -> int:
        """All tensors."""
        return sum(piece.bytes for piece in self.pieces)


def formed(model: nn.Module, form: Form) -> Formed:
    """What a form has.

    Args:
        model: The model.
        form: `pruned` as torch has it, `weight_orig` and `weight_mask`; `removed` with the zeros in place and the
            names of the unpruned model; `compact` with the kept values and a bit for each entry.

    Raises:
        StepError: Something of it cannot be written.
    """
    masked = dict(_masked(model))
    pieces: list[Piece] = []
    others: dict[str, object] = {}
    compacted: dict[str, tuple[int, ...]] = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if not isinstance(tensor, Tensor):
            others[name] = tensor
            continue
        base = name.removesuffix("_orig")
        if name.endswith("_mask") and name.removesuffix("_mask") in masked and form != "pruned":
            continue
        _refuse(name, tensor)
        if base == name or base not in masked or form == "pruned":
            pieces.append(as_it_is(name, tensor, name.removesuffix("_mask") if name.endswith("_mask") else base))
        elif form == "removed":
            pieces.append(_removed(base, tensor, masked[base]))
        else:
            pieces += _compacted(base, tensor, masked[base])
            compacted[base] = tuple(tensor.shape)
    once, aliases = _each_once(pieces)
    return Formed(once, aliases, others, compacted)


def sizes(model: nn.Module) -> dict[Form, int]:
    """The bytes of each form's tensors."""
    return {form: formed(model, form).bytes for form in FORMS}


def _masked(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The masks by the names of the tensors they prune, in every place of a module that stands in several."""
    for path, module in named_modules_of(model):
        for name in pruned.base_names(module):
            kept = pruned.mask(module, name)
            if kept is not None:
                yield f"{path}.{name}" if path else name, kept.detach()


def _refuse(name: str, tensor: Tensor) -> None:
    reason = why_no_values(tensor)
    if reason:
        raise StepError(f"{name} cannot be saved: {reason}")


def as_it_is(name: str, tensor: Tensor, source: str) -> Piece:
    """A tensor written as it stands; `source` is its name in a checkpoint."""
    held = tensor.detach()
    memory = (held.data_ptr(), held.shape, held.stride(), held.dtype, held.device) if held.numel() else None
    return Piece(name, held.dtype, tuple(held.shape), lambda: _written(held), memory, source)


def _removed(name: str, original: Tensor, kept: Tensor) -> Piece:
    held = original.detach()
    memory = (held.data_ptr(), held.stride(), kept.data_ptr()) if held.numel() else None
    make = lambda: _written(pruned.applied(held, kept))  # noqa: E731 - made when it is written
    return Piece(name, held.dtype, tuple(held.shape), make, memory, name)


def _compacted(name: str, original: Tensor, kept: Tensor) -> Iterator[Piece]:
    held = original.detach()
    count = held.numel() - masked_entries(kept)
    yield Piece(f"{name}.kept", held.dtype, (count,), lambda: _written(held[bits.alive(kept)]), source=name)
    size = -(-held.numel() // 8)
    yield Piece(f"{name}.mask", torch.uint8, (size,), lambda: _bits(kept), source=name)


def _bits(kept: Tensor) -> Tensor:
    return torch.from_numpy(np.frombuffer(bits.pack(bits.alive(kept)).data, dtype=np.uint8).copy())


def _written(tensor: Tensor) -> Tensor:
    return tensor.cpu().contiguous()


def _each_once(pieces: Sequence[Piece]) -> tuple[tuple[Piece, ...], dict[str, str]]:
    first: dict[object, str] = {}
    once: list[Piece] = []
    aliases: dict[str, str] = {}
    for piece in pieces:
        known = piece.name if piece.memory is None else first.setdefault(piece.memory, piece.name)
        if known == piece.name:
            once.append(piece)
        else:
            aliases[piece.name] = known
    return tuple(once), aliases


def described(piece: Piece) -> str:
    """`conv1.weight, 6×1×3×3 float32`."""
    shape = "×".join(map(str, piece.shape)) or "scalar"
    return f"{piece.name}, {shape} {dtype_name(torch.empty(0, dtype=piece.dtype))}"
