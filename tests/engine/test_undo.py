import copy
import sys

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from prune_tui import Session
from tests.engine.fingerprints import bits, by_torch, fingerprint, like_torch


def shared_memory():
    """Two Parameters over one memory, as FSDP's flat buffer and cuDNN's LSTM weights are."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2, bias=False), nn.Linear(2, 3, bias=False))
    model[1].weight.data = model[0].weight.data.view(3, 2)
    session = Session(model)
    session.apply("l1_unstructured", "0.weight", amount=3)
    return session


def share(model, name="weight_orig"):
    return getattr(model[0], name).data_ptr() == model[1].weight.data_ptr()


def test_remove_parts_memory_and_undo_joins_it_again():
    session = shared_memory()
    before = fingerprint(session.model)
    session.apply("remove", "0.weight")
    after = fingerprint(session.model)
    assert not share(session.model, "weight")
    for _ in range(2):
        session.undo()
        assert share(session.model)
        assert fingerprint(session.model) == before
        session.redo()
        assert not share(session.model, "weight")
        assert fingerprint(session.model) == after


@pytest.mark.parametrize("trained", [0, 1])
def test_memory_that_was_trained_since_is_not_joined_over_it(trained):
    session = shared_memory()
    session.apply("remove", "0.weight")
    with torch.no_grad():
        session.model[trained].weight.add_(1)
    other = bits(session.model[1].weight)
    session.undo()
    assert bits(session.model[1].weight) == other
    assert not share(session.model)


def test_redo_of_remove_never_writes_into_shared_memory():
    session = shared_memory()
    session.apply("remove", "0.weight")
    session.undo()
    with torch.no_grad():
        session.model[1].weight.add_(1)
    other = bits(session.model[1].weight)
    session.redo()
    assert bits(session.model[1].weight) == other
    assert int((session.model[0].weight == 0).sum()) == 3


def test_masks_cost_one_bit_an_entry():
    session = Session(nn.Linear(300, 300, bias=False))
    for _ in range(3):
        session.apply("l1_unstructured", "weight", amount=0.1)
    mask = session._log.edits[-1].moment.modules[0].masks["weight"]
    assert sys.getsizeof(mask.kept.data) < 90_000 / 8 + 100


def test_a_global_step_that_is_taken_back_or_removed_holds_no_mask():
    session = Session(nn.Linear(30, 30, bias=False))
    for _ in range(3):
        session.apply("global_unstructured", "weight", amount=0.1)
        session.apply("remove", "weight")
    assert held(session) == 0
    states = [states_of(session)]
    while session.history:
        session.undo()
        states.append(states_of(session))
        assert held(session) == len(hooks_of(session.model))
    while states[1:]:
        assert states_of(session) == states.pop()
        session.redo()
        assert held(session) == len(hooks_of(session.model))
    assert states_of(session) == states.pop()


def test_a_method_shares_its_buffer_again_and_keeps_its_own_mask_beside_later_steps():
    session = Session(nn.Linear(30, 30, bias=False))
    session.apply("global_unstructured", "weight", amount=0.1)
    session.apply("global_unstructured", "weight", amount=0.1)
    first, second = next(iter(hooks_of(session.model)))
    kept = first.mask.clone()
    assert second.mask is session.model.weight_mask
    session.undo()
    assert first.mask is session.model.weight_mask
    assert torch.equal(first.mask, kept)
    assert second.mask is None
    session.redo()
    assert second.mask is session.model.weight_mask
    assert torch.equal(first.mask, kept)
    assert not torch.equal(first.mask, second.mask)


def held(session):
    """Methods of the history that hold a mask."""
    return sum(method.mask is not None for method in session.recorded())


def hooks_of(model):
    return list(model._forward_pre_hooks.values())


def states_of(session):
    return fingerprint(session.model), [hook.mask.tolist() for hook in hooks_of(session.model)]


@pytest.mark.parametrize("way", ["apply", "undo", "amend"])
def test_an_edit_that_fails_leaves_each_method_its_mask(way):
    session = Session(nn.Linear(4, 4, bias=False))
    session.apply("global_unstructured", "weight", amount=3)
    (method,) = hooks_of(session.model)
    mask = session.model.weight_mask

    def fail(*_):
        raise OSError("the disk is full")

    acts = {
        "apply": lambda: session.apply("remove", "weight"),
        "undo": session.undo,
        "amend": lambda: session.amend(5),
    }
    session.recorder = fail
    with pytest.raises(OSError, match="full"):
        acts[way]()
    assert method.mask is mask is session.model.weight_mask
    session.recorder = None
    acts[way]()
    assert method.mask is None


def test_a_mask_that_bits_cannot_hold_comes_back_as_it_was():
    module = nn.Linear(4, 1, bias=False)
    prune.custom_from_mask(module, "weight", torch.tensor([[0.5, -0.0, 1.0, 0.0]]))
    before = fingerprint(module)
    session = Session(module)
    session.apply("identity", "weight")
    session.apply("remove", "weight")
    session.undo()
    session.undo()
    assert fingerprint(module) == before


def test_a_mask_that_is_not_saved_stays_so():
    module = nn.Linear(4, 1)
    prune.identity(module, "weight")
    module._non_persistent_buffers_set.add("weight_mask")
    before = fingerprint(module)
    session = Session(module)
    session.apply("l1_unstructured", "weight", amount=1)
    assert "weight_mask" in module.state_dict()  # torch registers it anew
    session.undo()
    assert fingerprint(module) == before
    session.redo()
    assert "weight_mask" in module.state_dict()


def test_a_mask_of_another_dtype_than_its_tensor_comes_back_in_it():
    module = nn.Linear(4, 1)
    prune.identity(module, "weight")
    module.weight_mask = module.weight_mask.double()
    before = fingerprint(module)
    session = Session(module)
    session.apply("l1_unstructured", "weight", amount=1)
    session.undo()
    assert fingerprint(module) == before


def test_what_an_edit_does_not_touch_is_not_computed_again():
    module = nn.Linear(4, 2)
    prune.identity(module, "bias")
    stale = module.bias
    with torch.no_grad():
        module.bias_orig.add_(1)
    session = Session(module)
    session.apply("l1_unstructured", "weight", amount=1)
    session.undo()
    assert module.bias is stale


def test_a_container_on_two_modules_gets_its_methods_back():
    one, other = nn.Linear(3, 3), nn.Linear(3, 3)
    for _ in range(2):
        prune.l1_unstructured(one, "weight", amount=1)
    prune.identity(other, "weight")
    (container,) = one._forward_pre_hooks.values()
    (key,) = other._forward_pre_hooks
    other._forward_pre_hooks[key] = container
    model = nn.Sequential(one, other)
    before = fingerprint(model)
    session = Session(model)
    session.apply("l1_unstructured", ["0.weight", "1.weight"], amount=1)
    assert len(container) == 4
    session.apply("remove", "1.weight")
    for _ in range(2):
        session.undo()
    assert fingerprint(model) == before


def test_an_empty_container_and_odd_hooks_stand_in_nobodys_way():
    class Odd:
        _tensor_name = 3

        def __call__(self, *_):
            raise AssertionError("called")

        def __eq__(self, other):
            raise AssertionError("compared")

        __hash__ = None

    module = nn.Linear(3, 3)
    module.register_forward_pre_hook(prune.PruningContainer())
    module.register_forward_pre_hook(Odd())
    before = fingerprint(module)
    session = Session(module)
    session.apply("l1_unstructured", "weight", amount=1)
    session.apply("l1_unstructured", "weight", amount=1)
    session.apply("remove", "weight")
    for _ in range(3):
        session.undo()
    assert fingerprint(module) == before


@pytest.mark.parametrize(
    "dtype",
    [torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.complex64, torch.int32, torch.uint8, torch.bool],
)
def test_values_of_any_dtype_come_back_bit_by_bit(dtype):
    module = nn.Module()
    module.weight = nn.Parameter(torch.arange(-3, 5).to(dtype).view(2, 4), requires_grad=False)
    before = fingerprint(module)
    session = Session(module)
    session.apply("custom_from_mask", "weight", mask=torch.tensor([[1, 0, 1, 0], [0, 1, 1, 0]]))
    session.apply("remove", "weight")
    session.undo()
    session.undo()
    assert fingerprint(module) == before


def test_order_of_two_pruned_tensors_is_kept():
    module = nn.Linear(3, 3)
    session = Session(module)
    session.apply("identity", ["weight", "bias"])
    before = fingerprint(module)
    session.apply("remove", "weight")
    session.undo()
    assert fingerprint(module) == before


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_a_recurrent_layer_computes_with_the_weights_it_has(kind):
    module = kind(3, 2)
    sequence = torch.randn(4, 1, 3)
    session = Session(module)
    outputs = [module(sequence)[0]]
    for method in ("l1_unstructured", "remove"):
        session.apply(method, "weight_hh_l0", **({"amount": 0.5} if method != "remove" else {}))
        outputs.append(module(sequence)[0])
    for turn in (session.undo, session.undo, session.redo, session.redo):
        turn()
        assert module._flat_weights[1] is module.weight_hh_l0
        expected = outputs[len(session.history)]
        assert torch.equal(module(sequence)[0], expected)


@pytest.mark.parametrize("made", ["channels_last", "transposed"])
def test_memory_order_comes_back_and_so_do_torchs_norms(made):
    for seed in range(30):
        torch.manual_seed(seed)
        model = nn.Conv2d(5, 7, 3) if made == "channels_last" else nn.Linear(40, 30)
        if made == "channels_last":
            model = model.to(memory_format=torch.channels_last)
        else:
            model.weight = nn.Parameter(torch.randn(40, 30).t())
        twin = copy.deepcopy(model)
        session = Session(model)
        session.apply("identity", "weight")
        session.undo()
        session.redo()
        session.apply("ln_structured", "weight", amount=3, n=2, dim=1)
        by_torch(twin, "identity", ["weight"], {})
        by_torch(twin, "ln_structured", ["weight"], {"amount": 3, "n": 2, "dim": 1})
        like_torch(model, twin)
        before = fingerprint(model)
        session.apply("remove", "weight")
        session.undo()
        assert fingerprint(model) == before


def test_a_mask_that_is_spread_over_its_memory_comes_back():
    module = nn.Linear(4, 3)
    prune.identity(module, "weight")
    module.weight_mask = torch.ones(3, 1).expand(3, 4)
    before = fingerprint(module)
    session = Session(module)
    session.apply("l1_unstructured", "weight", amount=1)
    session.undo()
    assert fingerprint(module) == before


_NANS = {
    torch.float16: (torch.int16, [0x7C01, 0x7E55, -0x3FF, -0x8000, 0x7C00]),
    torch.bfloat16: (torch.int16, [0x7F81, 0x7FC5, -0x7F, -0x8000, 0x7F80]),
    torch.float32: (torch.int32, [0x7F800001, 0x7FC00055, -0x7FFFFF, -(2**31), 0x7F800000]),
    torch.float64: (torch.int64, [0x7FF0000000000001, 0x7FF8000000000055, -(2**63), 0x7FF0000000000000, 1]),
}


@pytest.mark.parametrize("dtype", _NANS)
def test_nan_payloads_zeros_and_infinities_come_back_after_remove(dtype):
    integer, patterns = _NANS[dtype]
    module = nn.Module()
    module.weight = nn.Parameter(torch.tensor(patterns, dtype=integer).view(dtype).repeat(2))
    before = fingerprint(module)
    session = Session(module)
    session.apply("custom_from_mask", "weight", mask=torch.tensor([1] * 5 + [0] * 5))
    session.apply("remove", "weight")
    after = fingerprint(module)
    session.undo()
    session.redo()
    assert fingerprint(module) == after
    session.undo()
    session.undo()
    assert fingerprint(module) == before


def test_what_a_persons_hook_has_written_is_taken_back():
    class Doubling(prune.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t, default_mask):
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

        def apply_mask(self, module):
            return super().apply_mask(module) * 2

    module = nn.Linear(4, 2)
    Doubling.apply(module, "weight")
    before, session = fingerprint(module), Session(module)
    session.apply("remove", "weight")
    after = fingerprint(module)
    for _ in range(2):
        session.undo()
        assert fingerprint(module) == before
        session.redo()
        assert fingerprint(module) == after


def test_a_remove_of_a_persons_own_is_taken_back():
    class Raising(prune.CustomFromMask):
        def remove(self, module):
            module.weight_orig.data += 1
            super().remove(module)

    module = nn.Linear(4, 2)
    prune.identity(module, "bias")
    Raising.apply(module, "weight", torch.ones(2, 4))
    before, session = fingerprint(module), Session(module)
    session.apply("remove", "weight")
    session.undo()
    assert fingerprint(module) == before


def test_complex_numbers_with_odd_parts_come_back_after_remove():
    odd = [0.0, -0.0, float("inf"), float("-inf"), float("nan"), 1.0]
    module = nn.Module()
    values = torch.tensor([[real, imaginary] for real in odd for imaginary in odd]).repeat(2, 1)
    module.weight = nn.Parameter(torch.view_as_complex(values))
    before = fingerprint(module)
    session = Session(module)
    session.apply("custom_from_mask", "weight", mask=torch.tensor([1] * 36 + [0] * 36))
    session.apply("remove", "weight")
    session.undo()
    session.undo()
    assert fingerprint(module) == before
