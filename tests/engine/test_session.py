import copy
import io
import threading

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session
from prune_tui.demo.lenet import LeNet
from prune_tui.engine import commit, planning
from prune_tui.engine.selection import search
from prune_tui.engine.wrapped import WrappedModelError
from prune_tui.step_settings import StepError
from prune_tui.steps import L1Unstructured
from tests.engine.fingerprints import Tied, bits, by_torch, exact, fingerprint, like_torch, masks

WEIGHTS = ["conv1.weight", "conv2.weight", "fc1.weight", "fc2.weight", "fc3.weight"]


def lenet():
    torch.manual_seed(7)
    return LeNet()


def saved(model):
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    return file.getvalue()


def test_the_tutorials_walk_is_torchs_own_and_can_be_taken_back():
    model, twin = lenet(), lenet()
    before, bytes_before = fingerprint(model), saved(model)
    session = Session(model, seed=3)

    random = session.apply("random_unstructured", "conv1.weight", amount=0.3)
    torch.manual_seed(random.seed)
    prune.random_unstructured(twin.conv1, "weight", amount=0.3)
    like_torch(model, twin)

    session.apply("l1_unstructured", "conv1.bias", amount=3)
    prune.l1_unstructured(twin.conv1, "bias", amount=3)
    like_torch(model, twin)

    session.apply("ln_structured", "conv1.weight", amount=0.5, n=2, dim=0)
    prune.ln_structured(twin.conv1, "weight", amount=0.5, n=2, dim=0)
    like_torch(model, twin)

    assert [name for name, _ in model.conv1.named_parameters()] == ["weight_orig", "bias_orig"]
    assert [name for name, _ in model.conv1.named_buffers()] == ["weight_mask", "bias_mask"]
    l1, container = model.conv1._forward_pre_hooks.values()
    assert (type(l1), type(container)) == (prune.L1Unstructured, prune.PruningContainer)
    assert [type(method) for method in container] == [prune.RandomUnstructured, prune.LnStructured]

    images = torch.randn(2, 1, 28, 28)
    assert torch.equal(model(images), twin(images))
    for _ in range(3):
        session.undo()
    torch.manual_seed(0)
    assert fingerprint(model)[:2] == before[:2]
    assert saved(model) == bytes_before


def test_what_was_done_is_told():
    session = Session(lenet())
    entry = session.apply("random_unstructured", "conv1.weight", amount=0.3)
    assert (entry.method, entry.targets, entry.settings) == (
        "random_unstructured",
        ("conv1.weight",),
        {"amount": 0.3},
    )
    assert entry.took == {"conv1.weight": 16}
    assert isinstance(entry.seed, int)
    session.apply("ln_structured", ["conv1.weight"], amount=1, n=float("inf"), dim=1)
    assert [entry.method for entry in session.history] == ["random_unstructured", "ln_structured"]
    assert session.history[1].settings == {"amount": 1, "n": float("inf"), "dim": 1}
    assert session.history[1].seed is None
    session.undo()
    assert session.history == (entry,)


def test_a_history_replayed_on_a_fresh_copy_gives_the_same_masks():
    session = Session(lenet(), seed=5)
    session.apply("random_unstructured", WEIGHTS, amount=0.2)
    session.apply("random_structured", "fc1.weight", amount=7, dim=1)
    session.apply("custom_from_mask", "fc3.bias", mask=torch.arange(10) % 2)
    session.apply("global_unstructured", WEIGHTS, amount=0.5)
    fresh = Session(lenet())
    for entry in session.history:
        seed = {} if entry.seed is None else {"seed": entry.seed}
        fresh.apply(entry.method, entry.targets, **entry.settings, **seed)
    assert saved(fresh.model) == saved(session.model)


