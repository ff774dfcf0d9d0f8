"""The rows that views of a model are made of: modules, tensors, hooks, histories. Plain numbers and strings."""

from __future__ import annotations

from typing import Literal

import msgspec

View = Literal["effective", "orig", "mask", "step", "start"]
"""Which values of a tensor are looked at: with its mask, without it, the mask itself, or how the effective ones
differ from those before the last step, or from those at the start of the session."""
VIEWS: tuple[View, ...] = ("effective", "orig", "mask", "step", "start")
HookKind = Literal[
    "forward_pre",
    "forward",
    "backward_pre",
    "backward",
    "state_dict_pre",
    "state_dict",
    "load_state_dict_pre",
    "load_state_dict_post",
    "tensor_grad",
    "tensor_post_accumulate_grad",
]


class ParameterRow(msgspec.Struct, frozen=True):
    """A parameter as the outline knows it: by the name people prune it by.

    Attributes:
        name: `weight`, also while torch calls the parameter `weight_orig`.
        shape: Its sizes; empty also for a parameter that is not initialised yet.
        masked: Entries its mask takes; -1 while that is not known.
        pruned: A pruning hook is attached.
    """

    name: str
    shape: tuple[int, ...]
    masked: int
    pruned: bool


class ModuleRow(msgspec.Struct, frozen=True):
    """One line of the module tree.

    Attributes:
        path: Dotted name; empty for the model itself.
        type: Class name.
        parent: Index of the parent's row; -1 for the model itself.
        parameters: Scalar parameters here and below, shared tensors counted once.
        masked: How many of them a mask takes; -1 while that is not known.
        tensors: Its own parameters.
        shared_with: Path of the first place of this very module; empty when this is the first.
        shared_tensors: Whether one of its own parameters also stands elsewhere.
        bytes: Of the parameters and buffers here and below, masks included, shared tensors counted once.
        dtypes: Of those parameters, by name.
        devices: Of those parameters and buffers, by name.
    """

    path: str
    type: str
    parent: int
    parameters: int
    masked: int
    tensors: tuple[ParameterRow, ...]
    shared_with: str = ""
    shared_tensors: bool = False
    bytes: int = 0
    dtypes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()


class TensorRow(msgspec.Struct, frozen=True):
    """One tensor that a module holds.

    Attributes:
        kind: `parameter`, `buffer`, or `computed` for the attribute that pruning leaves behind.
        name: As torch names it in this module.
        tensor: The dotted name to ask tiles and statistics for.
        view: The view of that tensor which shows this row.
        shape: Its sizes.
        axes: A name for each axis: out, in, kh, kw...
        dtype: Without `torch.`.
        device: As torch writes it.
        requires_grad: Whether it collects gradients.
        bytes: Of its elements.
        persistent: Whether it is saved in the state_dict.
        kept: For masks and computed tensors, entries that the mask keeps; else -1.
        elements: How many entries it has.
        stale: The attribute is not `orig × mask` any more.
        shared_with: Other dotted names of the same tensor.
        note: Why there are no values, when there are none.
    """

    kind: Literal["parameter", "buffer", "computed"]
    name: str
    tensor: str
    view: View
    shape: tuple[int, ...]
    axes: tuple[str, ...]
    dtype: str
    device: str
    requires_grad: bool
    bytes: int
    persistent: bool
    kept: int
    elements: int
    stale: bool = False
    shared_with: tuple[str, ...] = ()
    note: str = ""


class HookRow(msgspec.Struct, frozen=True):
    """One hook of a module or of its tensors.

    Attributes:
        kind: Which of torch's dictionaries holds it.
        id: Its key there.
        name: Class or function.
        where: `file.py:12` of its definition, or its module when there is no source.
        tensor: What a pruning hook prunes, or the tensor a tensor hook hangs on.
        settings: Of a pruning hook, as written in a call.
        flags: Such as `with_kwargs` and `always_call`; `global` where it is torch's hook on every module.
    """

    kind: HookKind
    id: int
    name: str
    where: str
    tensor: str = ""
    settings: str = ""
    flags: tuple[str, ...] = ()


class HistoryRow(msgspec.Struct, frozen=True):
    """One method in the container history of a tensor.

    Attributes:
        method: Class name, as torch has it.
        settings: What torch remembers, or our own richer record where there is one.
        took: Entries it masked; -1 where it was there before the session, since torch does not remember.
        step: Number of the session's step; 0 where it was there before.
    """

    method: str
    settings: str
    took: int
    step: int


class TensorHistory(msgspec.Struct, frozen=True):
    """The methods applied to one tensor, in container order."""

    tensor: str
    rows: tuple[HistoryRow, ...]


class Parametrization(msgspec.Struct, frozen=True):
    """A tensor computed by torch.nn.utils.parametrize.

    Attributes:
        tensor: Its name in the module.
        modules: Class names, in the order they are applied.
    """

    tensor: str
    modules: tuple[str, ...]
