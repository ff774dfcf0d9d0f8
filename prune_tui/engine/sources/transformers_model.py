"""A Hugging Face model as transformers builds it, on the tensors of its checkpoint as they are mapped."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import inspect
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from prune_tui.engine.sources import pruned_pairs
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.construction_limits import construction_limits
from prune_tui.engine.sources.explained import explained
from prune_tui.engine.sources.folder_weights import architecture, has_transformers
from prune_tui.engine.sources.loaded import Loaded
from prune_tui.engine.sources.restored_pruning import restore
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.sources.telling_names import some, tensors

_LARGEST_COUNT = 1_000_000
"""Layers, labels, experts: transformers makes lists as long before it builds anything."""
_COUNTED = re.compile("^num_|^n_|layers|labels|experts|depth")


def load(checkpoint: Checkpoint, device: torch.device | None) -> Loaded:
    """Have transformers build the model that a folder's `config.json` describes, and give it the folder's tensors.

    Which tensor belongs where, what was renamed since, what is tied and what buffers are computed instead of kept,
    all that is transformers' own doing, in its `from_pretrained`. It is given tensors instead of a folder, and
    what it need not convert it takes as it is: on the mapped memory, of which nothing is read. The dtype is the
    files', whatever `config.json` says: what is opened is what can be saved again.

    Args:
        checkpoint: With `config`; its `path` is the folder.
        device: Where to copy the model to; None leaves its tensors where they are mapped.

    Raises:
        SourceError: It cannot be built; says why.
    """
    transformers = _transformers()
    _check_config(checkpoint.config)
    originals, masks = pruned_pairs.split(checkpoint.tensors)
    state = {name: _Handed(tensor) for name, tensor in originals.items()}
    dtype, notes = _dtype(checkpoint)
    with _quiet_and_offline(transformers), construction_limits(originals.values()):
        kind, config = _class(transformers, checkpoint)
        with explained(f"transformers {transformers.__version__} cannot build {kind.__name__}"):
            model, report = kind.from_pretrained(
                None,
                config=config,
                state_dict=state,
                dtype=dtype,
                local_files_only=True,
                trust_remote_code=False,
                ignore_mismatched_sizes=True,  # else they are told by a logger only
                output_loading_info=True,
            )
    unused = [name for name, one in state.items() if not one.was_taken]
    _check_fit(kind.__name__, report, unused, state)
    masks |= (late := pruned_pairs.tied_masks(model, {name: originals[name] for name in unused}))
    unused = [name for name in unused if name.removesuffix(pruned_pairs.MASK) not in late]
    places = pruned_pairs.places_of(model, originals, masks)
    held = _shared_again(model.state_dict(keep_vars=True), originals)
    renamed = _renamed(held, originals)
    if device is not None:
        with explained(f"the model could not be moved to {device}"):
            model.to(device)
    pruned_pairs.put(places, masks)
    past, restored = restore(model, checkpoint.metadata)
    pruned_pairs.compute(model)
    stored = pruned_pairs.as_stored(unused, masks)
    checkpoint = dataclasses.replace(
        checkpoint,
        renamed=renamed,
        unplaced={name: checkpoint.tensors[name] for name in stored if name in checkpoint.tensors},
    )
    fit = _told(kind.__name__, report, unused, _converted(held, report, originals))
    told = (*checkpoint.notes, *notes, *fit, *restored)
    return Loaded(model, checkpoint=checkpoint, past=past, notes=told)


def _transformers() -> Any:
    if not has_transformers():
        raise SourceError(
            "transformers is not installed, which would build the model: pip install 'prune-tui[transformers]'"
        )
    with explained("transformers could not be imported"):
        return importlib.import_module("transformers")


@contextlib.contextmanager
def _quiet_and_offline(transformers: Any) -> Iterator[None]:
    """Have transformers print nothing and fetch nothing.

    It is left as it was found: the process may be a person's.
    """
    constants: Any = importlib.import_module("huggingface_hub.constants")
    logging = transformers.utils.logging
    offline, verbosity, bars = constants.HF_HUB_OFFLINE, logging.get_verbosity(), logging.is_progress_bar_enabled()
    constants.HF_HUB_OFFLINE = True
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of how it was written, not of the model
            yield
    finally:
        constants.HF_HUB_OFFLINE = offline
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


class _Handed:
    """A tensor as transformers takes one from a file: by `[...]`. So it shows which it has used."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor
        self.was_taken = False

    def __getitem__(self, place: Any) -> Tensor:
        self.was_taken = True
        return self._tensor[place]


# ---------------------------------------------------------------- which class