@pytest.mark.parametrize("pruning_method", ["L1Unstructured", "RandomUnstructured"])
def test_a_global_step_over_all_weights(pruning_method):
    model, twin = lenet(), lenet()
    for path in ("conv1.weight", "fc2.weight"):
        Session(model).apply("l1_unstructured", path, amount=0.5)
        by_torch(twin, "l1_unstructured", [path], {"amount": 0.5})
    settings = {"amount": 0.4, "pruning_method": pruning_method}
    entry = Session(model).apply("global_unstructured", WEIGHTS, **settings)
    by_torch(twin, "global_unstructured", WEIGHTS, settings, entry.seed)
    like_torch(model, twin)
    assert sum(entry.took.values()) == sum(int((mask == 0).sum()) for mask in masks(model).values()) - 27 - round(
        0.5 * 120 * 84
    )


def test_each_share_of_a_global_mask_has_memory_of_its_own():
    session = Session(lenet())
    session.apply("global_unstructured", WEIGHTS, amount=0.4)
    (hook,) = session.model.conv1._forward_pre_hooks.values()
    assert hook.mask.untyped_storage().nbytes() == hook.mask.numel() * hook.mask.itemsize


def test_remove_writes_the_zeros_and_undo_brings_the_values_back():
    model, twin = lenet(), lenet()
    session = Session(model)
    session.apply("l1_unstructured", ["conv1.weight", "conv1.bias"], amount=3)
    by_torch(twin, "l1_unstructured", ["conv1.weight", "conv1.bias"], {"amount": 3})
    before = fingerprint(model)
    entry = session.apply("remove", ["conv1.weight", "conv1.bias"])
    by_torch(twin, "remove", ["conv1.weight", "conv1.bias"], {})
    like_torch(model, twin)
    assert entry.took == {"conv1.weight": 0, "conv1.bias": 0}
    after = fingerprint(model)
    session.undo()
    assert fingerprint(model) == before
    session.redo()
    assert fingerprint(model) == after


def test_nan_and_negative_zero_come_back_bit_by_bit():
    model = nn.Linear(4, 1, bias=False)
    model.weight.data = torch.tensor([[-0.0, 0.0, torch.nan, -torch.inf]])
    model.weight.data.view(torch.int32)[0, 2] = 0x7FC12345  # a NaN that carries a payload
    before = fingerprint(model)
    session = Session(model)
    session.apply("custom_from_mask", "weight", mask=torch.zeros(1, 4))
    session.apply("remove", "weight")
    session.undo()
    session.undo()
    assert fingerprint(model) == before


def test_redo_does_every_undone_step_again_exactly():
    session = Session(lenet(), seed=1)
    states = [fingerprint(session.model)]
    for method, settings in [
        ("random_unstructured", {"amount": 0.3}),
        ("l1_unstructured", {"amount": 5}),
        ("random_structured", {"amount": 1}),
        ("remove", {}),
        ("identity", {}),
    ]:
        session.apply(method, "conv2.weight", **settings)
        states.append(fingerprint(session.model))
    for _ in range(2):
        for state in reversed(states[:-1]):
            session.undo()
            assert fingerprint(session.model) == state
        for state in states[1:]:
            session.redo()
            assert fingerprint(session.model) == state


def test_a_new_step_drops_what_could_be_redone():
    session = Session(lenet())
    session.apply("l1_unstructured", "fc1.weight", amount=1)
    session.apply("l1_unstructured", "fc1.weight", amount=2)
    session.undo()
    session.apply("l1_unstructured", "fc1.weight", amount=3)
    assert [entry.settings["amount"] for entry in session.history] == [1, 3]
    with pytest.raises(StepError, match="nothing to redo"):
        session.redo()


def test_there_is_nothing_to_undo_at_first():
    with pytest.raises(StepError, match="nothing to undo"):
        Session(lenet()).undo()


def test_a_step_that_fails_keeps_what_could_be_redone():
    session = Session(lenet())
    session.apply("l1_unstructured", "fc1.weight", amount=1)
    session.undo()
    with pytest.raises(StepError):
        session.apply("l1_unstructured", "fc1.weight", amount=10**9)
    session.redo()
    assert len(session.history) == 1


def test_amending_replaces_the_last_step_with_the_same_seed():
    session, other = Session(lenet()), Session(lenet())
    first = session.apply("random_unstructured", "fc2.weight", amount=0.1)
    amended = session.amend(0.6)
    assert amended.step.seed == first.seed
    other.apply("random_unstructured", "fc2.weight", amount=0.6, seed=first.seed)
    assert saved(session.model) == saved(other.model)
    assert len(session.history) == 1
    session.undo()
    assert saved(session.model) == saved(lenet())


