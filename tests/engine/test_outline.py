import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from prune_tui.engine import outline as outlines
from prune_tui.engine.outline import changed_rows, devices, outline


class Tied(nn.Module):
    """A language model's usual trick: the head reads the embedding's own table."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, 3)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.embedding.weight


def by_path(model):
    return {row.path: row for row in outline(model)}


def test_a_model_in_rows():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.ReLU(), nn.Linear(4, 1)))
    rows = outline(model)
    assert [(row.path, row.type, row.parent) for row in rows] == [
        ("", "Sequential", -1),
        ("0", "Conv2d", 0),
        ("1", "Sequential", 0),
        ("1.0", "ReLU", 2),
        ("1.1", "Linear", 2),
    ]
    assert [row.parameters for row in rows] == [25, 20, 5, 0, 5]
    assert [(one.name, one.shape, one.pruned) for one in rows[1].tensors] == [
        ("weight", (2, 1, 3, 3), False),
        ("bias", (2,), False),
    ]


def test_masked_counts_the_zeros_of_masks_and_not_those_of_weights():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    with torch.no_grad():
        model[1].weight.zero_()
    prune.l1_unstructured(model[0], "weight", amount=5)
    rows = outline(model)
    assert [row.masked for row in rows] == [5, 5, 0]
    assert [(one.name, one.masked, one.pruned) for one in rows[1].tensors] == [
        ("bias", 0, False),
        ("weight", 5, True),
    ]
    assert (rows[0].parameters, rows[0].masked) == (40, 5)


def test_a_tied_tensor_counts_once_with_the_mask_of_its_first_pruned_place():
    model = Tied()
    prune.l1_unstructured(model.head, "weight", amount=4)
    rows = by_path(model)
    assert (rows[""].parameters, rows[""].masked) == (15, 4)
    assert (rows["embedding"].parameters, rows["embedding"].masked) == (15, 0)
    assert (rows["head"].parameters, rows["head"].masked) == (15, 4)
    assert rows["embedding"].shared_tensors
    assert rows["head"].shared_tensors
    prune.l1_unstructured(model.embedding, "weight", amount=7)
    assert by_path(model)[""].masked == 7


def test_a_shared_module_is_a_leaf_in_its_second_place():
    block = nn.Sequential(nn.Linear(2, 2))
    model = nn.ModuleDict({"a": block, "b": nn.Sequential(block, nn.Linear(1, 1))})
    rows = by_path(model)
    assert list(rows) == ["", "a", "a.0", "b", "b.0", "b.1"]
    assert rows["b.0"].shared_with == "a"
    assert [rows[path].parameters for path in rows] == [8, 6, 6, 8, 6, 2]


def test_a_model_that_holds_itself_ends():
    model = nn.Sequential(nn.Linear(2, 2))
    model[0].add_module("owner", model)
    rows = outline(model)
    assert [(row.path, row.shared_with, row.parameters) for row in rows] == [
        ("", "", 6),
        ("0", "", 6),
        ("0.owner", "", 6),
    ]
    assert rows[2].parent == 1


def test_lazy_none_meta_and_recurrent_parameters_have_rows():
    model = nn.Sequential(
        nn.LazyLinear(3),
        nn.Linear(2, 2, bias=False),
        nn.Linear(2, 2, device="meta"),
        nn.LSTM(2, 2),
        nn.BatchNorm1d(2),
    )
    rows = outline(model)
    assert [one.shape for one in rows[1].tensors] == [(), ()]
    assert rows[1].parameters == 0
    assert [one.name for one in rows[2].tensors] == ["weight"]
    assert rows[3].parameters == 6
    assert [one.name for one in rows[4].tensors] == ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]


def test_a_pruned_meta_tensor_masks_nothing_that_can_be_counted():
    model = nn.Linear(2, 2, device="meta")
    prune.l1_unstructured(model, "weight", amount=0.5)
    assert outline(model)[0].masked == 0


def test_scripted_models_have_an_outline_too():
    assert [row.parameters for row in outline(torch.jit.script(nn.Sequential(nn.Linear(2, 3))))] == [9, 9]


@given(st.recursive(st.integers(1, 4), lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=12))
def test_parameters_are_those_that_torch_counts(tree):
    shared = nn.Linear(2, 3)
    weight = nn.Parameter(torch.ones(3, 2))

    def build(node):
        if isinstance(node, list):
            return nn.Sequential(*map(build, node))
        if node == 1:
            return shared
        linear = nn.Linear(2, 3)
        if node == 2:
            linear.weight = weight
        return linear

    model = build(tree)
    for row in outline(model):
        assert row.parameters == sum(one.numel() for one in model.get_submodule(row.path).parameters())


def test_an_edit_changes_the_rows_of_the_module_and_its_ancestors_only():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))
    before = outline(model)
    prune.random_unstructured(model[1][0], "weight", amount=1)
    changed = changed_rows(model, before, [model[1][0]])
    assert [(index, row.path, row.masked) for index, row in changed] == [(0, "", 1), (2, "1", 1), (3, "1.0", 1)]
    after = list(before)
    for index, row in changed:
        after[index] = row
    assert tuple(after) == outline(model)


def test_an_edit_of_a_shared_module_changes_all_its_places():
    block = nn.Linear(2, 2)
    model = nn.ModuleDict({"a": block, "b": nn.Sequential(block)})
    before = outline(model)
    prune.random_unstructured(block, "weight", amount=1)
    assert [row.path for _, row in changed_rows(model, before, [block])] == ["", "a", "b", "b.0"]


def test_masks_of_untouched_modules_are_not_counted_again(monkeypatch):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    for module in model:
        prune.random_unstructured(module, "weight", amount=1)
    before, counted = outline(model), []
    count = outlines.masked_entries
    monkeypatch.setattr(outlines, "masked_entries", lambda mask: counted.append(mask) or count(mask))
    prune.random_unstructured(model[0], "weight", amount=1)
    changed_rows(model, before, [model[0]])
    assert len(counted) == 1
    assert counted[0] is model[0].weight_mask


def test_ten_thousand_modules_each_have_their_row():
    model = nn.Sequential(*(nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1)) for _ in range(2500)))
    rows = outline(model)
    assert len(rows) == 10_001
    assert rows[0].parameters == sum(row.parameters for row in rows if row.parent == 0)


def test_a_deep_model_does_not_exhaust_the_stack():
    model = nn.Linear(1, 1)
    for _ in range(3000):
        model = nn.Sequential(model)
    assert (outline(model)[0].parameters, outline(model)[0].masked) == (2, 0)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (nn.Linear(1, 1), "cpu"),
        (nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1, device="meta")), "cpu, meta"),
        (nn.BatchNorm1d(2, affine=False), "cpu"),
        (nn.LazyLinear(1), "cpu"),
        (nn.ReLU(), "no tensors"),
    ],
)
def test_devices(model, told):
    assert devices(model) == told


def test_bytes_dtypes_and_devices_of_all_that_is_below():
    model = nn.Sequential(nn.Linear(4, 2), nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 2, bias=False)))
    model[1][1].half()
    model[1][1].to("meta")
    rows = by_path(model)
    assert {path: row.bytes for path, row in rows.items()} == {
        "": 40 + 40 + 8, "0": 40, "1": 48, "1.0": 2 * 8 + 2 * 8 + 8, "1.1": 8,
    }  # fmt: skip
    assert {path: row.dtypes for path, row in rows.items()} == {
        "": ("float16", "float32"), "0": ("float32",), "1": ("float16", "float32"), "1.0": ("float32",),
        "1.1": ("float16",),
    }  # fmt: skip
    assert [rows[path].devices for path in ("", "1.0", "1.1")] == [("cpu", "meta"), ("cpu",), ("meta",)]
    prune.identity(model[0], "weight")
    assert by_path(model)["0"].bytes == 40 + 32


def test_bytes_of_what_is_shared_count_once():
    assert {path: row.bytes for path, row in by_path(Tied()).items()} == {"": 60, "embedding": 60, "head": 60}
