"""Methods that rank in ways torch has not, each against the same said plainly in `tests.engine.naive`."""

import math

import hypothesis.strategies as st
import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session, steps
from prune_tui.engine import planning
from prune_tui.engine.methods import layerwise, ranked_entries, ranking
from prune_tui.engine.methods.layerwise import Layer
from prune_tui.engine.targets import Seen
from prune_tui.step_settings import StepError
from tests.engine import naive
from tests.engine.fingerprints import fingerprint
from tests.engine.test_journaling import journaled, resumed

WEIGHTS = ["0.weight", "1.weight", "2.weight"]
DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
ODD = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 1e-30, math.inf, -math.inf, math.nan]


def network(dtype=torch.float32, odd=False):
    """A convolution and two linear layers; odd ones hold ties, zeros, infinities and NaN."""
    generator = torch.Generator().manual_seed(3)
    model = nn.Sequential(nn.Conv2d(2, 3, 2), nn.Linear(8, 4), nn.Linear(4, 3))
    for number, parameter in enumerate(model.parameters()):
        values = torch.randn(parameter.shape, generator=generator) * (number + 1)
        if odd:
            values = torch.tensor(ODD)[torch.randint(len(ODD), parameter.shape, generator=generator)]
        parameter.data = values
    return model.to(dtype)


def seen(model):
    return [naive.seen(*(model.get_submodule(path.split(".")[0]), "weight")) for path in WEIGHTS]


def kept(model):
    return [model[number].weight_mask for number in range(3)]


def check(model, method, naively, **settings):
    """Preview, apply and undo a step twice, each time compared."""
    session = Session(model)
    for _ in range(2):
        before = fingerprint(model)
        expected = naively(seen(model), **settings)
        told = session.preview(method, WEIGHTS, **settings)
        entry = session.apply(method, WEIGHTS, **settings)
        assert [effect.took for effect in told.effects] == list(entry.took.values())
        for mask, one in zip(kept(model), expected, strict=True):
            assert torch.equal(mask, one if naively.__name__ not in naive.BY_L1 else mask)
            assert mask.dtype is model[0].weight.dtype
            assert int(mask.sum()) == int(one.sum())
        session.undo()
        assert fingerprint(model) == before
        session.redo()
    return session


