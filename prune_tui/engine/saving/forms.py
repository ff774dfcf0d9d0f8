"""The forms a pruned model is saved in, as tensors that are made one at a time when they are written."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from prune_tui.engine import bits, pruned
from prune_tui.engine.named import Named
from prune_tui.engine.packed_masks import PackedMask, address_of, plain
from prune_tui.engine.reading import dtype_name, is_distributed, shape_of, why_no_values
from prune_tui.engine.saved_metadata import COMPACT
from prune_tui.engine.saving import mask_values
from prune_tui.engine.walking import places
from prune_tui.files import Form
from prune_tui.step_settings import StepError

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
        memory: The same for tensors that are one in the model, and are written once; None for what is one's own.
        source: The name, in a checkpoint, of the tensor it comes from.
        computed: It is worked out when it is made, and needs memory of its own.
        unplain: Why only torch can write it; empty for a dense tensor.
    """

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    make: Callable[[], Tensor]
    memory: object = None
    source: str = ""
    computed: bool = False
    unplain: str = ""

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
        order: The names of pieces, aliases and others, in the order of the state_dict.
        modules: What torch notes of each module beside the state_dict: the version that its class counts.
    """

    pieces: tuple[Piece, ...]
    aliases: Mapping[str, str]
    others: Mapping[str, object]
    compacted: Mapping[str, tuple[int, ...]]
    order: tuple[str, ...]
    modules: Mapping[str, object] = dataclasses.field(default_factory=dict)

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

    Two names of one tensor: `removed` writes the zeros of both, as torch's `remove` does; `compact` leaves a
    tensor as `pruned` has it where its names have not the same mask, since each needs what the other masks. So it
    does where an Inf or a NaN lies under the mask: times 0 that is NaN, as torch and the other forms have it.

    Args:
        model: The model.
        form: `pruned` as torch has it, `weight_orig` and `weight_mask`; `removed` with the zeros in place and the
            names of the unpruned model; `compact` with the kept values and a bit for each entry.

    Raises:
        StepError: Something of it cannot be written.
    """
    return of_held(Held(model), form)


def of_held(found: Held, form: Form) -> Formed:
    """As `formed`, of what a model held; reads the masks, and may be called while the model changes.

    Raises:
        StepError: Something of it cannot be written.
    """
    pieces: list[Piece] = []
    others: dict[str, object] = {}
    compacted: dict[str, tuple[int, ...]] = {}
    order: list[str] = []
    for name, tensor in found.state.items():
        if not isinstance(tensor, Tensor):
            others[name] = tensor
            order.append(name)
            continue
        _refuse(name, tensor)
        base = found.base(name)
        if found.is_mask(name):
            own = name.removesuffix("_mask")
            if found.as_pruned(own, form):
                pieces.append(as_it_is(name, tensor, own))
        elif base not in found.masks:
            pieces.append(_removed(found, name, tensor) if form == "removed" else as_it_is(name, tensor, name))
        elif found.as_pruned(base, form):
            pieces.append(as_it_is(f"{base}_orig", tensor, base))
        elif form == "removed":
            pieces.append(_removed(found, base, tensor))
        else:
            pieces += _compacted(base, tensor, found.masks[base])
            compacted[base] = tuple(tensor.shape)
        order += [piece.name for piece in pieces[len(order) - len(others) :]]
    once, aliases = _each_once(pieces)
    first = {name: shape for name, shape in compacted.items() if f"{name}.kept" not in aliases}
    return Formed(once, _readable(aliases, compacted), others, first, tuple(order), found.modules)


