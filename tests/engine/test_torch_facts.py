"""What torch does, where the engine relies on it or must answer it: a later torch that differs fails here."""

import copy

import numpy
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

from prune_tui import Session
from prune_tui.step_settings import StepError
from tests.engine.fingerprints import Listed, Tied, bits, exact

# ---------------------------------------------------------------- where torch corrupts a model


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("l1_unstructured", {"amount": 1.5}),
        ("l1_unstructured", {"amount": 9}),
        ("ln_structured", {"amount": 1, "n": 2, "dim": 2}),
        ("custom_from_mask", {"mask": torch.ones(2, 2)}),
    ],
)
def test_a_failed_second_prune_destroys_the_first(method, settings):
    module = nn.Linear(3, 3)
    prune.l1_unstructured(module, "weight", amount=3)
    before = exact(module)
    with pytest.raises(StepError):
        Session(module).apply(method, "weight", **settings)
    assert exact(module) == before

    with pytest.raises((ValueError, IndexError, AssertionError)):
        getattr(prune, method)(module, "weight", **settings)
    assert not prune.is_pruned(module)
    assert [name for name, _ in module.named_parameters()] == ["bias", "weight_orig"]
    assert "weight_mask" in module._buffers
    with pytest.raises(ValueError, match="has to be pruned"):
        prune.remove(module, "weight")
    with pytest.raises(TypeError):
        prune.l1_unstructured(module, "weight", amount=1)
    with pytest.raises(StepError, match="half pruned: of weight_orig, weight_mask and a pruning hook it has only"):
        Session(module).apply("l1_unstructured", "weight", amount=1)


def test_an_existing_container_keeps_the_failed_method():
    module = nn.Linear(3, 3)
    for _ in range(2):
        prune.identity(module, "weight")
    (container,) = module._forward_pre_hooks.values()
    with pytest.raises(StepError):
        Session(module).apply("l1_unstructured", "weight", amount=10)
    assert len(container) == 2
    with pytest.raises(ValueError, match="amount=10"):
        prune.l1_unstructured(module, "weight", amount=10)
    assert len(container) == 3


def test_a_prune_of_a_missing_bias_loses_it_altogether():
    module = nn.Linear(3, 3, bias=False)
    before = exact(module)
    with pytest.raises(StepError, match="bias is None: this Linear was built without it"):
        Session(module).apply("identity", "bias")
    assert exact(module) == before
    with pytest.raises(TypeError):
        prune.identity(module, "bias")
    assert not hasattr(module, "bias")


def test_prune_and_remove_reorder_parameters_and_our_undo_does_not():
    module = nn.Linear(3, 3)
    session = Session(module)
    session.apply("identity", "weight")
    session.apply("remove", "weight")
    assert [name for name, _ in module.named_parameters()] == ["bias", "weight"]  # torch's own order
    session.undo()
    session.undo()
    assert [name for name, _ in module.named_parameters()] == ["weight", "bias"]


def test_global_unstructured_is_not_atomic():
    class Refusing(nn.Linear):
        def register_buffer(self, *_args, **_kwargs):
            raise LookupError("full")

    model = nn.Sequential(nn.Linear(3, 3), Refusing(3, 3))
    before = exact(model)
    with pytest.raises(StepError, match="full"):
        Session(model).apply("global_unstructured", ["0.weight", "1.weight"], amount=2)
    assert exact(model) == before
    with pytest.raises(LookupError):
        prune.global_unstructured([(model[0], "weight"), (model[1], "weight")], prune.L1Unstructured, amount=2)
    assert prune.is_pruned(model[0])


def test_pruning_the_original_nests():
    module = nn.Linear(3, 3)
    prune.identity(module, "weight")
    with pytest.raises(StepError, match="weight_orig is the original behind a mask; name weight instead"):
        Session(module).apply("identity", "weight_orig")
    prune.identity(module, "weight_orig")
    assert "weight_orig_orig" in module._parameters


def test_two_pruning_hooks_on_one_tensor():
    module = nn.Linear(3, 3)
    prune.identity(module, "weight")
    (hook,) = module._forward_pre_hooks.values()
    module.register_forward_pre_hook(copy.copy(hook))
    with pytest.raises(StepError, match="weight has 2 pruning hooks; torch wants one"):
        Session(module).apply("identity", "weight")
    with pytest.raises(AssertionError, match="multiple pruning hooks"):
        prune.identity(module, "weight")