@pytest.mark.parametrize("floor", [0.0, 0.3])
@pytest.mark.parametrize("odd", [False, True], ids=["plain", "odd"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("amount", [0.0, 5, 0.35])
def test_lamp(dtype, odd, amount, floor):
    check(network(dtype, odd), "lamp", naive.lamp, amount=amount, floor=floor)


def test_lamp_never_takes_all_of_a_tensor_while_another_has_more():
    model = network()
    Session(model).apply("lamp", WEIGHTS, amount=24 + 32 + 12 - 3)
    assert [int(mask.sum()) for mask in kept(model)] == [1, 1, 1]  # the largest of each has score 1


@pytest.mark.parametrize("floor", [0.0, 0.3])
@pytest.mark.parametrize("odd", [False, True], ids=["plain", "odd"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("n", "dim"), [(2, 0), (1, 1), (math.inf, 0), (-math.inf, -1), (0.5, 0), (3, 1)])
def test_global_structured(dtype, odd, n, dim, floor):
    check(network(dtype, odd), "global_structured", naive.global_structured, amount=0.3, n=n, dim=dim, floor=floor)


def test_channels_of_different_size_compare():
    model = nn.Sequential(nn.Linear(100, 1, bias=False), nn.Linear(2, 2, bias=False))
    model[0].weight.data.fill_(0.5)
    model[1].weight.data = torch.tensor([[1.0, 1.0], [0.4, 0.4]])
    session = Session(model)
    (first, second) = session.preview("global_structured", ["0.weight", "1.weight"], amount=1).effects
    assert (first.units_took, first.units_left, first.units) == (0, 1, "channels")
    assert (second.units_took, second.units_left, second.took) == (1, 2, 2)


@pytest.mark.parametrize("pruning_method", ["L1Unstructured", "RandomUnstructured"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_global_step_with_a_floor(dtype, pruning_method):
    model = network(dtype)
    session = Session(model)
    settings = {"amount": 0.6, "pruning_method": pruning_method, "floor": 0.35}
    plan = session.preview("global_unstructured", WEIGHTS, **settings)
    with torch.random.fork_rng():
        torch.manual_seed(plan.step.seed or 0)
        expected = naive.global_unstructured(seen(model), **settings)
    entry = session.apply("global_unstructured", WEIGHTS, **settings)
    assert all(map(torch.equal, kept(model), expected))
    assert sum(entry.took.values()) == round(0.6 * 68)
    for mask in kept(model):
        assert int(mask.sum()) >= 0.35 * mask.numel()
    (hook,) = model[0]._forward_pre_hooks.values()
    assert type(hook) is prune.CustomFromMask
    shown = f"global_unstructured(amount=0.6, pruning_method={pruning_method}, floor=0.35)"
    assert session.recorded()[hook].settings == shown


def test_a_floor_of_nothing_is_torchs_own_choice():
    model, twin = network(odd=True), network(odd=True)
    Session(model).apply("global_unstructured", WEIGHTS, amount=0.4, floor=0)
    prune.global_unstructured([(layer, "weight") for layer in twin], prune.L1Unstructured, amount=0.4)
    assert all(map(torch.equal, kept(model), kept(twin)))


@pytest.mark.parametrize("floor", [0.0, 0.3])
@pytest.mark.parametrize("odd", [False, True], ids=["plain", "odd"])
@pytest.mark.parametrize("method", ["uniform_plus", "erdos_renyi_kernel"])
def test_layerwise_amounts(method, odd, floor):
    session = check(network(odd=odd), method, getattr(naive, method), amount=0.2, floor=floor)
    (hook,) = session.model[1]._forward_pre_hooks.values()
    assert [type(one) for one in hook] == [prune.L1Unstructured] * 2
    shown = f"{method}(amount=0.2{', floor=0.3' if floor else ''})"
    assert [session.recorded()[one].settings for one in hook] == [shown] * 2


def test_uniform_plus_spares_the_first_convolution_and_a_fifth_of_the_last_linear_layer():
    model = network()
    session = Session(model)
    most = 32 + (12 - 3)
    session.apply("uniform_plus", WEIGHTS, amount=most)
    assert [int(mask.sum()) for mask in kept(model)] == [24, 0, 3]
    session.undo()
    with pytest.raises(StepError, match=r"amount 42 takes 42 of 68 entries; uniform_plus lets 41 go. Lower"):
        session.apply("uniform_plus", WEIGHTS, amount=most + 1)


def rigl_densities(shapes, density):
    """As in the code of RigL: layers that would need a density above 1 are made dense, one by one."""
    dense = set()
    while True:
        free = [number for number in range(len(shapes)) if number not in dense]
        raw = {number: sum(shapes[number]) / math.prod(shapes[number]) for number in free}
        rhs = density * sum(math.prod(shape) for shape in shapes) - sum(math.prod(shapes[n]) for n in dense)
        scale = rhs / sum(raw[number] * math.prod(shapes[number]) for number in free)
        largest = max(raw.values())
        if scale * largest <= 1:
            return [1.0 if number in dense else scale * raw[number] for number in range(len(shapes))]
        dense |= {number for number in free if raw[number] == largest}


@pytest.mark.parametrize("density", [0.02, 0.1, 0.3, 0.5, 0.9])
def test_erdos_renyi_kernel_is_that_of_rigl(density):
    shapes = [(6, 1, 3, 3), (16, 6, 3, 3), (120, 400), (84, 120), (10, 84)]
    sizes = list(map(math.prod, shapes))
    layers = [Layer(sum(shape), 0, size) for shape, size in zip(shapes, sizes, strict=True)]
    found = layerwise.kept_by_each(layers, round(density * sum(sizes)))
    expected = [own * size for own, size in zip(rigl_densities(shapes, density), sizes, strict=True)]
    assert sum(found) == round(density * sum(sizes))
    assert all(abs(one - other) <= 1 for one, other in zip(found, expected, strict=True))


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=6),
    st.floats(0, 1),
)
def test_a_share_out_keeps_its_bounds_and_its_sum(numbers, share):
    layers = [Layer(weight, min(least, left), left) for weight, least, left in numbers]
    least, left = sum(layer.least for layer in layers), sum(layer.left for layer in layers)
    total = least + round(share * (left - least))
    if not any(layer.weight for layer in layers):
        return
    layers = [layer._replace(weight=max(1, layer.weight)) for layer in layers]
    found = layerwise.kept_by_each(layers, total)
    assert sum(found) == total
    assert all(layer.least <= one <= layer.left for layer, one in zip(layers, found, strict=True))


# Scores from a file


@pytest.fixture
def scores():
    generator = torch.Generator().manual_seed(5)
    return {path: torch.rand(shape, generator=generator) for path, shape in shapes().items()}


def shapes():
    model = network()
    return {path: model.get_parameter(path).shape for path in WEIGHTS}


@pytest.fixture(params=["pt", "npz", "safetensors"])
def file(request, scores, tmp_path):
    path = tmp_path / f"scores.{request.param}"
    if request.param == "pt":
        torch.save(scores, path)
    elif request.param == "npz":
        np.savez(path, **{name: one.numpy() for name, one in scores.items()})
    else:
        save_file(scores, path)
    return str(path)


def test_scores_of_a_file_in_each_tensor_are_torchs_importance_scores(file, scores):
    model, twin = network(), network()
    session = Session(model)
    for amount in (0.25, 2):
        session.apply("importance_scores", WEIGHTS, file=file, amount=amount)
        for layer, path in zip(twin, WEIGHTS, strict=True):
            prune.l1_unstructured(layer, "weight", amount=amount, importance_scores=scores[path])
    assert all(map(torch.equal, kept(model), kept(twin)))


def test_scores_of_a_file_across_all_are_torchs_importance_scores(file, scores):
    model, twin = network(), network()
    Session(model).apply("importance_scores", WEIGHTS, file=file, amount=0.5, scope="global")
    prune.global_unstructured(
        [(layer, "weight") for layer in twin],
        prune.L1Unstructured,
        {(layer, "weight"): scores[path] for layer, path in zip(twin, WEIGHTS, strict=True)},
        amount=0.5,
    )
    assert all(map(torch.equal, kept(model), kept(twin)))


def test_scores_count_by_sign_and_nan_stays(tmp_path):
    model = nn.Linear(6, 1)
    torch.save({"weight": torch.tensor([[1, -5.0, torch.nan, -torch.inf, 0.0, -0.0]])}, tmp_path / "s.pt")
    Session(model).apply("importance_scores", "weight", file=str(tmp_path / "s.pt"), amount=3)
    assert model.weight_mask.tolist() == [[1, 0, 1, 0, 0, 1]]


def test_whole_numbers_are_scores_too(tmp_path):
    model = nn.Linear(3, 1)
    torch.save(torch.tensor([[2**53 + 1, 3, 2]]), tmp_path / "s.pt")
    Session(model).apply("importance_scores", "weight", file=str(tmp_path / "s.pt"), amount=1)
    assert model.weight_mask.tolist() == [[1, 1, 0]]


def test_scores_that_changed_are_read_again(tmp_path):
    file = tmp_path / "s.npy"
    session = Session(nn.Linear(2, 1))
    np.save(file, np.array([[1.0, 2.0]]))
    assert session.preview("importance_scores", "weight", file=str(file), amount=1).effects[0].took == 1
    np.save(file, np.array([[2.0, 1.0, 3.0]]))
    with pytest.raises(StepError, match=r"the score tensor in .*s.npy is 1×3; weight is 1×2: they must"):
        session.apply("importance_scores", "weight", file=str(file), amount=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "importance_scores needs file: A .pt, .npy, .npz or .safetensors file with a score for each entry"),
        ({"file": "none.pt"}, "there is no file none.pt"),
        ({"file": "s.txt"}, "s.txt is no file of tensors that is read here"),
    ],
)
def test_scores_that_cannot_be_read(settings, message):
    with pytest.raises(StepError, match=message):
        Session(network()).apply("importance_scores", WEIGHTS, amount=1, **settings)


# Refusals


@pytest.mark.parametrize(
    ("method", "settings", "message"),
    [
        ("lamp", {"amount": 69}, "0.weight, 1.weight and 1 more: 68 entries left; amount 69 asks for more"),
        ("lamp", {"amount": 0.9, "floor": 0.2}, "takes 61 entries; a floor of 0.2 lets 53 go. Lower one of them"),
        ("global_structured", {"amount": 11}, "10 channels left; amount 11 asks for more"),
        ("global_structured", {"amount": 1, "n": 0}, "n is 0; channels of different size compare by a number"),
        ("global_structured", {"amount": 1, "n": "fro"}, "n is fro; channels of different size"),
        ("global_structured", {"amount": 1, "dim": 2}, "1.weight is 4×8; it has no axis 2, choose 0 to 1"),
        ("erdos_renyi_kernel", {"amount": 69}, "68 entries left; amount 69 asks for more"),
        ("erdos_renyi_kernel", {"amount": 1.0, "floor": 0.5}, "erdos_renyi_kernel with a floor of 0.5 lets 34 go"),
        ("global_unstructured", {"amount": 1.0, "floor": 0.5}, "takes 68 entries; a floor of 0.5 lets 34 go"),
        ("lamp", {"amount": 0.1, "floor": 1.0}, "floor is 1.0; it must be at least 0.0 and less than 1.0"),
    ],
)
def test_what_asks_for_too_much_says_so(method, settings, message):
    with pytest.raises(StepError, match=message):
        Session(network()).apply(method, WEIGHTS, **settings)


def test_biases_have_no_channels():
    with pytest.raises(StepError, match=r"0\.bias is 1-D; channels need two axes or more"):
        Session(network()).apply("global_structured", ["0.bias"], amount=1)


@given(st.lists(st.floats(width=32), min_size=1, max_size=20))
def test_scores_as_integers_sort_as_they_do(numbers):
    for dtype in (torch.float32, torch.float64):
        words = ranking.ordered(torch.tensor(numbers, dtype=dtype)).tolist()
        by_word = sorted(range(len(numbers)), key=lambda index: words[index])
        assert by_word == sorted(range(len(numbers)), key=lambda index: naive.rank(numbers[index]))


@pytest.mark.parametrize("method", ["lamp", "l1_unstructured", "importance_scores"])
def test_what_a_mask_scales_is_not_ranked_and_stays(method, tmp_path):
    model = nn.Linear(4, 4)
    mask = torch.ones(4, 4)
    mask[0] = 0.5
    prune.custom_from_mask(model, "weight", mask)
    torch.save(torch.arange(16.0).view(4, 4), tmp_path / "s.pt")
    settings = {"file": str(tmp_path / "s.pt")} if method == "importance_scores" else {}
    session = Session(model)
    told = session.preview(method, "weight", amount=1, **settings)
    assert session.apply(method, "weight", amount=1, **settings).took == {"weight": 1}
    assert told.effects[0].took == 1
    assert model.weight_mask[0].tolist() == [0.5] * 4
    assert int((model.weight_mask == 1).sum()) == 11


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("lamp", {}),
        ("global_unstructured", {"floor": 0.1}),
        ("identity", {}),
        ("l1_unstructured", {}),
        ("random_unstructured", {}),
        ("uniform_plus", {}),
        ("erdos_renyi_kernel", {}),
    ],
)
def test_what_torch_cannot_mask_is_refused_in_the_preview(method, settings):
    model = nn.Module()
    model.scalar = nn.Parameter(torch.tensor(1.0).to(torch.float8_e4m3fn), requires_grad=False)
    amount = {} if method == "identity" else {"amount": 1}
    with pytest.raises(StepError, match="scalar: torch refuses with NotImplementedError"):
        Session(model).preview(method, "scalar", **amount, **settings)


