"""Which recipes are done tensor by tensor, and that models with code are, too, when nobody calls them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from prune_tui import Session
from prune_tui.engine import pruned, sources, tensor_by_tensor
from prune_tui.engine.exports import recipe_reader
from prune_tui.engine.packed_masks import PackedMask
from prune_tui.protocol import Open
from tests.engine.fingerprints import bits as every_bit
from tests.engine.saving import checkpoints

REASONS = [
    ("- {method: remove, targets: conv.weight}", "out", "recipe:4: steps[1] is a remove, which changes values"),
    ("- {method: refresh, targets: conv.weight}", "out", "recipe:4: steps[1] is a repair"),
    ("- {method: identity, targets: conv.weight}", "out.pt", ".pt files are written whole"),
    ("- {method: identity, targets: conv.weight}", "out.safetensors", ""),
]


@pytest.mark.parametrize(("second", "output", "why"), REASONS)
def test_what_is_not_done_tensor_by_tensor(tmp_path: Path, second: str, output: str, why: str) -> None:
    session = checkpoints.session_on(checkpoints.file(tmp_path))
    text = f"version: 1\nsteps:\n- {{method: identity, targets: embed.weight}}\n{second}\n"
    found = tensor_by_tensor.why_not(session, recipe_reader.read(text), tmp_path / output)
    assert found.startswith(why)
    assert bool(found) == bool(why)


def test_masks_of_other_numbers_and_strided_tensors_are_as_they_were(tmp_path: Path) -> None:
    recipe = recipe_reader.read("version: 1\nsteps: []\n")
    held = {"a.weight_orig": torch.ones(4), "a.weight_mask": torch.full((4,), 0.5)}
    session = checkpoints.session_on(checkpoints.file(tmp_path, held))
    assert tensor_by_tensor.why_not(session, recipe, None) == "the mask of a.weight holds more than zeros and ones"
    torch.save({"a.weight": torch.randn(6, 4).t()}, tmp_path / "model.pt")
    session = checkpoints.session_on(tmp_path / "model.pt")
    why = "the entries of a.weight do not lie in the order of their indices"
    assert tensor_by_tensor.why_not(session, recipe, None) == why


CODE = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(8, 6), nn.Linear(6, 8))
"""


def test_a_model_with_code_that_nobody_calls(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(CODE)
    held = {"0.weight": torch.randn(6, 8), "0.bias": torch.randn(6), "1.weight": torch.randn(8, 6)}
    weights = checkpoints.file(tmp_path, {**held, "1.bias": torch.randn(8)})

    def session() -> Session:
        loaded = sources.load(Open(f"{tmp_path / 'net.py'}:Net", device="cpu", weights=str(weights)))
        return Session(loaded.model, past=loaded.past, checkpoint=loaded.checkpoint)

    streamed, ordinary = session(), session()
    assert tensor_by_tensor.why_not(streamed, recipe_reader.read("version: 1\nsteps: []\n"), None) == ""
    tensor_by_tensor.begin(streamed)
    for one in (streamed, ordinary):
        one.apply("l1_unstructured", "*.weight", amount=0.5)
        one.apply("global_unstructured", "*", amount=0.3)
    masks = [[pruned.mask(one.model[at], "weight") for at in (0, 1)] for one in (streamed, ordinary)]  # type: ignore[index]
    assert [type(mask) for mask in masks[0]] == [PackedMask, PackedMask]
    assert [type(mask) for mask in masks[1]] == [torch.Tensor, torch.Tensor]
    for one in (streamed, ordinary):
        one.save(tmp_path / f"{id(one)}.safetensors")
    files = [
        checkpoints.opened(tmp_path / f"{id(one)}.safetensors").model.state_dict() for one in (streamed, ordinary)
    ]
    assert {name: every_bit(tensor) for name, tensor in files[0].items()} == {
        name: every_bit(tensor) for name, tensor in files[1].items()
    }
