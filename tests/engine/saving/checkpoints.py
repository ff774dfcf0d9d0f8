"""Checkpoints to open, made for a test, and sessions on them."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from prune_tui import Session
from prune_tui.engine import sources
from prune_tui.engine.sources.loaded import Loaded
from prune_tui.protocol import Open


def tensors() -> dict[str, Tensor]:
    """A small model's, the same each time."""
    made = torch.Generator().manual_seed(5)
    shapes = {
        "embed.weight": (12, 8),
        "layers.0.attn.weight": (8, 8),
        "layers.0.attn.bias": (8,),
        "layers.1.attn.weight": (8, 8),
        "layers.1.attn.bias": (8,),
        "conv.weight": (4, 2, 3, 3),
    }
    found = {name: torch.randn(shape, generator=made) for name, shape in shapes.items()}
    return {**found, "narrow.weight": torch.randn(6, 4, generator=made).bfloat16(), "ids": torch.arange(12)}


def file(folder: Path, held: dict[str, Tensor] | None = None, **metadata: str) -> Path:
    """A safetensors file."""
    path = folder / "model.safetensors"
    save_file(tensors() if held is None else held, path, metadata={"format": "pt", **metadata})
    return path


def shards(folder: Path, held: dict[str, Tensor] | None = None, parts: int = 3) -> Path:
    """A Hugging Face folder: configuration, index, and every so many-th tensor in one file."""
    folder.mkdir()
    held = tensors() if held is None else held
    places = {name: f"model-{at % parts + 1:05}-of-{parts:05}.safetensors" for at, name in enumerate(held)}
    for shard in dict.fromkeys(places.values()):
        own = {name: held[name] for name, place in places.items() if place == shard}
        save_file(own, folder / shard, metadata={"format": "pt"})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))
    (folder / "config.json").write_text('{"model_type": "small"}')
    (folder / "tokenizer.json").write_text("{}")
    (folder / "pytorch_model.bin").write_text("stray")
    return folder


def opened(path: Path) -> Loaded:
    """What the app would open."""
    return sources.load(Open(str(path), device="auto"))


def session_on(path: Path, seed: int = 0) -> Session:
    """A session on a checkpoint."""
    loaded = opened(path)
    return Session(loaded.model, seed, past=loaded.past, checkpoint=loaded.checkpoint)
