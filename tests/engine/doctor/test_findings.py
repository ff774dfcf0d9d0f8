"""Every check has a model that provokes it, and no healthy model does."""

import copy
import re

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune
from torch.nn.utils.spectral_norm import spectral_norm
from torch.nn.utils.weight_norm import weight_norm

from prune_tui import Session
from prune_tui.demo.lenet import LeNet
from prune_tui.engine.cancelling import Cancelled
from prune_tui.engine.doctor import CHECKS, examine
from prune_tui.engine.doctor.registry import CHECKS as REGISTRY
from tests.engine.doctor.ailing import AILING, DTensor, linear, pruned
from tests.engine.fingerprints import Listed, Tied, exact

BY_NAME = {check.name: check for check in CHECKS}


def found(model, name):
    return [one for one in examine(model).findings if one.check == name]


def bad(model):
    return [one for one in examine(model).findings if one.severity != "note"]


def notes(model):
    return {one.check for one in examine(model).findings}


@pytest.mark.parametrize(
    ("name", "make"),
    [(name, make) for name, models in AILING.items() for make in models],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_every_check_finds_what_provokes_it(name, make):
    findings = found(make(), name)
    assert len(findings) == 1
    (finding,) = findings
    assert finding.severity == BY_NAME[name].severity
    assert "could not be made" not in "".join(one.means for one in examine(make()).findings)
    assert "{" not in finding.means + finding.do
    assert not (finding.means + finding.do).endswith(".")
    assert (finding.repair is not None) >= bool(finding.change)


def test_every_check_has_a_model_and_a_name_of_its_own():
    assert CHECKS is REGISTRY
    assert list(AILING) == [check.name for check in CHECKS]
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    order = [("error", "warning", "note").index(check.severity) for check in CHECKS]
    assert order == sorted(order)


def test_findings_say_where_and_how_many():
    (finding,) = found(AILING["poisoned"][0](), "poisoned")
    assert (finding.module, finding.tensor, finding.where) == ("", "weight", "weight")
    assert finding.means.startswith("2 masked entries of weight_orig are NaN or infinite")
    assert finding.change == "2 values of weight_orig that the mask takes become 0"
    (finding,) = found(AILING["empty-container"][0](), "empty-container")
    assert (finding.where, finding.repair.targets) == ("0", ("0",))
    (finding,) = found(nn.Linear(2, 2, device="meta"), "meta")
    assert finding.where == "the model"
    assert finding.means.startswith("weight and bias are on the meta device")


def test_errors_come_first_and_then_the_order_of_the_model():
    model = nn.Sequential(pruned(), AILING["stale"][0](), AILING["poisoned"][0](), AILING["dead"][0]())
    told = [(one.severity, one.module) for one in examine(model).findings]
    assert told[:3] == [("error", "2"), ("warning", "1"), ("warning", "3")]
    assert {severity for severity, _ in told[3:]} == {"note"}


def test_it_says_how_much_it_has_looked_at():
    findings = examine(Tied())
    assert (findings.checks, findings.tensors) == (len(CHECKS), 2)


# ---------------------------------------------------------------- what torch does with such models


def test_what_is_called_an_error_breaks_the_forward():
    for name, make in [("empty-container", 0), ("shadowed", 0), ("misfit", 0), ("hook-without-tensors", 0)]:
        with pytest.raises((AttributeError, TypeError, RuntimeError)):
            AILING[name][make]()(torch.ones(1, 4))
    for name in ("poisoned", "nan"):
        assert AILING[name][0]()(torch.ones(1, 4)).isnan().any()


def test_a_lagging_norm_lags():
    module = AILING["lagging-norm"][0]()
    x, before = torch.ones(1, 4), module(torch.ones(1, 4))
    with torch.no_grad():
        module.weight_v_orig.neg_()
    assert torch.equal(module(x), before)
    assert not torch.equal(module(x), before)


def test_a_mask_of_inference_mode_raises_in_training():
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        AILING["inference-mask"][0]()(torch.ones(1, 4))


def test_copies_are_refused_just_where_it_says_so():
    module = pruned()
    assert found(module, "no-deepcopy")
    with pytest.raises(RuntimeError, match="deepcopy"):
        copy.deepcopy(module)
    with torch.no_grad():
        module(torch.ones(1, 4))
    assert not found(module, "no-deepcopy")
    copy.deepcopy(module)


def test_an_optimizer_goes_wrong_after_reordering():
    module = linear()
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    saved = optimizer.state_dict()
    prune.l1_unstructured(module, "weight", amount=1)
    assert found(module, "reordered")
    again = torch.optim.Adam(module.parameters())
    again.load_state_dict(saved)
    assert again.state[module.bias]["exp_avg"].shape == module.weight_orig.shape


# ---------------------------------------------------------------- no false alarm


def resnet_block():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(4)
            self.relu = nn.ReLU(inplace=True)
            self.conv2 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(4)
            self.downsample = nn.Sequential(nn.Conv2d(4, 4, 1, bias=False), nn.BatchNorm2d(4))

    return nn.Sequential(nn.Conv2d(3, 4, 7), Block(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))


HEALTHY = {
    "LeNet": LeNet,
    "ResNet": resnet_block,
    "mobile": lambda: nn.Sequential(
        nn.Conv2d(4, 4, 3, groups=4), nn.BatchNorm2d(4), nn.ReLU6(), nn.Conv2d(4, 8, 1)
    ),
    "Transformer": lambda: nn.Transformer(8, 2, 1, 1, 16),
    "encoder": lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2, enable_nested_tensor=False),
    "attention": lambda: nn.MultiheadAttention(8, 2, add_bias_kv=True, kdim=4, vdim=4),
    "recurrent": lambda: nn.Sequential(nn.LSTM(3, 2, num_layers=2, bidirectional=True, proj_size=1), nn.GRU(2, 2)),
    "cells": lambda: nn.ModuleList([nn.LSTMCell(2, 2), nn.GRUCell(2, 2)]),
    "norms": lambda: nn.Sequential(nn.LayerNorm(3), nn.GroupNorm(1, 2), nn.InstanceNorm1d(3, affine=True)),
    "lists": Listed,
    "old weight_norm": lambda: weight_norm(nn.Linear(3, 3)),
    "old spectral_norm": lambda: spectral_norm(nn.Linear(3, 3)),
    "bilinear": lambda: nn.Bilinear(2, 2, 2),
    "nothing": nn.Module,
    "scripted": lambda: torch.jit.script(nn.Sequential(nn.Linear(2, 2))),
    "wrapped": lambda: nn.DataParallel(nn.Linear(2, 2)),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_a_model_that_was_never_pruned_has_no_findings_at_all(name):
    assert examine(HEALTHY[name]()).findings == ()


def prunable(model):
    """All weights that a forward of torch's goes through."""
    for path, module in model.named_modules():
        never_called = isinstance(module, nn.ParameterList) or path.endswith("out_proj")
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.dim() > 1 and not never_called:
                yield f"{path}.{name}" if path else name


ORDINARY = {"reordered", "no-deepcopy", "slow-encoder", "listed-twice", "still-flowing"}


NOT_FOR_PRUNING = {"nothing", "norms", "lists", "old weight_norm", "old spectral_norm", "scripted", "wrapped"}


@pytest.mark.parametrize("name", [name for name in HEALTHY if name not in NOT_FOR_PRUNING])
@pytest.mark.parametrize("method", ["l1_unstructured", "random_unstructured", "ln_structured"])
def test_a_pruned_model_has_no_errors_and_no_warnings(name, method):
    model = HEALTHY[name]()
    session, names = Session(model), list(prunable(model))
    session.apply(method, names, amount=0.3)
    assert bad(model) == []
    assert notes(model) <= ORDINARY | ({"idle"} if method == "ln_structured" else set())
    session.apply("l1_unstructured", names, amount=0.3)
    assert bad(model) == []
    session.apply("remove", names)
    assert notes(model) <= {"reordered"}


def test_a_trained_model_is_well_again_after_a_forward():
    model = LeNet()
    Session(model).apply("l1_unstructured", ["conv1.weight", "fc1.weight"], amount=0.5)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(torch.randn(2, 1, 28, 28)).sum().backward()
    optimizer.step()
    assert {one.check for one in bad(model)} == {"stale"}
    model(torch.randn(2, 1, 28, 28))
    assert bad(model) == []


def test_a_persons_own_names_are_not_taken_for_torchs():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.gain_orig = nn.Parameter(torch.ones(2))
            self.register_buffer("attention_mask", torch.zeros(2))
            self.bias = nn.Parameter(torch.ones(2))
            self.weight = nn.Parameter(torch.ones(2, 2))
            self.register_buffer("causal", torch.full((2, 2), -torch.inf))

    assert examine(Own()).findings == ()


def test_a_hook_that_reads_something_else_is_not_told():
    module = linear()
    module.register_forward_pre_hook(lambda own, _: own.bias.norm())
    assert not found(prune.identity(module, "weight"), "early-reader")
    module = pruned()
    module.register_forward_pre_hook(lambda own, _: own.weight.norm())  # after it: sees fresh values
    assert not found(module, "early-reader")


def test_masked_channels_out_of_which_nothing_flows_are_not_told():
    module = linear(bias=False)
    prune.ln_structured(module, "weight", amount=1, n=2, dim=0)
    assert not found(module, "still-flowing")
    module = linear()
    with torch.no_grad():
        module.bias.zero_()
    prune.ln_structured(module, "weight", amount=1, n=2, dim=0)
    assert not found(module, "still-flowing")


def test_tied_masks_that_agree_are_told_as_tied_only():
    model = Tied()
    for module in (model.embedding, model.head):
        prune.custom_from_mask(module, "weight", torch.eye(5, 4))
    assert bad(model) == []
    assert found(model, "listed-twice")


def test_a_bias_without_a_living_entry_is_not_worth_a_warning():
    module = linear()
    prune.l1_unstructured(module, "bias", amount=1.0)
    assert not found(module, "dead")


# ---------------------------------------------------------------- looking


@pytest.mark.parametrize("make", [make for models in AILING.values() for make in models[:1]])
def test_looking_changes_nothing_and_sees_the_same_again(make):
    model = make()
    readable = not any(one.is_meta or isinstance(one, nn.UninitializedParameter) for one in model.parameters())
    before = exact(model) if readable else None
    versions = [one._version for one in model.parameters() if readable]
    first = examine(model)
    assert examine(model) == first
    assert (exact(model) if readable else None) == before
    assert [one._version for one in model.parameters() if readable] == versions


VALUES = {
    "ordinary": lambda: torch.tensor([[1.0, 0.0], [3.0, 2.0]]),
    "empty": lambda: torch.ones(0, 3),
    "scalar": lambda: torch.tensor(2.0),
    "NaN": lambda: torch.tensor([[torch.nan, 1.0], [torch.nan, 2.0]]),
    "Inf": lambda: torch.tensor([[torch.inf, 1.0], [-torch.inf, 2.0]]),
    "5-D": lambda: torch.ones(2, 1, 2, 1, 2),
    "strided": lambda: torch.arange(12.0).view(3, 4).t()[::2],
}
DTYPES = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2,
    torch.float8_e4m3fnuz, torch.float8_e8m0fnu, torch.complex32, torch.complex64, torch.complex128, torch.bool,
    torch.uint8, torch.int8, torch.int16, torch.int64, torch.uint16, torch.uint32, torch.bits8, torch.qint8,
]  # fmt: skip


