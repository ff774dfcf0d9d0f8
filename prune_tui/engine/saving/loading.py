"""How what was saved is loaded again, told to whoever saved it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from prune_tui.engine.saving import compact_reading
from prune_tui.files import Form

_TORCH = "state = torch.load({name}, weights_only=True)\n"
_SAFETENSORS = """\
with safe_open({name}, "pt") as stored:
    state, told = {{key: stored.get_tensor(key) for key in stored.keys()}}, stored.metadata()
state |= {{key: state[known] for key, known in told.items() if known in state}}  # other names of a tensor
"""
_PRUNED = """\
for key in [key[:-5] for key in state if key.endswith("_mask") and key[:-5] + "_orig" in state]:
    path, _, name = key.rpartition(".")
    prune.identity(model.get_submodule(path), name)
"""


def how_to_load(path: Path, form: Form, *, is_folder: bool) -> str:
    """How a file is opened again, as a line for a shell, and loaded, as lines of Python.

    These want the unpruned model, as its code makes it, under the name `model`.

    Args:
        path: The file or folder.
        form: What it was saved in.
        is_folder: Whether it is a folder.
    """
    again = f"prune-tui {shlex.quote(str(path))}\n"
    if is_folder:
        return again + _of_folder(path, form)
    if form == "compact":
        return f"{again}\n{compact_reading.TEXT}\n\nmodel.load_state_dict(read_compact({_quoted(path.name)}))"
    is_safe = path.suffix == ".safetensors"
    imports = "from safetensors import safe_open\n" if is_safe else "import torch\n"
    pruned = "from torch.nn.utils import prune\n" if form == "pruned" else ""
    state = (_SAFETENSORS if is_safe else _TORCH).format(name=_quoted(path.name))
    return f"{again}\n{imports}{pruned}\n{state}{_PRUNED if pruned else ''}model.load_state_dict(state)"


def _of_folder(path: Path, form: Form) -> str:
    if form == "compact":
        files = f"pathlib.Path({_quoted(path.name)}).glob('*.safetensors')"
        return f"\n{compact_reading.TEXT}\n\nimport pathlib\n\nmodel.load_state_dict(read_compact(*{files}))"
    if form == "removed" and (path / "config.json").is_file():
        return f"\nfrom transformers import AutoModel\n\nmodel = AutoModel.from_pretrained({_quoted(path.name)})"
    return ""


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
