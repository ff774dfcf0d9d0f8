"""`orig × mask` that is known already, given to torch's own hook in the place of its multiplication.

The attribute that pruning leaves in a module is made by the hook's `apply_mask`, with the history that autograd
needs. Where the product was computed in the same pass as the mask, doing it again would read both anew; so the
hook is called as ever, and below autograd the one multiplication it does is answered with the product.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_DTYPES = {torch.float32, torch.float64}
"""Those of which numpy computes a product as torch does; of halves torch itself rounds."""


class _Known(TorchDispatchMode):
    """Answers the multiplication of two tensors with their known product."""

    def __init__(self, mask: Tensor, original: Tensor, product: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._factors = (mask.data_ptr(), original.data_ptr())
        self._product = product

    def answer(self, func: Any, _: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        """Every operation as it is, but for the one."""
        if func is torch.ops.aten.mul.Tensor and tuple(map(_address, args)) == self._factors:
            return self._product
        return func(*args, **(kwargs or {}))


# Set afterwards: in the body of the class torch would wrap it, and the first call import all of torch._dynamo.
_Known.__torch_dispatch__ = _Known.answer  # type: ignore[assignment,method-assign]


def _address(argument: object) -> int | None:
    return argument.data_ptr() if isinstance(argument, Tensor) else None


def known(compute: Callable[[], Tensor], mask: Tensor, original: Tensor, product: Tensor | None) -> Tensor:
    """What `compute` returns, without its multiplication `mask × original` where the product is known.

    Args:
        compute: The `apply_mask` of a hook.
        mask: The first factor.
        original: The second.
        product: Their product, bit by bit; None where it is not known.
    """
    if product is None:
        return compute()
    with _Known(mask, original, product):
        return compute()


def computable(mask: Tensor, original: Tensor) -> bool:
    """Whether `mask × original`, done entry by entry through the memory, is as torch has it, strides included."""
    if type(original) is not Tensor or original.dtype not in _DTYPES or not original.numel():
        return False
    # Of a dimension of size 1, any stride is contiguous; which one torch gives a product is torch's affair.
    if original.stride() != _plain_strides(original.shape):
        return False
    strides = (original.shape, original.stride()) == (mask.shape, mask.stride())
    return strides and (original.dtype, original.device) == (mask.dtype, mask.device) and not flushes()


def _plain_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Those of a new tensor of this shape, none of its dimensions being 0."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def flushes() -> bool:
    """Whether torch was told to take denormal numbers for zero: then only torch itself computes as torch does."""
    tiny = torch.tensor([1e-40], dtype=torch.float32, device="cpu")
    return bool((tiny * 1.0 == 0).any())
