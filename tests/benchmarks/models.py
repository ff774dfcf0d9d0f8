"""What is pruned: tensors of random numbers, and a model of the shapes of GPT-2 small."""

from __future__ import annotations

import atexit
import json
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

_BLOCK = [
    (768,),
    (768,),
    (2304, 768),
    (2304,),
    (768, 768),
    (768,),
    (768,),
    (768,),
    (3072, 768),
    (3072,),
    (768, 3072),
    (768,),
]


def normal(elements: int, columns: int = 0) -> Tensor:
    """Normal numbers, all of whose memory has been touched."""
    values = torch.randn(elements, generator=torch.Generator().manual_seed(1))
    return values.view(-1, columns) if columns else values


def holding(values: Tensor) -> nn.Module:
    """A module with one weight."""
    module = nn.Module()
    module.weight = nn.Parameter(values)
    return module


def gpt2_small(width_divided_by: int) -> nn.Sequential:
    """148 tensors, 124M parameters: token and place embeddings, twelve blocks, the last norm.

    Args:
        width_divided_by: 1; more makes every matrix so many times smaller on each side.
    """
    shapes = [(50257, 768), (1024, 768), *_BLOCK * 12, (768,), (768,)]
    generator = torch.Generator().manual_seed(1)
    model = nn.Sequential()
    for shape in shapes:
        smaller = [max(size // width_divided_by, 1) for size in shape]
        model.append(holding(torch.randn(smaller, generator=generator) * 0.02))
    return model


def names_of(model: nn.Sequential) -> list[str]:
    """The dotted names of its weights."""
    return [f"{index}.weight" for index in range(len(model))]


def amount_without_a_tie(values: Tensor) -> int:
    """About half of the entries: so many that the greatest magnitude that goes is not that of one that stays."""
    ordered = values.abs().flatten().sort().values
    count = ordered.numel() // 2
    while ordered[count - 1] == ordered[count]:
        count += 1
    return count


def with_a_tie(values: Tensor, fraction: float) -> Tensor:
    """The same numbers, but that two magnitudes are equal where a fraction ends: one goes, one stays."""
    flat = values.flatten().clone()
    order = flat.abs().argsort()
    count = round(fraction * flat.numel())
    flat[order[count]] = -flat[order[count - 1]]
    return flat.view(values.shape)


def a_folder() -> Path:
    """A folder that goes with the process."""
    folder = tempfile.TemporaryDirectory(prefix="prune-tui-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def sharded(folder: Path, scale: float) -> int:
    """A checkpoint of 32 tensors in 8 safetensors files with their index: 2 GB at a scale of 1.

    Returns:
        Its entries.
    """
    folder.mkdir()
    rows = max(2, int(4096 * scale))
    generator, places = torch.Generator().manual_seed(1), {}
    for shard in range(8):
        file = f"model-{shard + 1:05}-of-00008.safetensors"
        own = {
            f"layers.{at}.weight": torch.randn(rows, 4096, generator=generator)
            for at in range(4 * shard, 4 * shard + 4)
        }
        save_file(own, folder / file, metadata={"format": "pt"})
        places |= dict.fromkeys(own, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return 32 * rows * 4096