@pytest.mark.parametrize(
    ("register", "name"), [("register_parameter", "weight_orig"), ("register_buffer", "weight_mask")]
)
def test_names_that_torch_would_overwrite(register, name):
    module = nn.Linear(3, 3)
    mine = nn.Parameter(torch.ones(1)) if register == "register_parameter" else torch.ones(1)
    getattr(module, register)(name, mine)
    with pytest.raises(StepError, match=f"weight: this Linear has a {name} of its own"):
        Session(module).apply("identity", "weight")
    prune.identity(module, "weight")
    assert getattr(module, name) is not mine


# ---------------------------------------------------------------- staleness


def test_the_attribute_is_stale_after_a_step_and_torch_ranks_it():
    module = nn.Linear(8, 8, bias=False)
    prune.identity(module, "weight")
    with torch.no_grad():
        module.weight_orig.copy_(module.weight_orig.flip(0))
    fresh = nn.Linear(8, 8, bias=False)
    fresh.weight.data = module.weight_orig.data.clone()
    prune.l1_unstructured(fresh, "weight", amount=20)
    session = Session(module)
    session.apply("l1_unstructured", "weight", amount=20)
    assert torch.equal(module.weight_mask, fresh.weight_mask)
    session.undo()
    stale = module.weight_orig.detach().flip(0)
    module.weight = stale
    prune.l1_unstructured(module, "weight", amount=20)
    assert not torch.equal(module.weight_mask, fresh.weight_mask)


def test_hooks_that_never_fire_are_told():
    notes = Session(nn.MultiheadAttention(4, 2)).preview("identity", "out_proj.weight").notes
    assert "out_proj.weight: the forward of this NonDynamicallyQuantizableLinear is never called" in notes[0]
    notes = Session(Listed()).preview("identity", "weights.1").notes
    assert "the forward of this ParameterList is never called" in notes[0]

    attention = nn.MultiheadAttention(4, 2)
    prune.l1_unstructured(attention.out_proj, "weight", amount=1.0)
    with torch.no_grad():
        attention.out_proj.weight_orig.zero_().add_(1)
        attention.out_proj.weight_mask.fill_(1)
        attention(*[torch.ones(1, 1, 4)] * 3)
    assert not attention.out_proj.weight.any()


def test_a_freshly_pruned_module_refuses_deepcopy():
    module = nn.Linear(3, 3)
    Session(module).apply("identity", "weight")
    with pytest.raises(RuntimeError, match="deepcopy"):
        copy.deepcopy(module)
    kept = copy.deepcopy(module, memo={id(module.weight): module.weight.detach().clone()})
    assert bits(kept.weight) == bits(module.weight)


# ---------------------------------------------------------------- sharing


def test_remove_prunes_the_other_side_of_a_tied_pair():
    model = Tied()
    session = Session(model)
    session.apply("l1_unstructured", "head.weight", amount=10)
    assert int((model.embedding.weight == 0).sum()) == 0
    assert session.preview("remove", "head.weight").notes == (
        "head.weight is tied to embedding.weight, where the zeros go too",
    )
    session.apply("remove", "head.weight")
    assert int((model.embedding.weight == 0).sum()) == 10
    session.undo()
    assert int((model.embedding.weight == 0).sum()) == 0


def test_global_unstructured_counts_a_shared_tensor_twice_and_we_do_not():
    model = Tied()
    paths = ["embedding.weight", "head.weight"]
    entry = Session(model).apply("global_unstructured", paths, amount=0.5)
    assert entry.took == {"embedding.weight": 10}
    twin = Tied()
    prune.global_unstructured(
        [(twin.embedding, "weight"), (twin.head, "weight")], prune.L1Unstructured, amount=0.5
    )
    assert int((twin.embedding.weight_mask == 0).sum() + (twin.head.weight_mask == 0).sum()) == 20


# ---------------------------------------------------------------- semantics


def took(model, method, **settings):
    return Session(model).apply(method, "weight", **settings).took["weight"]


