"""Every repair mends what it was offered for, leaves the forward alone, and is taken back exactly."""

import msgspec
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session, steps
from prune_tui.engine.doctor import CHECKS, examine
from prune_tui.step_settings import StepError
from prune_tui.steps import METHODS, AnyStep
from tests.engine.doctor.ailing import (
    AILING,
    MENDED,
    half_pruned,
    linear,
    one_side,
    poisoned,
    pruned,
    scaled,
    two_hooks,
)
from tests.engine.fingerprints import exact, fingerprint
from tests.engine.test_commit import FaultError, explode_everywhere

CASES = pytest.mark.parametrize(
    ("name", "make"),
    [(name, make) for name, models in MENDED.items() for make in models],
    ids=lambda value: getattr(value, "__name__", value),
)


def the_repair(model, name):
    (step,) = [one.repair for one in examine(model).findings if one.check == name]
    return step


def seeded(make):
    torch.manual_seed(0)
    return make()


def named(model):
    return {one.check for one in examine(model).findings}


def comparable(model):
    """A fingerprint, where torch can tell one of a lazy parameter."""
    return fingerprint(model) if not has_lazy(model) else list(model.state_dict())


def has_lazy(model):
    return any(isinstance(one, nn.UninitializedParameter) for one in model.parameters())


@CASES
def test_what_is_offered_mends_and_is_taken_back_exactly(name, make):
    model = make()
    found, before = examine(model), comparable(model)
    step = the_repair(model, name)
    session = Session(model)
    session.apply(steps.method_of(step).name, step.targets)
    assert name not in named(model)
    after = comparable(model)
    for _ in range(2):
        session.undo()
        assert comparable(model) == before
        assert examine(model) == found
        session.redo()
        assert comparable(model) == after
    session.undo()
    assert comparable(model) == before


@CASES
def test_the_preview_changes_nothing_and_says_what_the_repair_does(name, make):
    model = make()
    step, session, before = the_repair(model, name), Session(model), None if name == "lost" else exact(model)
    told = session.preview(steps.method_of(step).name, step.targets)
    assert name == "lost" or exact(model) == before
    entry = session.apply(steps.method_of(step).name, step.targets)
    assert entry.took == {effect.target: effect.took for effect in told.effects}


@CASES
def test_a_repair_travels_and_does_the_same_to_a_fresh_copy(name, make):
    model, twin = seeded(make), seeded(make)
    step = the_repair(model, name)
    sent = msgspec.msgpack.decode(msgspec.msgpack.encode(step), type=AnyStep)
    Session(model).do(step)
    Session(twin).do(sent)
    if not has_lazy(model):
        ours, theirs = model.state_dict(), twin.state_dict()
        assert list(ours) == list(theirs)
        assert all(torch.equal(ours[key].nan_to_num(), theirs[key].nan_to_num()) for key in ours)


KEEPS_THE_FORWARD = ["nested", "diverging-masks", "scaled", "several-hooks", "idle"]


@pytest.mark.parametrize("name", KEEPS_THE_FORWARD)
def test_the_forward_is_as_it_was(name):
    model = MENDED[name][0]()
    given = torch.tensor([1, 3]) if name == "diverging-masks" else torch.randn(2, 4)
    model(given)  # what is nested lags one forward behind
    before = model(given)
    step = the_repair(model, name)
    Session(model).do(step)
    if name == "diverging-masks":  # the embedding is masked now, and the head as before
        hidden = torch.randn(2, 4)
        assert torch.equal(model.head(hidden), nn.functional.linear(hidden, model.head.weight, model.head.bias))
    else:
        assert torch.equal(model(given), before)


def test_every_repair_of_the_catalogue_is_offered_by_a_check():
    offered = {check.repair for check in CHECKS if check.repair is not None}
    assert {method.step for method in METHODS if method.repair} <= offered
    assert offered <= {method.step for method in METHODS if method.repair} | {steps.Remove}
    assert {check.name for check in CHECKS if check.repair is not None} == set(MENDED)