class Held:
    """What a model holds, and which masks lie on each piece of memory. No entry is read, and nothing is copied.

    Its tensors stay those of now when the model gets others: they are detached, each once under all its names.

    Args:
        model: The model; it must not change meanwhile.

    Attributes:
        state: Its state_dict.
        masks: Its masks by the names of the tensors they prune.
        modules: As `Formed` has them; none for those whose class is not known, since neither is its version.
    """

    def __init__(self, model: nn.Module) -> None:
        whole: Mapping[str, object] = model.state_dict(keep_vars=True)
        detached = {id(one): _detached(one) for one in whole.values() if isinstance(one, Tensor)}
        self.state = {name: detached.get(id(one), one) for name, one in whole.items()}
        notes: Mapping[str, object] = getattr(whole, "_metadata", {})
        unknown = {place.path for place in places(model, into_shared=True) if isinstance(place.module, Named)}
        self.modules = {path: note for path, note in notes.items() if path not in unknown}
        self.masks = dict(_masked(model))
        self._on: dict[object, list[Tensor | None]] = {}
        for name, tensor in self.state.items():
            if isinstance(tensor, Tensor) and not self.is_mask(name) and not why_no_values(tensor):
                self._on.setdefault(_memory(tensor), []).append(self.masks.get(self.base(name)))

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Those that have memory, by name."""
        return {name: one for name, one in self.state.items() if isinstance(one, Tensor) and not is_lazy(one)}

    def base(self, name: str) -> str:
        """`weight` of `weight_orig`, where that is pruned."""
        stem = name.removesuffix("_orig")
        return stem if stem in self.masks else name

    def is_mask(self, name: str) -> bool:
        """Whether it is the mask of a pruned tensor."""
        return name.endswith("_mask") and name.removesuffix("_mask") in self.masks

    def on(self, tensor: Tensor) -> list[Tensor]:
        """The masks of all names of a tensor, each once."""
        found: list[Tensor] = []
        for mask in self._on.get(_memory(tensor), ()):
            if mask is not None and not any(mask_values.same(mask, known) for known in found):
                found.append(mask)
        return found

    def as_pruned(self, base: str, form: Form) -> bool:
        """Whether a tensor is written as `orig` and `mask`: bits do not say all of it, or its names need more."""
        if form != "compact":
            return form == "pruned"
        mask = self.masks[base]
        original = self.state.get(f"{base}_orig", self.state.get(base))
        alike = isinstance(original, Tensor) and all(
            mask_values.same(mask, other) for other in self._on[_memory(original)]
        )
        if not alike or not isinstance(original, Tensor) or not bits.is_binary(mask):
            return True
        return not mask_values.is_zero_under(original, mask)


def _detached(tensor: Tensor) -> Tensor:
    return tensor if is_lazy(tensor) else tensor.detach()


def _masked(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The masks by the names of the tensors they prune, in every place of a module that stands in several."""
    for place in places(model, into_shared=True):
        for name in pruned.base_names(place.module):
            kept = pruned.mask(place.module, name)
            if kept is not None:
                yield f"{place.path}.{name}" if place.path else name, kept.detach()


def _refuse(name: str, tensor: Tensor) -> None:
    if is_lazy(tensor) or is_distributed(tensor) or tensor.is_meta:
        raise StepError(f"{name} cannot be saved: {why_no_values(tensor)}")


def _memory(tensor: Tensor) -> object:
    """The same for tensors that are one."""
    if why_no_values(tensor) or not tensor.numel():
        return "alone", id(tensor)
    begins = address_of(tensor) + tensor.storage_offset() * tensor.element_size()
    return begins, tensor.shape, tensor.stride(), tensor.dtype, tensor.device


def as_it_is(name: str, tensor: Tensor, source: str) -> Piece:
    """A tensor written as it stands; `source` is its name in a checkpoint."""
    held, unplain = tensor.detach(), why_no_values(tensor)
    make = held.cpu if unplain else lambda: _written(held)
    packed = isinstance(held, PackedMask)
    return Piece(name, held.dtype, shape_of(held), make, _memory(tensor), source, packed, unplain=unplain)


def _removed(found: Held, name: str, original: Tensor) -> Piece:
    """The values with the zeros of every mask on them."""
    held, on = original.detach(), [] if why_no_values(original) else found.on(original)
    if not on:
        return as_it_is(name, original, name)

    def make() -> Tensor:
        values = held
        for mask in on:
            values = pruned.applied(values, mask)
        return _written(values)

    return Piece(name, held.dtype, tuple(held.shape), make, ("removed", _memory(original)), name, computed=True)


def _compacted(name: str, original: Tensor, mask: Tensor) -> Iterator[Piece]:
    held, memory = original.detach(), _memory(original)
    values = lambda: mask_values.kept_values(held, mask)  # noqa: E731 - made when it is written
    count = mask_values.kept_count(mask)
    yield Piece(f"{name}.kept", held.dtype, (count,), values, ("kept", memory), name, computed=True)
    size = -(-held.numel() // 8)
    packed = lambda: mask_values.packed(mask)  # noqa: E731 - likewise
    yield Piece(f"{name}.mask", torch.uint8, (size,), packed, ("packed", memory), name, computed=True)


def _written(tensor: Tensor) -> Tensor:
    return plain(tensor).cpu().contiguous().resolve_conj().resolve_neg()


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


def _readable(aliases: Mapping[str, str], compacted: Mapping[str, object]) -> dict[str, str]:
    """Other names of compact tensors as they come back: of the original and the mask, and of the values alone."""
    found = {name: known for name, known in aliases.items() if not name.endswith((".kept", ".mask"))}
    for name in compacted:
        known = aliases.get(f"{name}.kept", "").removesuffix(".kept")
        if known:
            found |= {f"{name}{end}": f"{known}{end}" for end in ("", "_orig", "_mask")}
    return found


def described(piece: Piece) -> str:
    """`conv1.weight, 6×1×3×3 float32`."""
    shape = "×".join(map(str, piece.shape)) or "scalar"
    return f"{piece.name}, {shape} {dtype_name(torch.empty(0, dtype=piece.dtype))}"
