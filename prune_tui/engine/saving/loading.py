"""How what was saved is loaded again, told to whoever saved it."""

from __future__ import annotations

import json
from pathlib import Path

from prune_tui.files import Form

_STATE = {
    "torch": "torch.load({name}, weights_only=True)",
    "safetensors": "safetensors.torch.load_file({name})",
}
_PRUNED = """\
for key in [key[:-5] for key in state if key.endswith("_mask")]:
    path, _, name = key.rpartition(".")
    prune.identity(model.get_submodule(path), name)
"""
COMPACT = """\
with safetensors.safe_open({name}, "pt") as file:
    state = {{key: file.get_tensor(key) for key in file.keys()}}
    shapes = json.loads(file.metadata()["prune_tui.compact"])
for key, shape in shapes.items():
    kept, bits = state.pop(f"{{key}}.kept"), state.pop(f"{{key}}.mask")
    alive = torch.from_numpy(numpy.unpackbits(bits.numpy(), count=math.prod(shape))).bool()
    state[key] = torch.zeros(math.prod(shape), dtype=kept.dtype)
    state[key][alive] = kept
    state[key] = state[key].view(shape)
"""
"""Reads the compact form without prune-tui; needs json, math, numpy, safetensors and torch."""


def how_to_load(path: Path, form: Form, *, is_folder: bool) -> str:
    """Lines that load a file into a model, or open it again.

    Args:
        path: The file or folder.
        form: What it was saved in.
        is_folder: Whether it is a folder.
    """
    again = f"prune-tui {path}"
    if is_folder:
        return again if form != "removed" else f"{again}\nAutoModel.from_pretrained({_quoted(path.name)})"
    if form == "compact":
        return f"{again}\n{COMPACT.format(name=_quoted(path.name))}model.load_state_dict(state)"
    state = _STATE["safetensors" if path.suffix == ".safetensors" else "torch"].format(name=_quoted(path.name))
    before = _PRUNED if form == "pruned" else ""
    return f"{again}\nstate = {state}\n{before}model.load_state_dict(state)"


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