def _check_config(config: Mapping[str, Any]) -> None:
    """Refuse what transformers would take for an order to fill the memory, or to change what the files hold."""
    if config.get("quantization_config"):
        raise SourceError("the model is quantised, and its modules would not be those of the files")
    waiting: list[tuple[str, Any]] = list(config.items())
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.items()
        counts = isinstance(value, int) and _COUNTED.search(name) is not None
        if counts and abs(value) > _LARGEST_COUNT:
            raise SourceError(f"config.json asks for {name} = {value:,}, which no model has")


class _Kind(NamedTuple):
    kind: Any
    config: Any


def _class(transformers: Any, checkpoint: Checkpoint) -> _Kind:
    """The class that `config.json` names and the config as that class reads it, or what AutoModel makes of it."""
    name, folder = architecture(checkpoint.config), str(checkpoint.path)
    where = f"{checkpoint.path / 'config.json'} could not be used by transformers {transformers.__version__}"
    with explained(where):
        named = getattr(transformers, name, None) if name.isidentifier() else None
        if inspect.isclass(named) and issubclass(named, transformers.PreTrainedModel):
            found: Any = named
            return _Kind(found, found.config_class.from_pretrained(folder, local_files_only=True))
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        with torch.device("meta"):
            return _Kind(type(transformers.AutoModel.from_config(config, trust_remote_code=False)), config)


def _dtype(checkpoint: Checkpoint) -> tuple[torch.dtype, tuple[str, ...]]:
    """That of most bytes of the files, and what to say where `config.json` has another."""
    sizes: dict[torch.dtype, int] = {}
    for tensor in checkpoint.tensors.values():
        if tensor.is_floating_point():
            sizes[tensor.dtype] = sizes.get(tensor.dtype, 0) + tensor.nbytes
    if not sizes:
        return torch.get_default_dtype(), ()
    dtype = max(sizes, key=lambda one: sizes[one])
    if dtype.itemsize < 2:
        raise SourceError(f"most of the model is of {_name(dtype)}, which transformers builds no model in")
    asked = checkpoint.config.get("dtype") or checkpoint.config.get("torch_dtype") or _name(dtype)
    if asked == _name(dtype):
        return dtype, ()
    return dtype, (f"config.json says {asked}, the files hold {_name(dtype)}: it is opened as {_name(dtype)}",)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


# ---------------------------------------------------------------- what came of it


def _check_fit(kind: str, report: Mapping[str, Any], unused: list[str], state: Mapping[str, Any]) -> None:
    if len(unused) == len(state):
        raise SourceError(f"none of the names in the files is one of {kind}'s: {some(unused)}")
    mismatched = sorted(report["mismatched_keys"])
    if mismatched:
        name, in_file, wanted = mismatched[0]
        raise SourceError(
            f"{tensors(len(mismatched))} of the files with another shape than in {kind} by its config.json:"
            f" {name} is {tuple(in_file)} instead of {tuple(wanted)}"
        )


def _told(kind: str, report: Mapping[str, Any], unused: list[str], converted: list[str]) -> Iterator[str]:
    missing = sorted(report["missing_keys"])
    if missing:
        yield f"{tensors(len(missing))} of {kind} in no file, made at random here: {some(missing)}"
    if unused:
        yield f"{tensors(len(unused))} of the files without a place in {kind}: {some(unused)}"
    if converted:
        yield f"{tensors(len(converted))} converted by transformers and held in memory: {some(converted)}"


def _shared_again(held: dict[str, Tensor], files: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put on the files' memory what transformers has copied and not changed, as the bias of a tied head."""
    known = _by_memory(files)
    for name, tensor in held.items():
        file = files.get(name)
        if file is None or tensor.data_ptr() in known or (file.dtype, file.shape) != (tensor.dtype, tensor.shape):
            continue
        if torch.equal(tensor, file):
            tensor.data = file
    return held


def _renamed(held: Mapping[str, Tensor], files: Mapping[str, Tensor]) -> dict[str, str]:
    """What a tensor is called in the files, by its name in the model, where that is another."""
    names = _by_memory(files)
    found = {name: names.get(tensor.data_ptr(), name) for name, tensor in held.items()}
    return {name: file for name, file in found.items() if file != name and name not in files}


def _converted(held: Mapping[str, Tensor], report: Mapping[str, Any], files: Mapping[str, Tensor]) -> list[str]:
    """What is of the files and yet not on their memory: cast, or made of several."""
    names, missing = _by_memory(files), report["missing_keys"]
    return [
        name
        for name, tensor in held.items()
        if tensor.numel() and tensor.data_ptr() not in names and name not in missing
    ]


def _by_memory(files: Mapping[str, Tensor]) -> dict[int, str]:
    return {tensor.data_ptr(): name for name, tensor in files.items() if tensor.numel()}