def test_a_fraction_is_of_what_remains():
    module = nn.Linear(100, 1, bias=False)
    assert [took(module, "l1_unstructured", amount=0.2) for _ in range(3)] == [20, 16, 13]
    assert int((module.weight_mask == 0).sum()) == 49


def test_channels_are_counted_among_those_not_wholly_masked():
    module = nn.Linear(4, 6, bias=False)
    assert [took(module, "ln_structured", amount=0.5) for _ in range(3)] == [12, 8, 0]
    assert Session(module).preview("ln_structured", "weight", amount=0.5).effects[0].units_left == 1
    assert took(module, "ln_structured", amount=1) == 4
    for n in (2, float("inf"), 0, -1):  # nothing is left to take a norm of
        assert took(module, "ln_structured", amount=0.5, n=n) == 0
    with pytest.raises(StepError, match="weight has 0 channels left of 6 along axis 0; amount 1 asks for more"):
        took(module, "ln_structured", amount=1)


def test_one_is_one_and_one_point_nought_is_all():
    assert took(nn.Linear(4, 4), "l1_unstructured", amount=1) == 1
    assert took(nn.Linear(4, 4), "l1_unstructured", amount=1.0) == 16
    assert took(nn.Linear(4, 4), "l1_unstructured", amount=numpy.int64(1)) == 1
    assert took(nn.Linear(4, 4), "l1_unstructured", amount=numpy.float32(1.0)) == 16


@pytest.mark.parametrize(("amount", "expected"), [(0.03, 0), (2.5 / 16, 2), (3.5 / 16, 4), (0, 0), (0.0, 0)])
def test_a_fraction_is_rounded_half_to_even_and_may_come_to_none(amount, expected):
    module = nn.Linear(4, 4)
    assert took(module, "l1_unstructured", amount=amount) == expected
    assert prune.is_pruned(module)


@pytest.mark.parametrize("amount", [True, float("nan"), -1, -0.1, 1.1, float("inf"), "3", None, torch.tensor(1)])
def test_amounts_that_mean_nothing(amount):
    module = nn.Linear(3, 3)
    before = exact(module)
    with pytest.raises(StepError, match="amount is "):
        Session(module).apply("l1_unstructured", "weight", amount=amount)
    assert exact(module) == before
    if not isinstance(amount, torch.Tensor):
        with pytest.raises((TypeError, ValueError)):
            prune.l1_unstructured(module, "weight", amount=amount)


@pytest.mark.parametrize("n", [0, 1, 2, -1, 0.5, 3, float("inf"), float("-inf")])
def test_orders_of_the_norm(n):
    model, twin = (nn.Conv2d(2, 4, 3).requires_grad_(False) for _ in range(2))
    twin.weight.copy_(model.weight)
    took(model, "ln_structured", amount=2, n=n, dim=0)
    prune.ln_structured(twin, "weight", amount=2, n=n, dim=0)
    assert bits(model.weight_mask) == bits(twin.weight_mask)


@pytest.mark.parametrize(
    ("n", "module", "works"),
    [
        ("fro", nn.Linear(3, 3), True),
        ("fro", nn.Conv1d(3, 3, 3), True),
        ("fro", nn.Conv2d(3, 3, 3), False),
        ("nuc", nn.Linear(3, 3), False),
        ("nuc", nn.Conv1d(3, 3, 3), True),
        ("nuc", nn.Conv2d(3, 3, 3), False),
    ],
)
def test_norms_of_matrices(n, module, works):
    compute = prune.LnStructured(1, n=n, dim=0).compute_mask
    if works:
        assert torch.equal(
            compute(module.weight.detach(), torch.ones_like(module.weight)),
            Session(module).apply("ln_structured", "weight", amount=1, n=n) and module.weight_mask,
        )
    else:
        with pytest.raises(StepError, match=f"weight is [24]-D; n={n}"):
            Session(module).apply("ln_structured", "weight", amount=1, n=n)
        with pytest.raises(RuntimeError):
            compute(module.weight.detach(), torch.ones_like(module.weight))


def test_a_vector_pruned_again_by_channel_is_one_channel_to_torch():
    module = nn.Linear(3, 3)
    prune.identity(module, "bias")
    with pytest.raises(StepError, match="bias is 1-D; channels need two axes or more"):
        Session(module).apply("random_structured", "bias", amount=1)
    prune.random_structured(module, "bias", amount=1, dim=0)
    assert not module.bias_mask.any()


