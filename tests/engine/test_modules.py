import random

import numpy
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

from prune_tui.engine.hooks import hooks_of
from prune_tui.engine.layers import layers
from prune_tui.engine.modules import is_stale, module_view
from prune_tui.engine.outline import outline
from prune_tui.engine.statistics import statistics
from prune_tui.engine.tiles import Pruning, tile
from prune_tui.tensor_requests import Block, GetTile
from prune_tui.view_rows import VIEWS, HistoryRow


def view_of(module, model=None, path="", recorded=None):
    return module_view(model or module, path, module, recorded or {})


def pruned_conv():
    module = nn.Conv2d(1, 6, 3)
    prune.random_unstructured(module, "weight", amount=16)
    return module


def test_a_pruned_convolution():
    model = nn.Sequential(pruned_conv())
    told = view_of(model[0], model, "0")
    assert told.title == "Conv2d(1, 6, kernel_size=(3, 3), stride=(1, 1))"
    assert told.where.startswith("conv.py:")
    bias, orig = told.parameters
    assert (bias.name, bias.tensor, bias.view, bias.axes) == ("bias", "0.bias", "effective", ("out",))
    assert (orig.name, orig.tensor, orig.view) == ("weight_orig", "0.weight", "orig")
    assert (orig.shape, orig.axes) == ((6, 1, 3, 3), ("out", "in", "kh", "kw"))
    assert (orig.dtype, orig.device, orig.requires_grad, orig.bytes) == ("float32", "cpu", True, 216)
    (mask,) = told.buffers
    assert (mask.name, mask.tensor, mask.view, mask.kept, mask.elements) == (
        "weight_mask",
        "0.weight",
        "mask",
        38,
        54,
    )
    assert (mask.persistent, mask.requires_grad, mask.shared_with) == (True, False, ())
    (weight,) = told.computed
    assert (weight.name, weight.tensor, weight.view, weight.kept) == ("weight", "0.weight", "effective", 38)
    assert (weight.stale, weight.persistent) == (False, False)


def test_buffers_say_whether_they_are_saved():
    module = nn.BatchNorm1d(3)
    module.register_buffer("scratch", torch.zeros(2), persistent=False)
    module.register_buffer("missing", None)
    rows = view_of(nn.Sequential(module)[0], nn.Sequential(module), "0").buffers
    assert [(row.name, row.tensor, row.view, row.persistent, row.kept) for row in rows] == [
        ("running_mean", "0.running_mean", "effective", True, -1),
        ("running_var", "0.running_var", "effective", True, -1),
        ("num_batches_tracked", "0.num_batches_tracked", "effective", True, -1),
        ("scratch", "0.scratch", "effective", False, -1),
    ]


@pytest.mark.parametrize("make", [lambda: nn.LSTM(2, 3), lambda: nn.MultiheadAttention(4, 2)])
def test_rows_are_in_torchs_order(make):
    module = make()
    assert [row.name for row in view_of(module).parameters] == [
        name for name, _ in module.named_parameters(recurse=False)
    ]


def test_a_pruned_lstm():
    module = nn.LSTM(2, 3)
    prune.l1_unstructured(module, "weight_hh_l0", amount=0.5)
    (row,) = view_of(module).computed
    assert (row.name, row.axes, row.kept, row.stale) == ("weight_hh_l0", ("gate", "hidden"), 18, False)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 3)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.embedding.weight


def test_a_tied_tensor_names_its_other_places():
    model = Tied()
    prune.l1_unstructured(model.head, "weight", amount=4)
    assert view_of(model.embedding, model, "embedding").parameters[0].shared_with == ("head.weight",)
    assert view_of(model.head, model, "head").parameters[0].shared_with == ("embedding.weight",)


