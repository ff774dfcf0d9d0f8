"""How a file in the compact form is read without prune-tui: lines of Python to be shown beside it."""

TEXT = """\
import json, numpy, torch
from safetensors import safe_open


def read_compact(*files):
    tensors, told = {}, {}
    for file in files:
        with safe_open(file, "pt") as stored:
            tensors |= {name: stored.get_tensor(name) for name in stored.keys()}
            told |= stored.metadata()
    for name, shape in json.loads(told.get("prune_tui.compact", "{}")).items():
        kept, packed = tensors.pop(name + ".kept"), tensors.pop(name + ".mask").numpy()
        values = torch.zeros(int(numpy.prod(shape)), dtype=kept.dtype)
        values[torch.from_numpy(numpy.unpackbits(packed, count=len(values)).astype(bool))] = kept
        tensors[name] = values.view(shape)
    masks = {name: tensor for name, tensor in tensors.items() if name.endswith("_mask")}  # more than bits say
    tensors |= {name: tensors[known] for name, known in told.items() if known in tensors}  # names of one tensor
    for name, mask in masks.items():
        if name[:-5] + "_orig" in tensors:
            tensors[name[:-5] + "_orig"] *= mask  # in place: one tensor has the zeros of all its names
    for name in [name[:-5] for name in tensors if name.endswith("_mask") and name[:-5] + "_orig" in tensors]:
        del tensors[name + "_mask"]
        tensors[name] = tensors.pop(name + "_orig")
    return tensors
"""
"""`read_compact(file)` gives the tensors by name, masked entries as zeros; of a folder it wants all files."""