def test_nan_is_ranked_largest_and_survives_its_mask():
    module = nn.Linear(4, 1, bias=False)
    module.weight.data = torch.tensor([[1.0, torch.nan, torch.inf, 2.0]])
    session = Session(module)
    session.apply("l1_unstructured", "weight", amount=3)
    assert module.weight_mask.tolist() == [[0, 1, 0, 0]]
    assert session.log()[0].effects[0].threshold == torch.inf
    session.apply("l1_unstructured", "weight", amount=1)
    assert module.weight.isnan().any()
    assert session.log()[1].effects[0].threshold is None
    assert session.log()[1].effects[0].took == 1


def test_a_mask_of_other_values_breaks_the_next_prune():
    module = nn.Linear(4, 1, bias=False)
    with pytest.raises(StepError, match="other values than 0 and 1"):
        Session(module).apply("custom_from_mask", "weight", mask=torch.full((1, 4), 0.5))
    prune.custom_from_mask(module, "weight", torch.tensor([[0.5, 1.0, 0.0, 1.0]]))
    with pytest.raises(StepError, match="weight has 2 entries left of 4; amount 3 asks for more"):
        Session(module).apply("l1_unstructured", "weight", amount=3)
    with pytest.raises(ValueError, match="prune=2"):
        prune.l1_unstructured(module, "weight", amount=3)


def test_global_unstructured_records_a_custom_mask_and_we_remember():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    session = Session(model)
    session.apply("global_unstructured", ["0.weight", "1.weight"], amount=4)
    (hook,) = model[0]._forward_pre_hooks.values()
    assert type(hook) is prune.CustomFromMask
    assert not hasattr(hook, "amount")
    assert session.recorded()[hook].settings.startswith("global_unstructured(amount=4")


@pytest.mark.parametrize("method", ["identity", "l1_unstructured", "random_unstructured", "ln_structured"])
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_tensors_without_entries(method, shape):
    module = nn.Module()
    module.weight = nn.Parameter(torch.ones(shape))
    before = exact(module)
    session = Session(module)
    settings = {} if method == "identity" else {"amount": 0.5}
    if method == "ln_structured" and len(shape) == 1:
        with pytest.raises(StepError, match="1-D"):
            session.apply(method, "weight", **settings)
    else:
        assert session.apply(method, "weight", **settings).took == {"weight": 0}
        session.apply("remove", "weight")
        session.undo()
        session.undo()
    assert exact(module)[0] == before[0]


def test_a_scalar_parameter():
    module = nn.Module()
    module.weight = nn.Parameter(torch.tensor(2.0))
    session = Session(module)
    session.apply("identity", "weight")
    assert session.apply("l1_unstructured", "weight", amount=1).took == {"weight": 1}
    session.apply("remove", "weight")
    assert module.weight.item() == 0
    for _ in range(3):
        session.undo()
    assert module.weight.item() == 2


DTYPES = [
    torch.float16,
    torch.bfloat16,
    torch.float64,
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.complex32,
    torch.complex64,
    torch.complex128,
    torch.bool,
    torch.uint8,
    torch.int8,
    torch.int64,
    torch.uint16,
]
STEPS = [
    ("identity", {}),
    ("random_unstructured", {"amount": 0.5}),
    ("l1_unstructured", {"amount": 0.5}),
    ("random_structured", {"amount": 0.5}),
    ("ln_structured", {"amount": 0.5}),
    ("global_unstructured", {"amount": 0.5}),
    ("custom_from_mask", {"mask": torch.tensor([[1.0, 0.0], [0.0, 1.0]])}),
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("method", "settings"), STEPS, ids=[name for name, _ in STEPS])
def test_every_method_on_every_dtype_does_as_torch_or_refuses(method, settings, dtype):
    def made():
        module = nn.Module()
        module.weight = nn.Parameter(torch.tensor([[1.0, 0.0], [3.0, 2.0]]).to(dtype), requires_grad=False)
        return module

    module, twin = made(), made()
    session, start = Session(module, seed=1), exact(module)
    for _ in range(2):
        before = exact(module)
        try:
            entry = session.apply(method, "weight", **settings)
        except StepError:
            assert exact(module) == before
            with pytest.raises((RuntimeError, TypeError)):
                direct(twin, method, settings, seed=0)
            break
        direct(twin, method, settings, entry.seed)
        assert bits(module.weight_mask) == bits(twin.weight_mask)
        assert bits(module.weight) == bits(twin.weight)
    for _ in session.history:
        session.undo()
    assert exact(module) == start


