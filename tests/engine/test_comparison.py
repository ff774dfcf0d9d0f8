"""What differs between two models: by structure, by value, under masks, and in bits alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.utils import prune

from prune_tui import Session
from prune_tui.comparison_views import Comparison, MasksCompared, OnlyHere, OtherDtype, TensorCompared, Unlike
from prune_tui.engine import comparison
from prune_tui.engine.cancelling import Cancelled
from prune_tui.engine.comparison import compare
from prune_tui.engine.sources import Loaded, SourceError, load
from prune_tui.engine.sources.named_modules import tree_of
from prune_tui.files import FORMS
from prune_tui.protocol import Open

NAN, INF = float("nan"), float("inf")


def net(*, seed: int = 0) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))


def of(model: nn.Module, other: nn.Module) -> Comparison:
    return compare(Loaded(model), Loaded(other))


def of_values(a: object, b: object) -> TensorCompared | None:
    """What differs between two tensors called x."""
    ours, theirs = (one if isinstance(one, Tensor) else torch.tensor(one) for one in (a, b))
    found = of(tree_of({"x": ours}, "").model, tree_of({"x": theirs}, "").model)
    assert not found.not_compared
    return found.tensors[0] if found.tensors else None


def test_a_model_is_the_same_as_itself() -> None:
    found = of(net(), net())
    assert (found.same_structure, found.same_values, found.exactly_same) == (True, True, True)
    assert (found.identical, found.tensors) == (9, ())


@pytest.mark.parametrize("one", FORMS)
@pytest.mark.parametrize("other", FORMS)
def test_every_form_of_a_pruned_model_computes_the_same(tmp_path: Path, one: str, other: str) -> None:
    session = Session(net())
    session.apply("l1_unstructured", "*.weight", amount=0.5)
    for form in {one, other}:
        session.save(tmp_path / f"{form}.safetensors", form)
    a, b = (load(Open(str(tmp_path / f"{form}.safetensors"))) for form in (one, other))
    found = compare(a, b)
    assert (found.same_structure, found.same_values) == (True, True)
    assert found.exactly_same == (one == other)
    live = compare(Loaded(session.model), b)
    assert (live.same_structure, live.same_values) == (True, True)


def test_what_only_one_of_them_has() -> None:
    larger = nn.Sequential(*net(), nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)))
    larger[0].register_parameter("scale", nn.Parameter(torch.ones(1)))
    larger[0].register_buffer("passing", torch.ones(1), persistent=False)
    assert of(larger, net()).only_a == (OnlyHere("0.scale"), OnlyHere("3", 4))
    assert of(net(), larger).only_b == (OnlyHere("0.scale"), OnlyHere("3", 4))
    assert not of(net(), larger).same_structure


def test_other_shapes_and_dtypes() -> None:
    changed = net()
    changed[2] = nn.Linear(4, 5)
    changed[0].double()
    found = of(net(), changed)
    assert found.shapes == (Unlike("2.weight", (3, 4), (5, 4)), Unlike("2.bias", (3,), (5,)))
    assert found.dtypes == (
        OtherDtype("0.weight", "float32", "float64"),
        OtherDtype("0.bias", "float32", "float64"),
    )
    assert [one.name for one in found.tensors] == ["0.weight", "0.bias"]
    assert not any(one.differ for one in found.tensors)  # float64 holds every float32
    assert (found.same_structure, found.same_values, found.identical) == (False, True, 5)


def test_differing_entries_are_counted_and_measured() -> None:
    found = of_values([3.0, 4.0, 0.0, 1.0], [3.0, 4.5, 0.25, 1.0])
    assert found is not None
    assert (found.differ, found.elements, found.max_abs, found.not_finite) == (2, 4, 0.5, 0)
    assert found.relative == pytest.approx(((0.5**2 + 0.25**2) / 26) ** 0.5)


def test_nan_equals_nan_and_infinite_differences_are_counted_apart() -> None:
    assert of_values([NAN, INF, 1.0], [NAN, INF, 1.0]) is None
    found = of_values([NAN, INF, -INF, 1.0], [NAN, 1.0, NAN, 3.0])
    assert found is not None
    assert (found.differ, found.not_finite, found.max_abs) == (3, 2, 2.0)


def test_zeros_of_both_signs_are_equal_numbers_of_other_bits() -> None:
    found = of_values([0.0, 1.0], [-0.0, 1.0])
    assert found is not None
    assert (found.differ, found.bits) == (0, 1)


def test_under_the_mask_only() -> None:
    one, other = (prune.l1_unstructured(net()[0], "weight", amount=6) for _ in range(2))
    with torch.no_grad():
        other.weight_orig[other.weight_mask == 0] += 1
    (found,) = of(one, other).tensors
    assert (found.name, found.differ, found.under_mask, found.bits) == ("weight", 0, 6, 0)
    assert found.masks == MasksCompared(6, 6, 0, 0)
    assert not found.other_masks


def test_masks_that_take_other_entries() -> None:
    one, other = nn.Linear(4, 1, bias=False), nn.Linear(4, 1, bias=False)
    other.load_state_dict(one.state_dict())
    prune.custom_from_mask(one, "weight", torch.tensor([[0, 0, 1, 1]]))
    prune.custom_from_mask(other, "weight", torch.tensor([[1, 0, 0, 0]]))
    (found,) = of(one, other).tensors
    assert found.masks == MasksCompared(2, 3, 1, 2)
    assert found.differ == 3


def test_a_mask_that_scales_is_not_the_same_as_one_of_ones() -> None:
    one, other = (prune.identity(net()[0], "weight") for _ in range(2))
    other.weight_mask *= 0.5
    (found,) = of(one, other).tensors
    assert (found.differ, found.elements, found.other_masks) == (24, 24, False)


def test_tied_tensors_with_different_masks_are_compared_each() -> None:
    def tied(pruned: int) -> nn.Module:
        model = nn.Sequential(net()[2], nn.Linear(4, 3))
        model[1].weight = model[0].weight
        prune.l1_unstructured(model[pruned], "weight", amount=2)
        return model

    with torch.random.fork_rng():
        torch.manual_seed(0)
        one = tied(0)
        torch.manual_seed(0)
        other = tied(1)
    names = [found.name for found in of(one, other).tensors if found.differ]
    assert sorted(names) == ["0.weight", "1.weight"]


@pytest.mark.parametrize(
    "dtype",
    [
        torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.uint32,
        torch.uint64, torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.float8_e4m3fn,
        torch.float8_e5m2, torch.complex64, torch.complex128,
    ],
)  # fmt: skip
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3, 1, 2, 2)])
def test_every_dtype_and_shape(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    zeros, ones = (torch.full(shape, value).to(dtype) for value in (0.0, 1.0))
    assert of_values(zeros, zeros.clone()) is None
    found = of_values(zeros, ones)
    if not zeros.numel():
        assert found is None
        return
    assert found is not None
    assert (found.differ, found.max_abs, found.relative) == (zeros.numel(), 1.0, None)


@pytest.mark.parametrize(
    ("a", "b", "apart"),
    [
        (torch.tensor([2**62 + 1]), torch.tensor([2**62]), 1.0),
        (torch.tensor([-(2**63)]), torch.tensor([2**63 - 1]), 2.0**64),
        (torch.tensor([2**63], dtype=torch.uint64), torch.tensor([2**63 + 1], dtype=torch.uint64), 1.0),
        (torch.tensor([1 + 2**-30], dtype=torch.float64), torch.tensor([1.0]), 2.0**-30),
        (torch.tensor([2**31 - 1], dtype=torch.int32), torch.tensor([2.0**31]), 1.0),
        (torch.tensor([3 + 4j]), torch.tensor([0.0]), 5.0),
    ],
)
def test_differences_that_a_narrower_dtype_would_lose(a: Tensor, b: Tensor, apart: float) -> None:
    found = of_values(a, b)
    assert found is not None
    assert (found.differ, found.max_abs) == (1, apart)


def test_what_no_dtype_holds_exactly_is_not_compared() -> None:
    found = of(tree_of({"x": torch.tensor([1])}, "").model, tree_of({"x": torch.tensor([1.0])}, "").model)
    (told,) = found.not_compared
    assert (told.name, told.why) == ("x", "no dtype holds every number of int64 and of float32")
    assert not found.same_values


def test_what_has_no_values_is_not_compared() -> None:
    found = of(nn.Linear(2, 2), nn.Linear(2, 2, device="meta"))
    assert {told.why for told in found.not_compared} == {"on the meta device: no values (in B)"}
    assert (found.identical, found.exactly_same) == (0, False)


def test_large_and_strided_tensors_are_compared_in_pieces() -> None:
    one = torch.arange(600_000, dtype=torch.float32).view(600, 1000)
    other = one.clone()
    other[17, 3] += 1
    other[599, 999] -= 2
    for left, right in ((one, other), (one.t(), other.t()), (one.t(), other.t().contiguous())):
        found = of_values(left, right)
        assert found is not None
        assert (found.differ, found.max_abs) == (2, 2.0)


def test_a_file_that_changes_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.safetensors"
    save_file({"x": torch.ones(4)}, file)
    loaded = load(Open(str(file)))
    save_file({"x": torch.ones(5)}, tmp_path / "b.safetensors")
    file.write_bytes((tmp_path / "b.safetensors").read_bytes())
    with pytest.raises(SourceError, match="has changed since it was opened"):
        compare(loaded, loaded)


def test_what_was_read_is_let_go_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "_DROPPED_AFTER", 1)
    save_file({"x": torch.arange(5000.0), "y": torch.ones(3)}, tmp_path / "a.safetensors")
    a, b = (load(Open(str(tmp_path / "a.safetensors"))) for _ in range(2))
    assert compare(a, b).exactly_same
    assert torch.equal(a.model.x, torch.arange(5000.0))


def test_it_can_be_stopped_and_tells_how_far_it_is() -> None:
    with pytest.raises(Cancelled):
        compare(Loaded(net()), Loaded(net()), stop=lambda: True)
    told: list[tuple[int, int]] = []
    compare(Loaded(net()), Loaded(net()), lambda done, whole: told.append((done, whole)))
    assert told[-1][0] == told[-1][1] == 2 * sum(one.nbytes for one in net().state_dict().values())
