"""The quick choice of what goes is torch's, equal magnitudes and NaN included; so are the counts told of it."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import prune

from prune_tui import Session, steps
from prune_tui.engine import effects
from prune_tui.engine.cancelling import Cancelled, never
from prune_tui.engine.selection import cores, device_passes, random_scores, search, smallest, ties
from prune_tui.engine.selection.passes import Ranked
from prune_tui.engine.selection.planned_masks import Whole
from prune_tui.engine.targets import Seen
from prune_tui.step_settings import StepError
from tests.engine.fingerprints import by_torch, exact, like_torch

FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
SPECIAL = [0.0, -0.0, 1e-45, -1e-45, 1.0, -1.0, float("inf"), float("-inf"), float("nan"), 0.25, -0.5, 3e38, 6e-8]


@pytest.fixture(autouse=True, params=["numpy", "torch"])
def _however_few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pieces and small samples; once with the passes for the CPU, once with those for other devices."""
    monkeypatch.setattr(search, "FEW", 8)
    monkeypatch.setattr(search, "_SAMPLED", (16, 16))
    monkeypatch.setattr(cores, "PIECE", 8)
    monkeypatch.setattr(device_passes, "PIECE", 8)
    if request.param == "torch":
        for user in (search, smallest, ties):
            monkeypatch.setattr(user, "passes_of", lambda _: device_passes)


def holding(tensors: Sequence[Tensor], masks: Sequence[Tensor | None]) -> nn.Module:
    """A model of one weight for each tensor, in modules named 0, 1, 2, some of them pruned already."""
    model = nn.Sequential()
    for tensor, mask in zip(tensors, masks, strict=True):
        module = nn.Module()
        module.weight = nn.Parameter(tensor.clone(memory_format=torch.preserve_format))
        if mask is not None:
            prune.custom_from_mask(module, "weight", mask)
        model.append(module)
    return model


