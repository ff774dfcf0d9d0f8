"""Names of torch's functions and attributes, by what they need of the entries of a tensor."""

from __future__ import annotations

VIEWS = {
    "__getitem__",
    "adjoint",
    "as_strided",
    "broadcast_to",
    "chunk",
    "contiguous",
    "detach",
    "diagonal",
    "dsplit",
    "expand",
    "expand_as",
    "flatten",
    "hsplit",
    "moveaxis",
    "movedim",
    "narrow",
    "permute",
    "ravel",
    "reshape",
    "reshape_as",
    "resolve_conj",
    "resolve_neg",
    "select",
    "split",
    "split_with_sizes",
    "squeeze",
    "swapaxes",
    "swapdims",
    "t",
    "tensor_split",
    "transpose",
    "unbind",
    "unflatten",
    "unsqueeze",
    "view",
    "view_as",
    "vsplit",
}
"""Functions that move no entry, or need not: what they make of the places of the entries is a part of a tensor."""
VIEWS_AS_ATTRIBUTES = {"H", "T", "data", "mH", "mT"}
"""Attributes of that kind; `real` is one of real numbers only."""
LIKE = {"empty_like", "full_like", "new_empty", "new_full", "new_ones", "new_zeros", "ones_like", "zeros_like"}
"""Functions that ask for shape, dtype and strides alone."""
CONVERSIONS = {"bfloat16", "bool", "cpu", "double", "float", "half", "int", "long", "to", "type_as"}
DESCRIPTIONS = {
    "__len__",
    "dim",
    "element_size",
    "get_device",
    "is_complex",
    "is_conj",
    "is_contiguous",
    "is_floating_point",
    "is_inference",
    "is_neg",
    "is_pinned",
    "is_signed",
    "ndimension",
    "nelement",
    "numel",
    "size",
    "storage_offset",
    "stride",
    "untyped_storage",
}
"""Functions that tell of a tensor what does not depend on its entries; so do its attributes, but for some."""
OF_ENTRIES = {"imag", "real"}
"""Attributes that are tensors of the entries."""


def writes(name: str) -> bool:
    """Whether torch's name of a function says that it writes to its first argument: `mul_`."""
    return name == "__setitem__" or (name.endswith("_") and not name.endswith("__"))