def by_hand(values, device="cpu"):
    """Pruned as torch would, had it a kernel for that."""
    module = nn.Module()
    module.weight_orig = nn.Parameter(values, requires_grad=False)
    mask = torch.ones(values.shape, device=values.device)
    mask.view(-1)[::2] = 0
    module.register_buffer("weight_mask", mask)
    method = prune.CustomFromMask(mask)
    method._tensor_name = "weight"
    module.register_forward_pre_hook(method)
    module.weight = values
    return module


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_no_dtype_no_shape_and_no_value_raises(kind, dtype, device):
    values = VALUES[kind]().to(device)
    try:
        values = (
            torch.empty(values.shape, dtype=dtype) if dtype in {torch.bits8, torch.qint8} else values.to(dtype)
        )
    except (RuntimeError, NotImplementedError):
        pytest.skip("torch cannot make one")
    plain = nn.Module()
    plain.weight = nn.Parameter(values, requires_grad=False)
    for model in (plain, by_hand(values)):
        for one in examine(nn.Sequential(model)).findings:
            assert "could not be made" not in one.means or dtype in {torch.uint16, torch.uint32}, one


@pytest.mark.parametrize("make", [lambda v: v.to_sparse(), lambda v: torch.nested.nested_tensor([v[0], v[1, :1]])])
def test_tensors_without_dense_values_are_left_alone(make):
    module = nn.Module()
    module.weight = nn.Parameter(make(torch.ones(2, 2)))
    assert examine(module).findings == ()