# ---------------------------------------------------------------- each by itself


def test_reattach_makes_what_custom_from_mask_would():
    model = half_pruned()
    mask = model.weight_mask.clone()
    Session(model).apply("reattach", "weight")
    (hook,) = model._forward_pre_hooks.values()
    assert type(hook) is prune.CustomFromMask
    assert list(model.state_dict()) == ["bias", "weight_orig", "weight_mask"]
    assert torch.equal(model.weight, model.weight_orig * mask)
    assert prune.is_pruned(model)
    prune.l1_unstructured(model, "weight", amount=1)  # torch goes on from there
    prune.remove(model, "weight")


def test_the_history_of_the_tensor_knows_the_step_that_reattached():
    session = Session(half_pruned())
    session.apply("reattach", "weight")
    (row,) = session.recorded().values()
    assert (row.method, row.step, row.took) == ("CustomFromMask", 1, 3)


def test_an_attribute_that_was_stale_is_stale_again_after_undo():
    model = AILING["stale"][0]()
    stale = model.weight
    session = Session(model)
    session.apply("refresh", "weight")
    assert model.weight is not stale
    session.undo()
    assert model.weight is stale


def test_the_scale_of_a_mask_goes_into_the_values():
    model = scaled()
    values, mask = model.weight_orig.detach().clone(), model.weight_mask.clone()
    Session(model).apply("binarise", "weight")
    assert torch.equal(model.weight_mask, (mask != 0).float())
    assert torch.equal(model.weight_orig, torch.where(mask == 0, values, values * mask))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.complex64], ids=str)
def test_scales_and_poison_in_other_dtypes(dtype):
    module = nn.Module()
    module.weight = nn.Parameter(torch.tensor([[1.0, 2.0], [torch.nan, 4.0]]).to(dtype))
    prune.custom_from_mask(module, "weight", torch.tensor([[0.5, 1.0], [0.0, 2.0]]))
    before, session = fingerprint(module), Session(module)
    session.apply("clean_masked", "weight")
    session.apply("binarise", "weight")
    assert torch.equal(module.weight, torch.tensor([[0.5, 2.0], [0.0, 8.0]]).to(dtype))
    assert named(module).isdisjoint({"scaled", "poisoned"})
    session.undo()
    session.undo()
    assert fingerprint(module) == before


def test_unite_masks_both_places_alike_and_counts_each():
    model = one_side()
    entry = Session(model).apply("unite", ["embedding.weight", "head.weight"])
    assert entry.took == {"embedding.weight": 5, "head.weight": 0}
    assert torch.equal(model.embedding.weight_mask, model.head.weight_mask)
    assert model.embedding.weight_orig is model.head.weight_orig


def test_the_hook_with_the_longest_history_stays():
    model = two_hooks()
    Session(model).apply("drop_hooks", "weight")
    (hook,) = model._forward_pre_hooks.values()
    assert isinstance(hook, prune.PruningContainer)


def test_a_repair_is_followed_by_ordinary_steps_and_all_of_it_comes_back():
    model = half_pruned()
    before, session = fingerprint(model), Session(model)
    session.apply("reattach", "weight")
    session.apply("l1_unstructured", "weight", amount=2)
    session.apply("remove", "weight")
    for _ in range(3):
        session.undo()
    assert fingerprint(model) == before
    for _ in range(3):
        session.redo()
    assert int((model.weight == 0).sum()) == 5


def test_an_orphaned_mask_that_is_not_saved_stays_so():
    model = half_pruned()
    model._non_persistent_buffers_set.add("weight_mask")
    before, session = fingerprint(model), Session(model)
    session.apply("reattach", "weight")
    session.undo()
    assert fingerprint(model) == before


def shared_memory():
    model = nn.Sequential(poisoned(), linear())
    model[1].weight.data = model[0].weight_orig.data
    return model


def buffer_over(make):
    model = make()
    model.register_buffer("view", model.weight_orig.data.view(-1))
    return model


