"""`load_model` of an exported script for a model that was opened from a checkpoint, without its code."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

from prune_tui.engine.saved_metadata import COMPACT
from prune_tui.engine.sources import safetensors_header
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.protocol import Open

_LOAD = '''\
class Named(torch.nn.Module):
    """A place in the tree of names: it holds tensors and places, and has no forward."""

    def __getitem__(self, index):
        return list(self._modules.values())[index]


{read}

FILES = {files}
PREFIX = {prefix}
RENAMED = {renamed}
OTHERS = {others}


def load_model():
    """The tensors of the checkpoint as a tree of modules named as they are."""
    tensors = {{RENAMED.get(name, name): one for name, one in read_tensors().items()}}
    tensors = {{name.removeprefix(PREFIX): one for name, one in tensors.items() if name not in OTHERS}}
    model, parameters, masked = Named(), {{}}, []
    for path, tensor in tensors.items():
        *places, name = path.split(".")
        module, base = model, path.removesuffix("_orig")
        for place in places:
            if place not in module._modules:
                module.add_module(place, Named())
            module = module._modules[place]
        if path.endswith("_mask") and path.removesuffix("_mask") + "_orig" in tensors:
            continue
        if base != path and base + "_mask" in tensors:
            name = name.removesuffix("_orig")
            masked.append((module, name, tensors[base + "_mask"]))
        if tensor.is_floating_point() or tensor.is_complex():
            made = parameters.setdefault(id(tensor), torch.nn.Parameter(tensor, requires_grad=False))
            module.register_parameter(name, made)
        else:
            module.register_buffer(name, tensor)
    for module, name, mask in masked:
        prune.custom_from_mask(module, name, mask)
    return model.eval()
'''

_READ_SAFETENSORS = '''\
def read_tensors():
    """Every tensor of FILES by name, also by the other names that tied ones have."""
    from safetensors import safe_open

    found, told = {}, {}
    for file in FILES:
        with safe_open(file, "pt") as stored:
            found.update({name: stored.get_tensor(name) for name in stored.keys()})
            told.update(stored.metadata() or {})
COMPACT    tied = {name: known for name, known in told.items() if known in found and name not in found}
    found.update({name: found[known] for name, known in tied.items()})
    return found
'''
_EXPAND = """\
    for name, shape in json.loads(told["prune_tui.compact"]).items():
        kept, packed = found.pop(name + ".kept"), found.pop(name + ".mask")
        worth = torch.arange(7, -1, -1, dtype=torch.uint8)
        alive = ((packed[:, None] >> worth) & 1).bool().flatten()[: torch.Size(shape).numel()]
        values = torch.zeros(len(alive), dtype=kept.dtype)
        values[alive] = kept
        found[name + "_orig"] = values.view(shape)
        found[name + "_mask"] = alive.view(shape).to(kept.dtype)
"""
_READ_TORCH = '''\
def read_tensors():
    """Every tensor of the file's dictionary by name."""
    found = torch.load(FILES[0], map_location="cpu", weights_only=True)
    for key in {keys}:
        found = found[key]
    return {{name: one for name, one in found.items() if isinstance(one, torch.Tensor)}}
'''


def loading(origin: Open, checkpoint: Checkpoint) -> str | None:
    """The code of `load_model`, and what stands around it; None where plain torch cannot read such a file.

    Args:
        origin: What was asked to be opened.
        checkpoint: What it was.
    """
    paths = [file.path.resolve() for file in checkpoint.files]
    asked_for_code = origin.allow or origin.trust or origin.weights or checkpoint.module is not None
    if not paths or asked_for_code or origin.device not in {"auto", "cpu"} or not all(map(Path.is_file, paths)):
        return None
    read = _reading(paths, checkpoint)
    if read is None:
        return None
    return _LOAD.format(
        read=read.rstrip(),
        files=_listed(str(path) for path in paths),
        prefix=repr(checkpoint.prefix),
        renamed=repr({file: name for name, file in checkpoint.renamed.items()}),
        others=repr({checkpoint.prefix + name for name in checkpoint.unplaced} or ()),
    )


def _listed(names: Iterable[str]) -> str:
    return "[\n" + "".join(f"    {name!r},\n" for name in names) + "]"


def _reading(paths: list[Path], checkpoint: Checkpoint) -> str | None:
    if all(map(safetensors_header.looks_like, paths)):
        return _READ_SAFETENSORS.replace("COMPACT", _EXPAND if COMPACT in checkpoint.metadata else "")
    if len(paths) == 1 and zipfile.is_zipfile(paths[0]) and not checkpoint.refusal and paths[0].suffix != ".npz":
        return _READ_TORCH.format(keys=repr(tuple(filter(None, checkpoint.chosen.split(".")))))
    return None
