"""How a file in the compact form is read without prune-tui: lines of Python to be shown beside it."""

TEXT = """\
import json, numpy, torch
from safetensors import safe_open


def read_compact(file):
    with safe_open(file, "pt") as stored:
        tensors, told = {name: stored.get_tensor(name) for name in stored.keys()}, stored.metadata()
    for name, shape in json.loads(told.get("prune_tui.compact", "{}")).items():
        if name + ".kept" in tensors:  # each file of several tells of all
            kept, packed = tensors.pop(name + ".kept"), tensors.pop(name + ".mask").numpy()
            values = torch.zeros(int(numpy.prod(shape)), dtype=kept.dtype)
            values[torch.from_numpy(numpy.unpackbits(packed, count=len(values)).astype(bool))] = kept
            tensors[name] = values.view(shape)
    return tensors
"""
"""`read_compact(file)` gives the tensors by name, masked entries as zeros."""
