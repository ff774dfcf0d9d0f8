"""Ending the construction of a model that outgrows its checkpoint: a small file may describe a huge one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.modules import module as registration

from prune_tui.engine import memory
from prune_tui.engine.sources.source_error import SourceError

_MODULES, _MODULES_PER_TENSOR = 10_000, 50
"""Modules that any model may have, and how many more for each tensor of its checkpoint."""
_BYTES, _BYTES_PER_BYTE = 2**28, 2
"""Bytes that any model may take beyond its checkpoint, and how many more for each of its: for a head that is made
anew, and for tensors that are converted."""


@contextlib.contextmanager
def construction_limits(tensors: Iterable[Tensor]) -> Iterator[None]:
    """Watch what is registered in modules while a model is built on tensors, and stop it where that is too much.

    Torch calls hooks at each registration, so nobody else's code has to be changed. What stands on the tensors'
    own memory or on the meta device takes none.

    Args:
        tensors: Of the checkpoint.

    Raises:
        SourceError: Out of the construction: the model has far more modules than the checkpoint tensors, or
            takes more memory than is free beyond them.
    """
    limits = _Limits(tensors)
    handles = [
        registration.register_module_module_registration_hook(limits.on_module),
        registration.register_module_parameter_registration_hook(limits.on_tensor),
        registration.register_module_buffer_registration_hook(limits.on_tensor),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class _Limits:
    def __init__(self, tensors: Iterable[Tensor]) -> None:
        tensors = list(tensors)
        self._known = {tensor.untyped_storage().data_ptr() for tensor in tensors}
        self._tensors, self._modules, self._bytes = len(tensors), 0, 0
        sensible = _BYTES + _BYTES_PER_BYTE * sum(tensor.nbytes for tensor in tensors)
        self._most = min(sensible, memory.free(torch.device("cpu")) or sensible)

    def on_module(self, module: nn.Module, name: str, child: nn.Module | None) -> None:
        self._modules += 1
        if self._modules > _MODULES + _MODULES_PER_TENSOR * self._tensors:
            raise SourceError(
                f"its config.json describes more than {self._modules:,} modules, for {self._tensors:,} tensors"
            )

    def on_tensor(self, module: nn.Module, name: str, tensor: Tensor | None) -> None:
        if tensor is None or tensor.is_meta or tensor.untyped_storage().data_ptr() in self._known:
            return
        self._bytes += tensor.nbytes
        if self._bytes > self._most:
            raise SourceError(
                f"by its config.json it takes {memory.readable(self._bytes)} and more beyond its files,"
                f" and {memory.readable(self._most)} is what is free, or what such files may need"
            )