def done(session: Session, step: steps.Step) -> steps.Step:
    """Do a step as it was previewed; what the preview told is what counting its masks tells.

    Where torch will have to choose among equal magnitudes of several tensors, it told how far it may be off.
    """
    generator, before = torch.get_rng_state(), exact(session.model)
    told, plan = session.foresee(step), session.plan(step)
    counted = [
        effects.effect(plan.step, Seen.of(part.target, part.target.mask), part.planned.made().mask)
        for part in plan.parts
    ]
    for foretold, found in zip(told.effects, counted, strict=True):
        assert abs(foretold.took - found.took) <= foretold.unsure
        assert foretold.unsure or foretold == found
    assert sum(one.took for one in told.effects) == sum(one.took for one in counted)
    assert exact(session.model) == before
    for part in plan.parts:
        whole = part.planned.made().mask
        rows = slice(0, whole.shape[0] // 2 + 1)
        assert torch.equal(part.planned.shown(lambda layer, rows=rows: layer[rows]) != 0, whole[rows] != 0)
    entry = session.do(plan.step)
    assert list(entry.effects) == counted
    assert torch.equal(torch.get_rng_state(), generator)
    return plan.step


def first_by_index(tensors: Sequence[Tensor], masks: Sequence[Tensor | None], amount: float) -> list[Tensor]:
    """What ties="index" means, by a stable sort."""
    flat = torch.cat([tensor.reshape(-1).double().abs() for tensor in tensors]).numpy()
    alive = [torch.ones_like(one) if mask is None else mask for one, mask in zip(tensors, masks, strict=True)]
    kept = torch.cat([mask.reshape(-1) == 1 for mask in alive]).numpy()
    order = np.argsort(np.where(kept, flat, np.inf), kind="stable")
    order = np.concatenate([order[kept[order]], order[~kept[order]]])
    kept[order[: round(amount * int(kept.sum()))]] = False
    parts = torch.from_numpy(kept).split([tensor.numel() for tensor in tensors])
    return [part.view(tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]


@st.composite
def drawn_tensors(draw: st.DrawFn, most: int = 3) -> tuple[list[Tensor], list[Tensor | None]]:
    """Tensors of any float dtypes, full of ties and odd numbers, some of them pruned before."""
    tensors, masks = [], []
    for _ in range(draw(st.integers(1, most))):
        dtype = draw(st.sampled_from(FLOATS))
        shape = draw(st.sampled_from([(1,), (7,), (4, 5), (2, 3, 4), (33,), (0, 3)]))
        entries = draw(st.sampled_from(["odd", "ties", "distinct"]))
        size = int(np.prod(shape))
        generator = np.random.default_rng(draw(st.integers(0, 2**32)))
        if entries == "odd":
            values = generator.choice(SPECIAL, size)
        elif entries == "ties":
            values = generator.integers(-3, 4, size).astype(float)
        else:
            values = generator.permutation(np.arange(size) + 1.0) * generator.choice([-1, 1], size)
        tensors.append(torch.tensor(values, dtype=torch.float64).to(dtype).view(shape))
        kept = torch.from_numpy(generator.random(shape) < draw(st.sampled_from([0.0, 0.5, 1.0])))
        masks.append(kept.to(dtype) if draw(st.booleans()) else None)
    return tensors, masks


# Each example is a session, a twin and many pieces of a few entries; and all of it is done twice.
FEWER = settings(max_examples=60)


@FEWER
@given(drawn=drawn_tensors(most=1), amount=st.floats(0, 1), again=st.floats(0, 1))
def test_one_tensors_masks_are_torchs(drawn, amount: float, again: float) -> None:
    model, twin = holding(*drawn), holding(*drawn)
    session = Session(model)
    for share in (amount, again):
        done(session, steps.L1Unstructured(targets=("0.weight",), amount=share))
        by_torch(twin, "l1_unstructured", ["0.weight"], {"amount": share})
        like_torch(model, twin)


@FEWER
@given(drawn=drawn_tensors(), amount=st.floats(0, 1))
def test_several_tensors_masks_are_torchs(drawn, amount: float) -> None:
    model, twin = holding(*drawn), holding(*drawn)
    names = tuple(f"{index}.weight" for index in range(len(drawn[0])))
    done(Session(model), steps.GlobalUnstructured(targets=names, amount=amount))
    by_torch(twin, "global_unstructured", names, {"amount": amount})
    like_torch(model, twin)


@FEWER
@given(drawn=drawn_tensors(), amount=st.floats(0, 1))
def test_by_index_the_first_of_equal_magnitudes_go(drawn, amount: float) -> None:
    tensors, masks = drawn
    if any(tensor.isnan().any() for tensor in tensors):
        tensors = [tensor.nan_to_num(1.0) for tensor in tensors]
    model = holding(tensors, masks)
    names = tuple(f"{index}.weight" for index in range(len(tensors)))
    done(Session(model), steps.GlobalUnstructured(targets=names, amount=amount, ties="index"))
    for module, kept in zip(model, first_by_index(tensors, masks, amount), strict=True):
        assert torch.equal(module.weight_mask == 1, kept)
        assert module.weight_mask.dtype == module.weight_orig.dtype
        assert torch.equal(module.weight, (module.weight_orig * module.weight_mask)) or module.weight.isnan().any()


@FEWER
@given(drawn=drawn_tensors(), amount=st.floats(0, 1), seed=st.integers(0, 2**40))
@pytest.mark.parametrize("method", ["random_unstructured", "global_unstructured"])
def test_random_masks_are_torchs(method: str, drawn, amount: float, seed: int) -> None:
    model, twin = holding(*drawn), holding(*drawn)
    names = tuple(f"{index}.weight" for index in range(len(drawn[0])))
    chosen: dict[str, Any] = {"amount": amount}
    if method == "global_unstructured":
        chosen["pruning_method"] = "RandomUnstructured"
    session, generator = Session(model), torch.get_rng_state()
    done(session, steps.build(method, names, {**chosen, "seed": seed}))
    by_torch(twin, method, names, chosen, seed)
    torch.set_rng_state(generator)
    like_torch(model, twin)


@FEWER
@given(data=st.data())
@pytest.mark.parametrize("method", ["ln_structured", "random_structured"])
def test_whole_channels_masks_are_torchs(method: str, data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(3, 4), (5, 1), (1, 6), (2, 3, 4), (3, 2, 2, 2), (4, 0)]))
    seed, amount = data.draw(st.integers(0, 99)), data.draw(st.floats(0, 1))
    generator = np.random.default_rng(seed)
    entries = generator.choice(SPECIAL, shape) if data.draw(st.booleans()) else generator.standard_normal(shape)
    dtype = data.draw(st.sampled_from([torch.float32, torch.float64]))
    drawn = ([torch.tensor(entries, dtype=dtype)], [None])
    model, twin = holding(*drawn), holding(*drawn)
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    chosen = {"amount": amount, "dim": dim, **({"n": 2} if method == "ln_structured" else {"seed": seed})}
    session, state = Session(model), torch.get_rng_state()
    done(session, steps.build(method, "0.weight", chosen))
    seeded = chosen.pop("seed", None)
    by_torch(twin, method, ["0.weight"], chosen, seeded)
    torch.set_rng_state(state)
    like_torch(model, twin)


