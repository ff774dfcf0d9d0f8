"""The dtypes of tensors by torch's names, and the bytes of an entry, for who reads headers without torch."""

from __future__ import annotations

ITEMSIZES = {
    "bool": 1,
    "uint8": 1,
    "int8": 1,
    "uint16": 2,
    "int16": 2,
    "uint32": 4,
    "int32": 4,
    "uint64": 8,
    "int64": 8,
    "float8_e4m3fn": 1,
    "float8_e4m3fnuz": 1,
    "float8_e5m2": 1,
    "float8_e5m2fnuz": 1,
    "float8_e8m0fnu": 1,
    "float16": 2,
    "bfloat16": 2,
    "float32": 4,
    "float64": 8,
    "complex32": 4,
    "complex64": 8,
    "complex128": 16,
}


def has_values(name: str) -> bool:
    """Whether it is floating or complex, as parameters are."""
    return "float" in name or "complex" in name
