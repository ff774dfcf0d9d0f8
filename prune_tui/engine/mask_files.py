"""Reading a mask, or scores, from a .pt, .npy, .npz or .safetensors file, without unpickling anything."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import cast

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from prune_tui.engine import bits
from prune_tui.engine.reading import why_no_values
from prune_tui.step_settings import StepError, nearest

_KINDS = (".pt", ".pth", ".npy", ".npz", ".safetensors")


def read_mask(file: str, target: str, shape: torch.Size) -> Tensor:
    """The mask for one target.

    Args:
        file: A path; `path:name` picks one of several tensors. Without a name, the only tensor of the file, or the
            one called like the target (`conv1.weight` or `conv1.weight_mask`).
        target: Dotted name.
        shape: What the mask's shape must be.

    Returns:
        A tensor of zeros and ones of that shape, on the CPU, in the dtype of the file.

    Raises:
        StepError: No such file, no such tensor in it, another shape, or other values than 0 and 1.
    """
    found, path = _read(file, target, shape, "mask")
    check_mask(found, f"the mask in {path}")
    return found


def read_scores(file: str, target: str, shape: torch.Size) -> Tensor:
    """The importance scores for one target, as `read_mask` finds masks.

    Returns:
        A tensor of real numbers of that shape, on the CPU, in the dtype of the file.

    Raises:
        StepError: No such file, no such tensor in it, another shape, or no real numbers.
    """
    found, path = _read(file, target, shape, "score tensor")
    reason = why_no_values(found) or ("complex numbers have no order" if found.is_complex() else "")
    if reason:
        raise StepError(f"the scores in {path} for {target} cannot be ranked: {reason}")
    return found


def _read(file: str, target: str, shape: torch.Size, what: str) -> tuple[Tensor, Path]:
    path, name = _split(file)
    found = _choose(_read_all(path), path, name, target)
    if found.shape != shape:
        raise StepError(
            f"the {what} in {path} is {_times(found.shape)}; {target} is {_times(shape)}: they must be the same"
        )
    return found, path


def stamp(file: str) -> tuple[int, ...]:
    """Differs as soon as a mask file has been written anew.

    Raises:
        StepError: No such file.
    """
    path, _ = _split(file)
    try:
        found = path.stat()
    except OSError as error:
        raise StepError(f"{file} cannot be opened: {error}") from error
    return found.st_mtime_ns, found.st_size, found.st_ino


def check_mask(mask: Tensor, what: str) -> None:
    """Refuse a mask that torch would take and then stumble over.

    Raises:
        StepError: It has no values, or others than 0 and 1.
    """
    reason = why_no_values(mask)
    if reason:
        raise StepError(f"{what} cannot be read: {reason}")
    if not bits.is_binary(mask):
        raise StepError(f"{what} holds other values than 0 and 1; torch cannot prune again after such a mask")


def _times(shape: torch.Size) -> str:
    return "×".join(map(str, shape)) or "a scalar"


def _split(file: str) -> tuple[Path, str]:
    """`masks.safetensors:conv1` as a path and a name; a path that exists is never split."""
    try:
        path = Path(file).expanduser()
        if not path.exists():
            head, separator, name = file.rpartition(":")
            if separator and Path(head).suffix in _KINDS:
                return _existing(Path(head).expanduser()), name
        return _existing(path), ""
    except (OSError, RuntimeError) as error:  # too long a name, ~somebody who has no home
        raise StepError(f"{file} cannot be opened: {error}") from error


def _existing(path: Path) -> Path:
    if path.suffix not in _KINDS:
        raise StepError(f"{path} is no file of tensors that is read here: those are {', '.join(_KINDS)}")
    if not path.is_file():
        raise StepError(f"there is no file {path}")
    return path


def _read_all(path: Path) -> dict[str, Tensor]:
    """Every tensor of the file by name; a file of one nameless tensor gives it the name ''."""
    try:
        if path.suffix == ".npy":
            return {"": torch.from_numpy(np.load(path, allow_pickle=False))}
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as stored:
                return {key: torch.from_numpy(stored[key]) for key in stored.files}
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as stored:
                return {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118 - not a dict
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise StepError(
            f"cannot read a tensor from {path}: it is damaged, or holds other objects than tensors,"
            " and those are not loaded"
        ) from error
    except Exception as error:  # a damaged file makes its reader raise anything; that travels as the cause
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise StepError(f"cannot read a tensor from {path}: {reason}") from error
    if isinstance(loaded, Tensor):
        return {"": loaded}
    if isinstance(loaded, dict) and all(isinstance(value, Tensor) for value in loaded.values()):
        return cast(dict[str, Tensor], loaded)
    raise StepError(f"{path} holds a {type(loaded).__name__}; it must hold a tensor or a dict of tensors")


def _choose(tensors: dict[str, Tensor], path: Path, name: str, target: str) -> Tensor:
    if name:
        if name not in tensors:
            raise StepError(f"{path} has no tensor {name!r}{nearest(name, tensors)}")
        return tensors[name]
    for candidate in (target, f"{target}_mask"):
        if candidate in tensors:
            return tensors[candidate]
    if len(tensors) == 1:
        return next(iter(tensors.values()))
    raise StepError(
        f"{path} holds {len(tensors)} tensors, none called {target} or {target}_mask; pick one with {path}:name"
    )