@pytest.mark.parametrize("amount", [10**9, -1, 1.5, True, float("nan")])
def test_amending_by_what_cannot_be_done_leaves_the_step_as_it_was(amount):
    session = Session(lenet())
    session.apply("l1_unstructured", "fc2.weight", amount=0.1)
    session.apply("l1_unstructured", "fc2.weight", amount=0.2)
    session.apply("identity", "fc3.weight")
    session.undo()
    before, log = fingerprint(session.model), session.log()
    with pytest.raises(StepError, match="amount"):
        session.amend(amount)
    assert fingerprint(session.model) == before
    assert session.log() == log


def test_only_a_step_with_an_amount_can_be_amended():
    session = Session(lenet())
    with pytest.raises(StepError, match="no step to amend"):
        session.amend(1)
    session.apply("identity", "fc2.weight")
    with pytest.raises(StepError, match="identity has no amount"):
        session.amend(1)


@pytest.mark.parametrize("method", ["random_unstructured", "random_structured", "l1_unstructured"])
def test_a_preview_tells_what_apply_then_does_and_changes_nothing(method):
    session = Session(lenet())
    session.apply("l1_unstructured", "fc2.weight", amount=0.3)
    before = exact(session.model)
    told = session.preview(method, ["fc1.weight", "fc2.weight"], amount=0.4)
    assert exact(session.model) == before
    assert session.preview(method, ["fc1.weight", "fc2.weight"], amount=0.4) == told
    entry = session.apply(method, ["fc1.weight", "fc2.weight"], amount=0.4)
    assert entry.took == {effect.target: effect.took for effect in told.effects}
    assert entry.seed == getattr(told.step, "seed", None)
    assert session.log()[-1].effects == told.effects


def test_random_seeds_go_by_place():
    first, second = Session(lenet(), seed=2), Session(lenet(), seed=2)
    first.preview("random_unstructured", "fc1.weight", amount=0.5)
    first.preview("random_unstructured", "fc2.weight", amount=0.5)
    a = first.apply("random_unstructured", "fc1.weight", amount=0.5)
    b = second.apply("random_unstructured", "fc1.weight", amount=0.5)
    assert a.seed == b.seed
    second.undo()
    assert second.apply("random_unstructured", "fc1.weight", amount=0.5).seed == a.seed
    assert second.apply("random_unstructured", "fc1.weight", amount=0.5).seed != a.seed
    assert Session(lenet(), seed=4).apply("random_unstructured", "fc1.weight", amount=0.5).seed != a.seed


def test_a_seed_of_ones_own_is_used():
    model, twin = lenet(), lenet()
    assert Session(model).apply("random_structured", "fc1.weight", amount=9, seed=2**63 - 1).seed == 2**63 - 1
    by_torch(twin, "random_structured", ["fc1.weight"], {"amount": 9, "dim": 0}, seed=2**63 - 1)
    like_torch(model, twin)


def test_the_generators_are_left_as_they_were():
    session = Session(lenet())
    torch.manual_seed(11)
    torch.randn(1)  # the CPU generator keeps the second normal number of a pair for later
    state = torch.get_rng_state()
    session.preview("random_unstructured", "fc1.weight", amount=0.5)
    session.apply("random_unstructured", "fc1.weight", amount=0.5)
    session.apply("random_structured", "fc1.weight", amount=3)
    session.undo()
    with pytest.raises(StepError):
        session.apply("random_structured", "fc1.weight", amount=10**6)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.initial_seed() == 11


def test_a_model_pruned_before_the_session():
    model, twin = lenet(), lenet()
    for one in (model, twin):
        prune.l1_unstructured(one.conv1, "weight", amount=9)
        prune.ln_structured(one.conv1, "weight", amount=1, n=1, dim=0)
    before = fingerprint(model)
    session = Session(model)
    session.apply("l1_unstructured", "conv1.weight", amount=0.5)
    by_torch(twin, "l1_unstructured", ["conv1.weight"], {"amount": 0.5})
    like_torch(model, twin)
    session.apply("remove", "conv1.weight")
    session.undo()
    session.undo()
    assert fingerprint(model) == before