def test_floors_are_exact():
    assert ranking.floor_of(0.07, 100) == 7  # 0.07 * 100 is 7.000000000000001
    session = Session(nn.Linear(100, 1))
    for method in ("lamp", "erdos_renyi_kernel"):
        assert session.preview(method, "weight", amount=93, floor=0.07).effects[0].took == 93


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_long_runs_of_equal_sizes_have_one_score(dtype, monkeypatch):
    monkeypatch.setattr(ranked_entries, "_PIECE", 3)
    model = nn.Linear(20, 1).to(dtype)
    model.weight.data = torch.tensor([[2.0] * 7 + [1.0] * 8 + [0.0] * 2 + [math.inf, math.nan, 3.0]], dtype=dtype)
    (tensor,) = [naive.seen(model, "weight")]
    (expected,) = naive.lamp([tensor], 9)
    Session(model).apply("lamp", "weight", amount=9)
    assert torch.equal(model.weight_mask, expected)
    seen = Seen("weight", "weight", model.weight_orig.detach(), None)
    scores = ranked_entries.lamp_scores(seen, torch.ones(1, 20, dtype=torch.bool))
    assert scores[:7].unique().numel() == scores[7:15].unique().numel() == 1
    assert scores[0].item() == pytest.approx(4 / (9 + 7 * 4))
    assert scores[7].item() == pytest.approx(1 / (9 + 7 * 4 + 8))