def test_a_shared_module_names_its_other_places_and_a_cycle_ends():
    block = nn.Sequential(nn.Linear(2, 2, bias=False))
    model = nn.ModuleDict({"a": block, "b": block})
    block.add_module("owner", model)
    assert view_of(block[0], model, "b.0").parameters[0].shared_with == ("a.0.weight",)


def make_stale_by_step(module):
    torch.optim.SGD(module.parameters(), lr=1.0).step()


def set_gradient(module):
    module.weight_orig.grad = torch.ones_like(module.weight_orig)


@pytest.mark.parametrize(
    "change",
    [
        lambda module: module.weight_orig.data.add_(1),
        lambda module: module.weight_mask.zero_(),
        lambda module: module.half(),
        lambda module: setattr(module, "weight", None),
        lambda module: delattr(module, "weight"),
        lambda module: setattr(module, "weight", module.weight[:1]),
        lambda module: (set_gradient(module), make_stale_by_step(module)),
    ],
)
def test_an_attribute_that_is_not_orig_times_mask_is_stale(change):
    module = pruned_conv()
    assert not view_of(module).computed[0].stale
    change(module)
    assert view_of(module).computed[0].stale
    module.float()(torch.ones(1, 1, 5, 5))
    assert not view_of(module).computed[0].stale


@pytest.mark.parametrize("shape", [(), (0,), (700, 800), (3, 2**18 + 1)])
def test_the_last_entry_of_any_tensor_is_compared_and_nan_equals_nan(shape):
    values = torch.full(shape, torch.nan)
    kept = torch.ones(shape)
    assert not is_stale(values * kept, values, kept)
    changed = values.clone()
    changed.view(-1)[-1:] = 1
    assert is_stale(changed, values, kept) == (values.numel() > 0)


def test_a_transposed_original_is_compared_entry_by_entry():
    values, kept = torch.randn(600, 700).t(), torch.ones(700, 600)
    assert not is_stale(values.contiguous(), values, kept)


@pytest.mark.parametrize(
    ("module", "note"),
    [
        (nn.LazyLinear(2), "not initialised: run one forward to give it a shape"),
        (nn.Linear(2, 2, device="meta"), "on the meta device: no values"),
    ],
)
def test_tensors_without_values_say_why(module, note):
    row = view_of(module).parameters[0]
    assert row.note == note
    assert row.elements in (0, 4)
    assert len(row.axes) == len(row.shape)


@pytest.mark.parametrize(
    ("tensor", "note"),
    [
        (torch.eye(3).to_sparse(), "layout sparse_coo: only dense tensors are shown"),
        (torch.eye(3).to_sparse_csr(), "layout sparse_csr: only dense tensors are shown"),
        (
            torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
            "quantized to qint8: its values are packed",
        ),
        (torch.nested.nested_tensor([torch.ones(1), torch.ones(2)]), "nested tensor: its rows differ in length"),
        (torch.empty(3, dtype=torch.bits8), "torch cannot convert bits8 to float"),
    ],
)
def test_a_layout_that_is_not_shown_is_named(tensor, note):
    module = nn.Identity()
    module.register_buffer("odd", tensor)
    (row,) = view_of(module).buffers
    assert row.note == note


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2, torch.bfloat16, torch.complex64])
def test_masks_of_every_dtype_are_counted(dtype):
    module = nn.Linear(2, 2, bias=False).to(dtype)
    prune.custom_from_mask(module, "weight", torch.eye(2))
    (row,) = view_of(module).computed
    assert (row.kept, row.stale, row.dtype) == (2, False, str(dtype).removeprefix("torch."))


def test_histories_are_in_container_order_and_prefer_what_the_session_recorded():
    module = nn.Linear(2, 2)
    prune.random_unstructured(module, "weight", amount=1)
    prune.ln_structured(module, "weight", amount=1, n=2, dim=0)
    before, _ = view_of(module).histories[0].rows
    assert before == HistoryRow("RandomUnstructured", "amount=1", took=-1, step=0)
    (container,) = module._forward_pre_hooks.values()
    row = HistoryRow("LnStructured", "amount=1, n=2, dim=0", took=1, step=3)
    (history,) = view_of(module, recorded={container[1]: row}).histories
    assert history.tensor == "weight"
    assert history.rows == (before, row)