def test_users_own_hooks_keep_their_order_and_are_never_called():
    def never(*_):
        raise AssertionError("called")

    def also_never(*_):
        raise AssertionError("called")

    never._tensor_name = "weight"  # an attribute that looks like a pruning hook's
    models = lenet(), lenet()
    for model in models:
        model.fc1.register_forward_pre_hook(never)
        prune.identity(model.fc1, "bias")
        model.fc1.register_forward_pre_hook(also_never)
    model, twin = models
    session = Session(model)
    for amount in (0.1, 0.2):
        session.apply("l1_unstructured", ["fc1.weight", "fc1.bias"], amount=amount)
        by_torch(twin, "l1_unstructured", ["fc1.weight", "fc1.bias"], {"amount": amount})
        like_torch(model, twin)
    session.undo()
    session.undo()
    assert list(model.fc1._forward_pre_hooks.values())[::2] == [never, also_never]


def test_undo_is_refused_when_a_stranger_changed_the_module_since():
    session = Session(lenet())
    session.apply("l1_unstructured", "fc1.weight", amount=0.3)
    handle = session.model.fc1.register_forward_pre_hook(lambda *_: None)
    before = exact(session.model)
    with pytest.raises(StepError, match="hooks or parameters of Linear changed outside the session"):
        session.undo()
    assert exact(session.model) == before
    assert len(session.history) == 1
    handle.remove()
    session.undo()
    assert saved(session.model) == saved(lenet())


def test_undo_is_refused_when_torch_itself_pruned_again():
    session = Session(lenet())
    session.apply("l1_unstructured", "fc1.weight", amount=0.3)
    session.apply("l1_unstructured", "fc1.weight", amount=0.3)
    prune.l1_unstructured(session.model.fc1, "weight", amount=0.3)
    with pytest.raises(StepError, match="outside the session"):
        session.undo()


def test_a_buffer_that_was_replaced_since_stays_replaced():
    model = nn.BatchNorm1d(4)
    session = Session(model)
    session.apply("l1_unstructured", "weight", amount=1)
    model.running_mean = torch.full((4,), 5.0)
    session.undo()
    assert model.running_mean.tolist() == [5.0] * 4


def test_a_tied_pair_is_pruned_once_by_its_first_name():
    model = Tied()
    session = Session(model)
    told = session.preview("l1_unstructured", ["head.weight", "embedding.weight"], amount=0.5)
    assert [effect.target for effect in told.effects] == ["head.weight"]
    assert told.notes == (
        "embedding.weight is the same tensor as head.weight: taken once, as head.weight",
        "head.weight is tied to embedding.weight, which stays unmasked until remove",
    )
    session.apply("l1_unstructured", ["head.weight", "embedding.weight"], amount=0.5)
    assert set(masks(model)) == {"head.weight_mask"}


def test_both_sides_of_a_tied_pair_are_removed_and_come_back():
    model, twin = Tied(), Tied()
    twin.load_state_dict(model.state_dict())
    session = Session(model)
    before = fingerprint(model)
    for path, amount in [("head.weight", 0.5), ("embedding.weight", 7)]:
        session.apply("l1_unstructured", path, amount=amount)
        by_torch(twin, "l1_unstructured", [path], {"amount": amount})
    pruned = fingerprint(model)
    session.apply("remove", ["head.weight", "embedding.weight"])
    by_torch(twin, "remove", ["head.weight", "embedding.weight"], {})
    like_torch(model, twin)
    assert model.head.weight is model.embedding.weight
    removed = fingerprint(model)
    session.undo()
    assert fingerprint(model) == pruned
    session.redo()
    assert fingerprint(model) == removed
    for _ in range(3):
        session.undo()
    assert fingerprint(model) == before