@pytest.mark.parametrize(
    ("make", "method", "targets", "message"),
    [
        (pruned, "reattach", "weight", "weight is not half pruned; a hook is attached again where one is missing"),
        (pruned, "restore", "weight", "weight has not lost its name"),
        (pruned, "drop_hooks", "weight", "weight has no pruning hook that does no work"),
        (pruned, "drop_hooks", "", "the model has no pruning hook that does no work"),
        (pruned, "hook_first", "weight", "the pruning hook of weight is called first already"),
        (pruned, "refresh", "weight", "weight is orig × mask already; there is nothing to refresh"),
        (linear, "refresh", "weight", "weight is not pruned; there is nothing to mend in its mask"),
        (pruned, "binarise", "weight", "the mask of weight holds zeros and ones already"),
        (pruned, "clean_masked", "weight", "weight has no NaN or infinity under its mask"),
        (pruned, "unite", "weight", "unite needs two names or more of one and the same parameter"),
        (pruned, "unite", ["weight", "bias"], "unite needs two names or more of one and the same parameter"),
        (pruned, "refresh", "nowhere.weight", "nowhere.weight: Linear has no module 'nowhere'"),
        (shared_memory, "clean_masked", "0.weight", "0.weight shares its memory with 1.weight; another mask may"),
        (
            lambda: buffer_over(poisoned),
            "clean_masked",
            "weight",
            "weight shares its memory with view; another mask",
        ),
        (
            lambda: buffer_over(scaled),
            "binarise",
            "weight",
            "weight shares its memory with view; its values would",
        ),
        (AILING["misfit"][0], "refresh", "weight", "weight: its mask does not fit the values behind it"),
        (AILING["shadowed"][0], "refresh", "weight", "weight was assigned a new Parameter; delete that first"),
    ],
)
def test_where_there_is_nothing_to_mend_it_says_so_and_changes_nothing(make, method, targets, message):
    model = make()
    before = exact(model)
    with pytest.raises(StepError) as raised:
        Session(model).apply(method, targets)
    assert str(raised.value).startswith(message)
    assert exact(model) == before


def test_a_repair_that_cannot_be_done_is_not_offered():
    (finding,) = [one for one in examine(shared_memory()).findings if one.check == "poisoned"]
    assert (finding.repair, finding.change) == (None, "")


def test_a_mask_of_nan_cannot_be_made_binary():
    module = linear()
    prune.custom_from_mask(module, "weight", torch.full((3, 4), torch.nan))
    with pytest.raises(StepError, match="holds NaN or infinity; no values can stand for that"):
        Session(module).apply("binarise", "weight")


@pytest.mark.parametrize("error", [FaultError("out of luck"), KeyboardInterrupt(), MemoryError()], ids=repr)
@pytest.mark.parametrize(
    ("name", "make"),
    [("half-pruned", half_pruned), ("poisoned", poisoned), ("scaled", scaled), ("diverging-masks", one_side)],
)
@pytest.mark.parametrize("way", ["do", "undo", "redo"])
def test_a_repair_its_undo_and_its_redo_are_all_or_nothing(monkeypatch, error, name, make, way):
    step = the_repair(make(), name)

    def begin():
        session = Session(make())
        for turn in {"do": (), "undo": ("do",), "redo": ("do", "undo")}[way]:
            act(session, turn)
        return session

    def act(session, turn=way):
        session.do(step) if turn == "do" else getattr(session, turn)()

    exploded = explode_everywhere(monkeypatch, begin, act, error, 20)
    assert exploded or (name, way) == ("half-pruned", "undo")  # which puts back what it kept, and calls nothing


def test_the_public_api_lists_what_can_be_repaired():
    session = Session(half_pruned())
    for finding in session.check():
        if finding.repair is not None:
            session.apply(steps.method_of(finding.repair).name, finding.repair.targets)
    assert {finding.severity for finding in session.check()} == {"note"}