def test_parametrizations_are_told_without_computing_them(monkeypatch):
    module = parametrizations.weight_norm(nn.Linear(2, 2))
    kind = type(module.parametrizations.weight[0])
    monkeypatch.setattr(kind, "forward", lambda *_: pytest.fail("looking computed it"))
    (told,) = view_of(module).parametrizations
    assert (told.tensor, told.modules) == ("weight", ("_WeightNorm",))


class Shy(nn.Module):
    def extra_repr(self):
        raise RuntimeError("not yet")


def test_a_module_whose_extra_repr_raises_has_a_title():
    assert view_of(Shy()).title == "Shy(…)"
    assert view_of(nn.ReLU()).title == "ReLU()"


def test_scripted_modules_can_be_looked_at():
    model = torch.jit.script(nn.BatchNorm1d(2))
    assert [row.name for row in view_of(model).parameters] == ["weight", "bias"]
    assert [row.name for row in view_of(model).buffers] == ["running_mean", "running_var", "num_batches_tracked"]


def state(model):
    return {
        "tensors": {
            name: (tensor.dtype, bytes(tensor.detach().contiguous().flatten().view(torch.uint8).tolist()))
            for name, tensor in model.state_dict().items()
        },
        "identities": [id(one) for one in (*model.parameters(), *model.buffers())],
        "grads": [id(one.grad) for one in model.parameters()],
        "training": [module.training for module in model.modules()],
        "hooks": [list(module._forward_pre_hooks.items()) for module in model.modules()],
        "attributes": [list(vars(module)) for module in model.modules()],
        "modes": (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_default_dtype()),
        "generators": (torch.get_rng_state().tolist(), random.getstate(), str(numpy.random.get_state())),
    }


def test_looking_changes_nothing():
    def never(*_args, **_kwargs):
        raise AssertionError("looking called a hook")

    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.LSTM(2, 2), nn.MultiheadAttention(4, 2), Tied()
    )
    prune.random_unstructured(model[0], "weight", amount=0.5)
    prune.l1_unstructured(model[2], "weight_hh_l0", amount=0.5)
    model[0].weight_orig.grad = torch.ones_like(model[0].weight_orig)
    model[1].eval()
    before = state(model)  # before these hooks, since state_dict calls some of them
    handles = [
        register(never)
        for module in model.modules()
        for register in (
            module.register_forward_pre_hook,
            module.register_forward_hook,
            module.register_full_backward_hook,
            module.register_state_dict_pre_hook,
            module.register_state_dict_post_hook,
            module.register_load_state_dict_pre_hook,
        )
    ]
    outline(model)
    for path, module in model.named_modules():
        hooks_of(module)
        told = module_view(model, path, module, {})
        for row in (*told.parameters, *told.buffers, *told.computed):
            name = row.tensor.rpartition(".")[2]
            rows, columns = [-1, *range(len(row.shape))][-2:] if len(row.shape) > 1 else (-1, len(row.shape) - 1)
            block = Block((0,) * (len(row.shape) - 2), (0, 2), (0, 2))
            for view in VIEWS:
                found = layers(module, name, view)
                tile(found, GetTile(row.tensor, view, rows, columns, (block,)), Pruning())
                statistics(found, lambda: False)
    for handle in handles:
        handle.remove()
    assert state(model) == before


class Doubling(prune.BasePruningMethod):
    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        return default_mask.clone()

    def apply_mask(self, module):
        return super().apply_mask(module) * 2


def test_what_a_hook_of_ones_own_computes_is_not_called_stale():
    module = nn.Linear(2, 2)
    Doubling.apply(module, "weight")
    assert not view_of(module).computed[0].stale