def test_a_shared_module_named_twice_is_pruned_once():
    block = nn.Linear(3, 3)
    session = Session(nn.ModuleDict({"a": block, "b": block}))
    told = session.preview("l1_unstructured", ["a.weight", "b.weight", "a.weight"], amount=4)
    assert told.notes == (
        "b.weight is the same tensor as a.weight: taken once, as a.weight",
        "a.weight is named twice: taken once",
    )
    session.apply("l1_unstructured", ["a.weight", "b.weight"], amount=4)
    assert int(block.weight_mask.sum()) == 5
    session.apply("remove", ["b.weight", "a.weight"])
    session.undo()
    assert int(block.weight_mask.sum()) == 5


def test_a_model_that_holds_itself_can_be_pruned():
    model = nn.Sequential(nn.Linear(2, 2))
    model[0].add_module("owner", model)
    session = Session(model)
    session.apply("l1_unstructured", "0.weight", amount=1)
    session.apply("remove", "0.weight")
    session.undo()
    session.undo()
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias"]


def test_what_a_session_leaves_runs_copies_saves_and_loads_without_it():
    session = Session(lenet())
    session.apply("l1_unstructured", WEIGHTS, amount=0.5)
    session.apply("ln_structured", "fc1.weight", amount=0.5, dim=0)
    session.apply("l1_unstructured", "fc1.bias", amount=3)
    session.apply("remove", "fc1.bias")
    images = torch.randn(1, 1, 28, 28)
    with torch.no_grad():
        expected = session.model(images)  # and now `weight` is a leaf, which deepcopy wants
        assert torch.equal(copy.deepcopy(session.model)(images), expected)
    fresh = lenet()
    for path in WEIGHTS:
        prune.identity(fresh.get_submodule(path.partition(".")[0]), "weight")
    fresh.load_state_dict(session.model.state_dict())
    assert torch.equal(fresh(images), expected)
    file = io.BytesIO()
    torch.save(session.model, file)
    file.seek(0)
    assert torch.equal(torch.load(file, weights_only=False)(images), expected)


def test_the_values_ranked_are_fresh_after_an_optimizers_step():
    model, twin = lenet(), lenet()
    session = Session(model)
    for one in (model, twin):
        Session(one).apply("identity", "fc3.weight")
        generator = torch.Generator().manual_seed(0)
        one.fc3.weight_orig.grad = torch.randn(10, 84, generator=generator)
        torch.optim.SGD([one.fc3.weight_orig], lr=1.0).step()
    session.apply("l1_unstructured", "fc3.weight", amount=0.5)
    twin.fc3.weight = twin.fc3.weight_mask * twin.fc3.weight_orig  # as a forward does
    by_torch(twin, "l1_unstructured", ["fc3.weight"], {"amount": 0.5})
    assert bits(model.fc3.weight_mask) == bits(twin.fc3.weight_mask)


@pytest.mark.parametrize(
    "train",
    [
        lambda model: model.fc3.weight.data.neg_().add_(1),
        lambda model: torch.optim.SGD(model.parameters(), lr=1.0).step(),
        lambda model: model.load_state_dict(LeNet().state_dict()),
        lambda model: setattr(model, "fc3", nn.Linear(84, 10)),
    ],
)
def test_a_preview_is_forgotten_when_the_model_is_trained_on(train):
    session = Session(lenet())
    session.model.fc3.weight.grad = torch.ones(10, 84) * torch.randn(10, 84)
    session.preview("l1_unstructured", "fc3.weight", amount=0.5)
    train(session.model)
    twin = nn.Linear(84, 10)
    twin.weight.data = session.model.fc3.weight.data.clone()
    session.apply("l1_unstructured", "fc3.weight", amount=0.5)
    prune.l1_unstructured(twin, "weight", amount=0.5)
    assert bits(session.model.fc3.weight_mask) == bits(twin.weight_mask)


def test_a_plan_is_kept_as_long_as_it_holds():
    session = Session(lenet())
    step = L1Unstructured(targets=("fc3.weight",), amount=0.5)
    plan = session.plan(step)
    assert session.plan(step) is plan
    with torch.no_grad():
        session.model.fc3.weight.add_(1)
    assert session.plan(step) is not plan
    prune.identity(session.model.fc3, "weight")
    assert session.plan(step).parts[0].target.mask is not None