@pytest.mark.parametrize("method", ["uniform_plus", "erdos_renyi_kernel"])
def test_ties_may_be_left_to_the_order_of_entries(method):
    model = nn.Linear(10, 1)
    nn.init.ones_(model.weight)
    entry = Session(model).apply(method, "weight", amount=3, ties="index")
    assert model.weight_mask.tolist() == [[0] * 3 + [1] * 7]
    assert entry.settings == {"amount": 3, "ties": "index"}


@pytest.mark.parametrize("amount", [0.5, 3, "to 70%"])
@pytest.mark.parametrize("scope", ["tensor", "global"])
def test_scores_are_not_needed_a_second_time(scores, tmp_path, amount, scope):
    file = tmp_path / "scores.pt"
    torch.save(scores, file)
    model, twin = network(), network()
    given = {"amount": amount, "file": str(file), "scope": scope}
    step = planning.plan(model, steps.build("importance_scores", WEIGHTS, given), 0).step
    assert [mask.shape for mask in step.mask] == list(shapes().values())
    file.unlink()
    again = planning.plan(twin, step, 0)
    assert again.step == step
    other = steps.afresh(step, targets=WEIGHTS[:1])
    for changed in (other, steps.with_amount(step, 0.25)):
        with pytest.raises(StepError, match="there is no file"):
            planning.plan(twin, changed, 0)


def test_a_mask_of_scores_for_another_amount_or_other_targets_is_not_taken(scores, tmp_path):
    file = tmp_path / "scores.pt"
    torch.save(scores, file)
    given = {"amount": 0.5, "file": str(file)}
    step = planning.plan(network(), steps.build("importance_scores", WEIGHTS, given), 0).step
    edited = msgspec.structs.replace(step, amount=0.25)  # as by hand, in a recipe
    fewer = msgspec.structs.replace(step, targets=tuple(WEIGHTS[:2]))
    for changed in (edited, fewer):
        found = planning.plan(network(), changed, 0)
        assert steps.same(found.step, planning.plan(network(), steps.afresh(changed), 0).step)


def test_a_session_goes_on_without_the_file_of_its_scores(scores, tmp_path):
    file, path = tmp_path / "scores.pt", tmp_path / "a.journal"
    torch.save(scores, file)
    session = journaled(path, network())
    session.apply("importance_scores", WEIGHTS, file=str(file), amount=0.25)
    session.amend(0.5)
    session.recorder.__self__.close()
    file.unlink()
    again, notes = resumed(path, model=network())
    assert notes == ()
    assert again.history == session.history
    assert all(map(torch.equal, kept(again.model), kept(session.model)))
