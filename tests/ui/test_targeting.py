"""Which tensors a pruning key works on."""

from __future__ import annotations

from prune_tui.steps import METHOD_BY_NAME
from prune_tui.ui import targeting
from prune_tui.view_rows import ModuleRow, ParameterRow, TensorRow


def parameter(name: str, *shape: int, pruned: bool = False) -> ParameterRow:
    return ParameterRow(name, shape, 0, pruned)


ROOT = ModuleRow("", "Net", -1, 100, 0, ())
CONV = ModuleRow("conv", "Conv2d", 0, 60, 0, (parameter("weight", 6, 1, 3, 3, pruned=True), parameter("bias", 6)))
NORM = ModuleRow("norm", "LayerNorm", 0, 12, 0, (parameter("weight", 6), parameter("bias", 6)))
HEAD = ModuleRow("head", "Linear", 0, 28, 0, (parameter("weight", 4, 6),))
SHARED = ModuleRow("tail", "Linear", 0, 28, 0, (parameter("weight", 4, 6),), shared_with="head")
ROWS = (ROOT, CONV, NORM, HEAD, SHARED)
L1, GLOBAL, REMOVE = (METHOD_BY_NAME[name] for name in ("l1_unstructured", "global_unstructured", "remove"))


def tensor(path: str) -> TensorRow:
    name = path.rpartition(".")[2]
    return TensorRow("parameter", name, path, "effective", (6,), ("out",), "float32", "cpu", True, 24, True, -1, 6)


def test_the_tensor_at_the_cursor() -> None:
    assert targeting.targets(L1, frozenset(), ROWS, CONV, tensor("conv.bias")) == ("conv.bias",)


def test_all_marked_tensors_in_the_order_of_the_model() -> None:
    marked = frozenset({"head.weight", "conv.bias"})
    assert targeting.targets(L1, marked, ROWS, NORM, tensor("norm.weight")) == ("conv.bias", "head.weight")


def test_a_module_without_tensors_stands_for_the_weights_in_it() -> None:
    """Neither biases nor norms are what people mean by it; a shared module is named once."""
    assert targeting.targets(L1, frozenset(), ROWS, ROOT, None) == ("conv.weight", "head.weight")


def test_remove_on_such_a_module_takes_what_is_pruned() -> None:
    assert targeting.targets(REMOVE, frozenset(), ROWS, ROOT, None) == ("conv.weight",)
    assert targeting.targets(REMOVE, frozenset(), (ROOT, HEAD), ROOT, None) == ()
    assert "nothing in this model is pruned" in targeting.nothing_to_do(REMOVE, ROOT)


def test_a_global_step_ranks_all_weights_wherever_the_cursor_is() -> None:
    assert targeting.targets(GLOBAL, frozenset(), ROWS, CONV, tensor("conv.bias")) == (
        "conv.weight",
        "head.weight",
    )


def test_a_module_whose_name_begins_like_another_is_not_in_it() -> None:
    rows = (ROOT, HEAD, ModuleRow("header", "Linear", 0, 28, 0, (parameter("weight", 4, 6),)))
    assert targeting.below(rows, "head") == [HEAD]