def test_a_plan_into_which_an_edit_came_is_not_kept(monkeypatch):
    session = Session(lenet())
    began, go_on = threading.Event(), threading.Event()
    plan_of = planning.plan

    def slowly(*args, **settings):
        plan = plan_of(*args, **settings)
        if threading.current_thread() is not threading.main_thread():
            began.set()
            go_on.wait(10)
        return plan

    monkeypatch.setattr(planning, "plan", slowly)
    step = L1Unstructured(targets=("fc3.weight",), amount=100)
    refused = []

    def preview():
        try:
            session.plan(step)
        except StepError as error:
            refused.append(str(error))

    thread = threading.Thread(target=preview)
    thread.start()
    began.wait(10)
    session.apply("l1_unstructured", "fc3.weight", amount=101)
    go_on.set()
    thread.join(10)
    assert refused == ["the model changed while the step was worked out; ask again"]
    session.do(step)
    assert int((session.model.fc3.weight_mask == 0).sum()) == 201


def test_a_plan_into_which_a_failed_edit_came_is_made_anew(monkeypatch):
    session = Session(lenet())
    began, go_on = threading.Event(), threading.Event()
    plan_of, made, found = planning.plan, [], []

    def slowly(*args, **settings):
        plan = plan_of(*args, **settings)
        if threading.current_thread() is not threading.main_thread():
            made.append(plan)
            began.set()
            go_on.wait(10)
        return plan

    def fail(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(planning, "plan", slowly)
    step = L1Unstructured(targets=("fc3.weight",), amount=100)
    thread = threading.Thread(target=lambda: found.append(session.plan(step)))
    thread.start()
    began.wait(10)
    with monkeypatch.context() as patch:
        patch.setattr(commit, "carry_out", fail)
        with pytest.raises(KeyboardInterrupt):
            session.apply("l1_unstructured", "fc3.weight", amount=101)
    go_on.set()
    thread.join(10)
    assert session.revision == 0
    assert len(made) == 2
    assert found[0] is made[1] is session.plan(step)


def test_tensors_are_taken_hold_of_under_the_lock_and_worked_on_without_it(monkeypatch):
    session, ranked = Session(lenet()), search.ranked
    session.apply("identity", "fc3.weight")
    free = []

    def ask():
        with session.lock:
            free.append(True)

    def asking(*args):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join(10)
        session.model.fc3.weight_orig.data = torch.zeros(10, 84)
        return ranked(*args)

    monkeypatch.setattr(search, "ranked", asking)
    values = session.model.fc3.weight_orig.detach().clone()
    plan = session.plan(L1Unstructured(targets=("fc3.weight",), amount=100))
    assert free == [True]
    twin = nn.Linear(84, 10)
    twin.weight.data = values
    prune.l1_unstructured(twin, "weight", amount=100)
    assert torch.equal(plan.parts[0].planned.made().mask, twin.weight_mask)


def test_pruning_inside_inference_mode_does_not_poison_training():
    session = Session(lenet())
    with torch.inference_mode():
        session.apply("l1_unstructured", ["conv1.weight", "fc1.weight"], amount=0.5)
        session.apply("l1_unstructured", "fc1.weight", amount=0.5)
        session.apply("remove", "conv1.weight")
        session.undo()
        session.undo()
        session.redo()
    assert not any(mask.is_inference() for mask in masks(session.model).values())
    session.model(torch.randn(1, 1, 28, 28)).sum().backward()
    assert session.model.fc1.weight_orig.grad is not None
    session.undo()
    session.undo()
    session.model(torch.randn(1, 1, 28, 28)).sum().backward()


@pytest.mark.parametrize("enabled", [True, False])
def test_the_attribute_knows_autograd_as_torchs_would(enabled):
    model, twin = lenet(), lenet()
    session = Session(model)
    with torch.set_grad_enabled(enabled):
        session.apply("l1_unstructured", "fc1.weight", amount=0.5)
        by_torch(twin, "l1_unstructured", ["fc1.weight"], {"amount": 0.5})
        like_torch(model, twin)
        before = fingerprint(model)
        session.apply("l1_unstructured", "fc1.weight", amount=0.5)
    session.undo()
    assert fingerprint(model)[:2] == before[:2]


@pytest.mark.parametrize("method", ["l1_unstructured", "remove"])
@pytest.mark.parametrize("convert", [nn.Module.half, nn.Module.double, nn.Module.bfloat16])
def test_a_model_converted_between_a_step_and_its_undo(method, convert):
    model, twin = lenet(), lenet()
    session = Session(model)
    session.apply("l1_unstructured", "fc1.weight", amount=0.5)
    session.apply(method, "fc1.weight", **({"amount": 0.5} if method != "remove" else {}))
    convert(model)
    session.undo()
    by_torch(twin, "l1_unstructured", ["fc1.weight"], {"amount": 0.5})
    convert(twin)
    assert bits(model.fc1.weight_orig) == bits(twin.fc1.weight_orig)
    assert bits(model.fc1.weight_mask) == bits(twin.fc1.weight_mask)
    session.redo()
    session.undo()
    session.undo()
    assert saved(model) == saved(convert(lenet()))
    session.redo()
    assert bits(model.fc1.weight_mask) == bits(twin.fc1.weight_mask)


def test_training_after_remove_survives_its_undo():
    model = nn.Linear(4, 1, bias=False)
    model.weight.data = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    session = Session(model)
    session.apply("l1_unstructured", "weight", amount=2)
    session.apply("remove", "weight")
    with torch.no_grad():
        model.weight.add_(10)
    session.undo()
    assert model.weight_orig.tolist() == [[1.0, 2.0, 13.0, 14.0]]


def test_a_step_over_several_targets_is_all_or_nothing():
    session = Session(lenet())
    before = exact(session.model)
    with pytest.raises(StepError, match=r"fc3\.weight has 840 entries; amount 841 asks for more"):
        session.apply("l1_unstructured", ["fc1.weight", "fc3.weight"], amount=841)
    assert exact(session.model) == before
    assert session.history == ()


def test_what_a_session_recorded_goes_with_the_step():
    session = Session(lenet())
    session.apply("global_unstructured", ["fc1.weight", "fc2.weight"], amount=10)
    (hook,) = session.model.fc1._forward_pre_hooks.values()
    row = session.recorded()[hook]
    assert (row.method, row.settings, row.step) == (
        "CustomFromMask",
        "global_unstructured(amount=10, pruning_method=L1Unstructured)",
        1,
    )
    session.undo()
    session.apply("identity", "fc3.weight")
    assert hook not in session.recorded()


def test_what_was_alive_before_the_last_step_tells_what_it_took():
    session = Session(lenet())
    assert session.earlier.alive_before_last_step("fc3.weight") is None
    session.apply("l1_unstructured", "fc3.weight", amount=100)
    assert session.earlier.alive_before_last_step("fc3.weight").all()
    first = session.model.fc3.weight_mask.bool()
    session.apply("l1_unstructured", "fc3.weight", amount=7)
    assert torch.equal(session.earlier.alive_before_last_step("fc3.weight"), first)
    assert int((first & (session.model.fc3.weight_mask == 0)).sum()) == 7
    assert session.earlier.alive_before_last_step("fc2.weight") is None
    session.undo()
    assert session.earlier.alive_before_last_step("fc3.weight").all()


class DataParallel(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module


def test_a_wrapper_names_what_is_inside():
    inner = lenet()
    with pytest.raises(WrappedModelError, match=r"a DataParallel around a LeNet.*\(model\.module\)") as raised:
        Session(DataParallel(inner))
    assert raised.value.inner is inner
    with pytest.raises(WrappedModelError, match="_orig_mod"):
        Session(torch.compile(lenet()))


@pytest.mark.parametrize(("model", "message"), [(3, "int is not a torch.nn.Module"), (None, "ScriptModule")])
def test_what_cannot_be_pruned_as_a_whole(model, message):
    with pytest.raises(StepError, match=message):
        Session(torch.jit.script(nn.ReLU()) if model is None else model)


@pytest.mark.parametrize(
    ("method", "target", "settings", "message"),
    [
        (
            "l1_unstructured",
            "conv1.weight",
            {"amount": 60},
            "conv1.weight has 54 entries; amount 60 asks for more",
        ),
        (
            "ln_structured",
            "conv1.weight",
            {"amount": 7},
            "conv1.weight has 6 channels along axis 0; amount 7 asks for more",
        ),
        (
            "ln_structured",
            "conv1.weight",
            {"amount": 2, "dim": 1},
            "conv1.weight has 1 channel along axis 1; amount 2 asks for more",
        ),
        (
            "ln_structured",
            "conv1.weight",
            {"amount": 1, "dim": 4},
            "conv1.weight is 6×1×3×3; it has no axis 4, choose 0 to 3",
        ),
        (
            "random_structured",
            "conv1.bias",
            {"amount": 1},
            "conv1.bias is 1-D; channels need two axes or more."
            " Prune entries instead (random_unstructured, l1_unstructured)",
        ),
        ("ln_structured", "conv1.weight", {"amount": 1, "n": "fro"}, "conv1.weight is 4-D; n=fro is for 2-D and"),
        ("remove", "conv1.weight", {}, "conv1.weight is not pruned; there is nothing to remove"),
        ("global_unstructured", WEIGHTS, {"amount": 10**9}, "the 5 targets have 59838 entries left; amount"),
        ("global_unstructured", "conv1.bias", {"amount": 7}, "conv1.bias has 6 entries; amount 7 asks for more"),
        (
            "custom_from_mask",
            "conv1.weight",
            {"mask": torch.ones(6, 9)},
            "the mask is <6×9 mask>; conv1.weight is 6×1×3×3: they must be the same",
        ),
        (
            "custom_from_mask",
            "conv1.bias",
            {"mask": torch.full((6,), 0.5)},
            "mask holds other values than 0 and 1",
        ),
        (
            "custom_from_mask",
            "conv1.bias",
            {"mask": torch.ones(6, device="meta")},
            "mask cannot be read: on the meta",
        ),
    ],
)
def test_a_refusal_says_what_is_wrong_and_where(method, target, settings, message):
    session = Session(lenet())
    before = exact(session.model)
    with pytest.raises(StepError) as raised:
        session.apply(method, target, **settings)
    assert str(raised.value).startswith(message)
    assert exact(session.model) == before


def test_a_refusal_counts_what_is_left():
    session = Session(lenet())
    session.apply("ln_structured", "conv1.weight", amount=4)
    with pytest.raises(StepError, match=r"^conv1\.weight has 18 entries left of 54; amount 19 asks for more$"):
        session.apply("l1_unstructured", "conv1.weight", amount=19)
    with pytest.raises(
        StepError, match=r"^conv1\.weight has 2 channels left of 6 along axis 0; amount 3 asks for more$"
    ):
        session.apply("ln_structured", "conv1.weight", amount=3)


@pytest.mark.parametrize(
    ("method", "settings", "notes"),
    [
        ("l1_unstructured", {"amount": 1.0}, ("fc3.bias would be left empty: nothing of it stays",)),
        ("l1_unstructured", {"amount": 0.03}, ("amount 0.03 comes to none of 10 entries in fc3.bias",)),
        ("global_unstructured", {"amount": 0.03}, ("amount 0.03 comes to none of 10 entries",)),
        ("l1_unstructured", {"amount": 0}, ()),
    ],
)
def test_a_preview_warns_of_what_torch_would_do_without_a_word(method, settings, notes):
    assert Session(lenet()).preview(method, "fc3.bias", **settings).notes == notes


def test_a_step_as_it_comes_over_the_wire_is_checked_too():
    session = Session(lenet())
    with pytest.raises(StepError, match=r"amount is 1\.5"):
        session.do(L1Unstructured(targets=("fc3.bias",), amount=1.5))
    with pytest.raises(StepError, match="needs targets"):
        session.do(L1Unstructured(targets=(), amount=1))