def test_strides_do_not_matter_to_what_goes() -> None:
    values = torch.arange(24.0).view(4, 6) % 7
    turned = values.t().contiguous().t()
    for amount in (0.3, 0.5):
        model = holding([turned], [None])
        done(Session(model), steps.L1Unstructured(targets=("0.weight",), amount=amount))
        twin = prune.l1_unstructured(holding([values], [None])[0], "weight", amount)
        assert torch.equal(model[0].weight_mask, twin.weight_mask)
        assert torch.equal(model[0].weight, twin.weight)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("size", [1, 15, 16, 17, 63, 100])
def test_numbers_drawn_in_pieces_are_those_of_one_call(dtype: torch.dtype, size: int) -> None:
    values = torch.zeros(size, dtype=dtype)
    generator = torch.get_rng_state()
    torch.manual_seed(5)
    expected = torch.rand_like(values)
    after = torch.get_rng_state()
    torch.manual_seed(5)
    [scored], counted = random_scores.scored([Ranked(values, None, size)], 1, never)
    scores = scored.values
    assert counted is not None
    assert torch.equal(torch.get_rng_state(), after)
    assert torch.equal(scores.argsort(stable=True), expected.argsort(descending=True, stable=True))
    torch.set_rng_state(generator)


@pytest.mark.parametrize("bracket", [(-1, 2), (0, 2), (5, 9), (2**30, 2**31 - 1), (2**31 - 2, 2**31 - 1)])
@pytest.mark.parametrize("amount", [1, 30, 99, 100])
def test_a_sample_that_misleads_costs_time_only(monkeypatch, bracket: tuple[int, int], amount: int) -> None:
    monkeypatch.setattr(search, "_bracket", lambda *_: bracket)
    values = torch.arange(100.0)
    model, twin = holding([values], [None]), holding([values], [None])
    done(Session(model), steps.L1Unstructured(targets=("0.weight",), amount=amount))
    prune.l1_unstructured(twin[0], "weight", amount)
    like_torch(model, twin)


def test_the_search_ends_as_soon_as_it_is_told_to_stop() -> None:
    asked = iter([False, False, True])
    with pytest.raises(Cancelled):
        search.smallest([Ranked(torch.randn(1000), None, 1000)], 500, lambda: next(asked, True))


def test_values_that_changed_since_the_preview_are_not_pruned_unseen() -> None:
    model = holding([torch.arange(1.0, 41.0)], [None])
    session = Session(model)
    step = steps.L1Unstructured(targets=("0.weight",), amount=0.5)
    session.foresee(step)
    model[0].weight.data.fill_(1.0)  # leaves no trace by which the plan could be known as stale
    before = exact(model)
    with pytest.raises(StepError, match=r"0\.weight changed while the step was worked out; ask again"):
        session.do(step)
    assert exact(model) == before
    assert session.do(step).effects[0].took == 20


def test_torch_is_not_asked_about_ties_until_the_mask_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    topk = torch.topk
    monkeypatch.setattr(torch, "topk", lambda *args, **more: asked.append(1) or topk(*args, **more))
    model = holding([torch.ones(50), torch.arange(2.0, 9.0)], [None, None])
    session = Session(model)
    step = steps.GlobalUnstructured(targets=("0.weight", "1.weight"), amount=20)
    assert [effect.took for effect in session.foresee(step).effects] == [20, 0]
    assert not asked
    session.do(step)
    assert asked


def test_a_preview_tells_how_far_it_may_be_off_where_equal_magnitudes_lie_in_several_tensors() -> None:
    tensors = [torch.tensor([1.0, 2.0, 2.0, 3.0]), torch.tensor([2.0, 2.0, 0.5, 5.0]), torch.tensor([9.0, 0.25])]
    model, twin = holding(tensors, [None] * 3), holding(tensors, [None] * 3)
    session = Session(model)
    step = steps.GlobalUnstructured(targets=("0.weight", "1.weight", "2.weight"), amount=6)

    told = session.foresee(step).effects  # 1, 0.5 and 0.25 go, and three of the four twos
    assert [(one.took, one.unsure, one.threshold) for one in told] == [(3, 1, 2.0), (2, 1, 2.0), (1, 0, 0.25)]

    done = session.do(step).effects
    prune.global_unstructured([(module, "weight") for module in twin], prune.L1Unstructured, amount=6)
    like_torch(model, twin)
    assert [(one.took, one.unsure) for one in done] == [(int((one.weight_mask == 0).sum()), 0) for one in twin]


