"""Choosing the reader for a source, and the device for its model."""

from __future__ import annotations

from pathlib import Path

import torch

from prune_tui.engine.raised import reason
from prune_tui.engine.sources import checkpoint_model, checkpoint_reader, demo, python_object, weights
from prune_tui.engine.sources.asked import Asked
from prune_tui.engine.sources.explained import explained
from prune_tui.engine.sources.loaded import Loaded
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.protocol import Open
from prune_tui.source_names import DEMO, is_path


def load(wanted: Open) -> Loaded:
    """Open a source.

    Args:
        wanted: What and how: its `source` is `demo`, `file.py:Symbol`, `package.module:Symbol`, or a checkpoint's
            file or folder. `torch.manual_seed` is called before a model is built, so that the same command builds
            the same weights. Its `weights` are a checkpoint that is loaded on top of a model of Python code.

    Raises:
        SourceError: It cannot be opened.
    """
    device, source = choose_device(wanted.device), wanted.source
    torch.manual_seed(wanted.seed)
    _check_options(wanted)
    if source == DEMO:
        with explained(f"the demo could not be loaded on {device}"):
            return demo.load(device)
    where = device if wanted.device != "auto" else None
    asked = Asked(wanted.key, wanted.allow, wanted.trust)
    if is_path(source):
        return checkpoint_model.load(checkpoint_reader.read(Path(source), asked), where)
    model = python_object.load(source, wanted.arguments, where)
    if not wanted.weights:
        return Loaded(model)
    return weights.load(model, source, checkpoint_reader.read(Path(wanted.weights), asked))


def _check_options(wanted: Open) -> None:
    """Refuse what a source has no use for, before anything is read."""
    if wanted.source == DEMO:
        if wanted.arguments:
            raise SourceError("the demo takes no --arg; name your own model: prune-tui my_model.py:Net --arg x=1")
        if wanted.weights:
            raise SourceError(
                "the demo has weights of its own and takes no --weights; name your own model:"
                f" prune-tui my_model.py:Net --weights {wanted.weights}"
            )
    elif is_path(wanted.source):
        if wanted.arguments:
            raise SourceError(
                f"{wanted.source} is a checkpoint and takes no --arg; that is for a class or function"
            )
        if wanted.weights:
            raise SourceError(
                f"{wanted.source} is a checkpoint and takes no --weights; they are for a class or function:"
                f" prune-tui my_model.py:Net --weights {wanted.weights}"
            )


def choose_device(name: str) -> torch.device:
    """The device a name means; `auto` is cuda when there, else cpu.

    Raises:
        SourceError: No such device, or not on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise SourceError(f"{name!r} is not a device; use auto, cpu, cuda or cuda:0") from None
    if device.type == "meta":
        raise SourceError(f"--device {name}: no values live there; use auto, cpu, cuda or cuda:0")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SourceError(
            f"--device {name}: this torch ({torch.__version__}) sees no CUDA device; use --device cpu"
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise SourceError(f"--device {name}: there are {count} CUDA devices, cuda:0 to cuda:{count - 1}")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise SourceError(f"--device {name}: this torch sees no MPS device; use --device cpu")
    _try_out(device)
    return device


def _try_out(device: torch.device) -> None:
    """Torch knows the names of more devices than it can use; the driver of one may be broken too."""
    try:
        torch.empty(0, device=device)
    except Exception as error:
        raise SourceError(f"--device {device}: torch cannot use it ({reason(error)}); use --device cpu") from error
