"""What the module pane says, from a real module by way of the engine's view."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui.engine.modules import module_view
from prune_tui.ui.module_lines import human_bytes, module_lines


def lines(module: nn.Module, width: int = 100) -> list[str]:
    model = nn.Sequential(module)
    return [line.text.plain for line in module_lines(module_view(model, "0", module, {}), width)]


def found(texts: list[str], *parts: str) -> bool:
    return any(all(part in text for part in parts) for text in texts)


def test_parameters_and_buffers_in_torchs_order() -> None:
    told = lines(nn.BatchNorm1d(3))
    order = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    assert [line.split()[1] for line in told[1:6]] == order
    assert found(told, "num_batches_tracked", "scalar", "int64", "8 B")


def test_a_buffer_that_is_not_saved_says_so() -> None:
    module = nn.Linear(2, 2)
    module.register_buffer("scratch", torch.zeros(2), persistent=False)
    assert found(lines(module), "scratch", "not saved")


def test_the_computed_tensor_and_what_it_keeps() -> None:
    module = prune.l1_unstructured(nn.Linear(4, 4), "weight", amount=6)
    assert found(lines(module), "computed", "weight = weight_orig × weight_mask", "keeps 10 of 16")


def test_a_stale_tensor_is_a_warning() -> None:
    module = prune.l1_unstructured(nn.Linear(4, 4), "weight", amount=6)
    with torch.no_grad():
        module.weight_orig.mul_(2)
    assert found(lines(module), "! stale: not orig × mask until the next forward")


def test_a_history_from_before_the_session_shows_what_torch_remembers() -> None:
    module = nn.Linear(4, 4)
    prune.random_unstructured(module, "weight", amount=0.3)
    prune.ln_structured(module, "weight", amount=0.5, n=2, dim=0)
    told = lines(module)
    assert found(told, "weight  1  RandomUnstructured(amount=0.3)", "from before the session")
    assert found(told, "2  LnStructured(amount=0.5, n=2, dim=0)")


def test_narrow_panes_lose_the_least_needed_columns_first() -> None:
    wide, narrow = lines(nn.Linear(4, 4), 100)[1], lines(nn.Linear(4, 4), 40)[1]
    assert "cpu" in wide
    assert "cpu" not in narrow
    assert "4×4" in narrow
    assert len(narrow) <= 40


def test_names_from_the_model_are_shown_literally() -> None:
    module = nn.Linear(2, 2)
    module.register_parameter("[b]x[/]\n", nn.Parameter(torch.zeros(2)))
    assert found(lines(module), "[b]x[/]�")


def test_sizes_are_written_as_people_say_them() -> None:
    assert [human_bytes(size) for size in (216, 1500, 2_000_000_000)] == ["216 B", "1.5 KB", "2.0 GB"]