def test_a_preview_draws_what_no_tie_decides_without_asking_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = [torch.tensor([1.0, 2.0, 2.0, 3.0]), torch.tensor([2.0, 2.0, 0.5, 5.0])]
    session = Session(holding(tensors, [None] * 2))
    step = steps.GlobalUnstructured(targets=("0.weight", "1.weight"), amount=5)
    first, second = session.plan(step).parts
    monkeypatch.setattr(torch, "topk", lambda *_, **__: pytest.fail("torch was asked"))
    assert second.planned.shown(lambda tensor: tensor[2:]).tolist() == [False, True]
    assert first.planned.shown(lambda tensor: tensor[::3]).tolist() == [False, True]


def test_ties_that_need_more_memory_than_is_free_are_refused_before_anything_happens(monkeypatch) -> None:
    monkeypatch.setattr("prune_tui.engine.memory.free", lambda _: 1000)
    model = holding([torch.ones(50)], [None])
    before = exact(model)
    with pytest.raises(
        StepError, match=r"ties=torch needs 1\.2 kB more memory on cpu, 1\.0 kB is free; ties=index"
    ):
        Session(model).apply("l1_unstructured", "0.weight", amount=20)
    assert exact(model) == before
    monkeypatch.setattr("prune_tui.engine.memory.free", lambda _: 500)  # enough for a mask and a product
    Session(model).apply("l1_unstructured", "0.weight", amount=20, ties="index")


def test_on_several_devices_the_first_of_equal_magnitudes_go() -> None:
    tensors = [SimpleNamespace(values=SimpleNamespace(device=torch.device(name))) for name in ("cpu", "cuda")]
    found = search.Selection(torch.float32, 3, (search.Share(1, (4,), -1), search.Share(0, (1, 1), -1)), 5)
    choice = ties.chosen(tensors, found, 6, "torch", ("the step", ""))
    assert isinstance(choice, ties.ByIndex)
    assert [choice.took(index) for index in (0, 1)] == [4, 1]


def test_what_cannot_be_ranked_by_patterns_is_left_to_torch() -> None:
    half = torch.tensor([1.0, 0.5])
    assert search.ranked(torch.ones(3, dtype=torch.complex64), None, never) is None
    assert search.ranked(torch.ones(3).to(torch.float8_e4m3fn), None, never) is None
    assert search.ranked(torch.ones(2), half, never) is None
    assert search.ranked(torch.ones(2), torch.tensor([1.0, -0.0]), never) is None
    assert search.ranked(torch.ones(2), torch.tensor([True, False]), never) is None


def test_numpys_generator_is_left_alone() -> None:
    before = np.random.get_state()[1].tolist()
    search.smallest([Ranked(torch.randn(1000), None, 1000)], 300, never)
    assert np.random.get_state()[1].tolist() == before


def test_a_mask_that_is_there_is_made_by_being_given() -> None:
    mask = torch.eye(3)
    assert Whole(mask).made().mask is mask
    assert Whole(mask).effect() is None


def test_large_tensors_in_the_usual_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    torch.manual_seed(0)
    model, twin = nn.Linear(700, 900), nn.Linear(700, 900)
    twin.load_state_dict(model.state_dict())
    session = Session(model)
    for amount in (0.3, 0.5, 1000):
        session.apply("l1_unstructured", "weight", amount=amount)
        prune.l1_unstructured(twin, "weight", amount=amount)
        like_torch(model, twin)
    session.apply("global_unstructured", ["weight", "bias"], amount=0.2)
    prune.global_unstructured([(twin, "weight"), (twin, "bias")], prune.L1Unstructured, amount=0.2)
    like_torch(model, twin)
    model(torch.ones(1, 700)).sum().backward()
    twin(torch.ones(1, 700)).sum().backward()
    assert torch.equal(model.weight_orig.grad, twin.weight_orig.grad)
    assert type(model.weight.grad_fn) is type(twin.weight.grad_fn)