def test_a_check_that_cannot_be_made_is_told_and_stops_no_other():
    class Refusing(torch.Tensor):
        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            if getattr(function, "__name__", "") == "sum":
                raise NotImplementedError("no sums here")
            return super().__torch_function__(function, types, args, kwargs)

    model = nn.Sequential(linear(), AILING["half-pruned"][0]())
    model[0].weight = nn.Parameter(torch.ones(2, 2).as_subclass(Refusing))
    told = examine(model).findings
    assert [one.check for one in told if one.severity == "error"] == ["half-pruned"]
    (finding,) = [one for one in told if one.check == "nan"]
    assert finding.severity == "warning"
    assert re.search(r"could not be made \(NotImplementedError: no sums here\)", finding.means)


def test_sharded_tensors_are_not_read():
    class Untouchable(DTensor):
        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            assert getattr(function, "__name__", "") not in {"sum", "isfinite", "ne", "mul"}
            return super().__torch_function__(function, types, args, kwargs)

    module = linear()
    module.weight = nn.Parameter(torch.full((2, 2), torch.nan).as_subclass(Untouchable))
    assert [one.check for one in examine(module).findings] == ["distributed"]


def test_it_can_be_stopped_between_pieces():
    asked = []

    def stop():
        asked.append(1)
        return len(asked) > 40

    module = nn.Linear(2048, 2048)
    prune.identity(module, "weight")
    with pytest.raises(Cancelled):
        examine(module, stop)
    assert len(asked) == 41


def test_a_parametrized_module_is_not_computed():
    module = parametrizations.spectral_norm(linear())
    before = {name: value.clone() for name, value in module.state_dict().items()}
    examine(module)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