def direct(module, method, settings, seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed or 0)
        if method == "global_unstructured":
            prune.global_unstructured([(module, "weight")], prune.L1Unstructured, **settings)
        else:
            extra = {"ln_structured": {"dim": 0, "n": 2}, "random_structured": {"dim": 0}}.get(method, {})
            getattr(prune, method)(module, "weight", **settings, **extra)


def test_float8_takes_identity_and_custom_only():
    works = []
    for method, settings in STEPS:
        module = nn.Module()
        module.weight = nn.Parameter(torch.ones(2, 2).to(torch.float8_e4m3fn), requires_grad=False)
        try:
            Session(module).apply(method, "weight", **settings)
        except StepError:
            continue
        works.append(method)
    assert works[0] == "identity"
    assert works[-1] == "custom_from_mask"
    assert not {"l1_unstructured", "ln_structured", "global_unstructured"} & set(works)


def test_strides_are_torchs_and_a_channels_last_weight_is_ranked_in_the_order_of_its_indices():
    def made():
        torch.manual_seed(0)
        return nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)

    for method, settings in [("identity", {}), ("ln_structured", {"amount": 2, "n": 2, "dim": 0})]:
        model, twin = made(), made()
        Session(model).apply(method, "weight", **settings)
        getattr(prune, method)(twin, "weight", **settings)
        assert bits(model.weight_mask) == bits(twin.weight_mask)
        assert bits(model.weight) == bits(twin.weight)
    with pytest.raises(RuntimeError, match="view size is not compatible"):
        prune.l1_unstructured(made(), "weight", amount=0.5)
    model, twin = made(), made().to(memory_format=torch.contiguous_format)
    Session(model).apply("l1_unstructured", "weight", amount=0.5)
    prune.l1_unstructured(twin, "weight", amount=0.5)
    assert torch.equal(model.weight_mask, twin.weight_mask)


# ---------------------------------------------------------------- random numbers


def test_only_random_methods_draw_and_amount_nought_draws_nothing():
    state = torch.get_rng_state()
    module = nn.Linear(3, 3).requires_grad_(False)
    torch.set_rng_state(state)
    prune.l1_unstructured(module, "weight", amount=0.5)
    prune.ln_structured(module, "weight", amount=1, n=2, dim=0)
    prune.random_unstructured(module, "bias", amount=0)
    prune.random_structured(module, "weight", amount=0, dim=0)
    assert torch.equal(torch.get_rng_state(), state)
    prune.random_unstructured(module, "bias", amount=1)
    assert not torch.equal(torch.get_rng_state(), state)


# ---------------------------------------------------------------- with the rest of torch


def test_parametrized_tensors_are_refused_and_left_intact():
    module = parametrizations.weight_norm(nn.Linear(3, 3))
    before = list(module.state_dict())
    with pytest.raises(StepError, match="weight is computed by a parametrization; torch cannot prune it"):
        Session(module).apply("identity", "weight")
    with pytest.raises((TypeError, KeyError)):
        prune.identity(module, "weight")
    assert list(module.state_dict()) == before


def test_a_pruned_tensor_is_a_plain_attribute_under_torchs_three_names():
    module = nn.Linear(3, 3)
    Session(module).apply("identity", "weight")
    assert isinstance(vars(module)["weight"], torch.Tensor)
    assert not isinstance(vars(module)["weight"], nn.Parameter)
    assert "weight_orig" in module._parameters
    assert "weight_mask" in module._buffers


def test_pruning_inside_inference_mode_poisons_with_torch():
    module = nn.Linear(3, 3)
    with torch.inference_mode():
        prune.identity(module, "weight")
    assert module.weight_mask.is_inference()
    module = nn.Linear(3, 3)
    with torch.inference_mode():
        Session(module).apply("identity", "weight")
    assert not module.weight_mask.is_inference()
