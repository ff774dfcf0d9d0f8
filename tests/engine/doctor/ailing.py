"""A model for each check of the doctor that provokes it, as plain torch would leave it."""

import contextlib
import copy

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer
from torch.nn.utils import parametrizations, prune
from torch.nn.utils.spectral_norm import spectral_norm
from torch.nn.utils.weight_norm import weight_norm

from tests.engine.fingerprints import Listed, Tied


def linear(**settings):
    torch.manual_seed(0)
    return nn.Linear(4, 3, **settings)


def l1(module, amount=3, name="weight"):
    prune.l1_unstructured(module, name, amount=amount)
    return module


def pruned():
    return l1(linear())


def half_pruned():
    module = l1(linear())
    with contextlib.suppress(ValueError):
        prune.l1_unstructured(module, "weight", amount=99)
    return module


def lost_bias():
    module = linear(bias=False)
    with contextlib.suppress(TypeError):
        prune.identity(module, "bias")
    return module


def lost_lazy():
    module = nn.Sequential(nn.LazyLinear(3))
    with contextlib.suppress(ValueError):
        prune.identity(module[0], "weight")
    return module


def hook_without_mask():
    module = l1(linear())
    del module.weight_mask
    return module


def hook_after_its_tensors():
    module = l1(linear())
    (hook,) = module._forward_pre_hooks.values()
    prune.remove(module, "weight")
    module.register_forward_pre_hook(hook)
    return module


def empty_container():
    module = linear()
    module.register_forward_pre_hook(prune.PruningContainer())
    return nn.Sequential(module)


def shadowed():
    module = l1(linear())
    module.weight = nn.Parameter(torch.ones(3, 4))
    return module


def nested():
    return l1(l1(linear()), name="weight_orig", amount=2)


def misfit():
    module = l1(linear())
    module.weight_orig.data = torch.ones(6, 4)
    return module


def mask_without_shape():
    module = l1(linear())
    module._buffers["weight_mask"] = UninitializedBuffer()
    return module


class Doubling(prune.BasePruningMethod):
    """A person's: every other entry goes, the others count twice."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        mask = default_mask.clone()
        mask.view(-1)[::2] = 0
        return mask

    def apply_mask(self, module):
        return super().apply_mask(module) * 2


def doubled_without_attribute():
    module = linear()
    Doubling.apply(module, "weight")
    del module.weight
    return module


def poisoned():
    module = l1(linear())
    with torch.no_grad():
        module.weight_orig[module.weight_mask == 0] = torch.tensor([torch.nan, torch.inf, 1.0])
        module(torch.ones(1, 4))
    return module


def nan():
    module = linear()
    with torch.no_grad():
        module.weight[1, 2] = torch.nan
    return module


def nan_that_a_mask_keeps():
    module = nan()
    return l1(module)


def one_side():
    return l1_of(Tied(), "head")


def l1_of(model, name, amount=5):
    l1(getattr(model, name), amount)
    return model


def two_masks():
    model = l1_of(Tied(), "head")
    prune.random_unstructured(model.embedding, "weight", amount=7)
    return model


def stepped():
    module = l1(linear())
    with torch.no_grad():
        module.weight_orig.add_(1)
    return module


def halved():
    return l1(linear()).half()


def without_attribute():
    module = l1(linear())
    del module.weight
    return module


def scaled():
    module = linear()
    mask = torch.ones(3, 4)
    mask[0], mask[1, 1] = torch.tensor([0.5, 0.0, -2.0, 1.0]), 0.25
    prune.custom_from_mask(module, "weight", mask)
    return module


def dead():
    return l1(linear(), amount=1.0)


def attention():
    module = nn.MultiheadAttention(4, 2)
    l1(module.out_proj)
    return module


def in_a_list():
    model = Listed()
    prune.l1_unstructured(model.weights, "0", amount=2)
    return model


def two_hooks():
    module = l1(l1(linear()), 1)
    (hook,) = module._forward_pre_hooks.values()
    module.register_forward_pre_hook(copy.copy(hook[0]))
    return module


def old_weight_norm():
    return l1(weight_norm(linear()), name="weight_v")


def old_spectral_norm():
    return l1(spectral_norm(linear()), name="weight_orig")


def inside_inference_mode():
    module = linear()
    with torch.inference_mode():
        l1(module)
    return module


class DTensor(torch.Tensor):
    """Stands for torch.distributed's, which needs a process group."""


def sharded():
    module = linear()
    module.weight = nn.Parameter(module.weight.detach().as_subclass(DTensor))
    return module


def early_reader():
    module = linear()
    module.register_forward_pre_hook(lambda own, _: own.weight.norm())
    return l1(module)


def bias_flows():
    module = linear()
    prune.ln_structured(module, "weight", amount=1, n=2, dim=0)
    return module


def norm_flows():
    model = nn.Sequential(nn.Conv2d(2, 4, 3, bias=False), nn.BatchNorm2d(4))
    model(torch.randn(2, 2, 5, 5))  # gives it a running mean
    prune.ln_structured(model[0], "weight", amount=2, n=2, dim=0)
    return model


def norm_with_bias_flows():
    model = nn.Sequential(nn.Conv2d(2, 4, 3, bias=False), nn.InstanceNorm2d(4, affine=True))
    nn.init.constant_(model[1].bias, -1)
    prune.ln_structured(model[0], "weight", amount=2, n=2, dim=0)
    return model


def transposed_flows():
    model = nn.Sequential(nn.ConvTranspose2d(2, 4, 3))
    prune.ln_structured(model[0], "weight", amount=1, n=2, dim=1)
    return model


def identity():
    module = linear()
    prune.identity(module, "weight")
    return module


def lstm():
    return l1(nn.LSTM(2, 2), name="weight_ih_l0")


def removed():
    module = l1(linear())
    prune.remove(module, "weight")
    return module


def encoder():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    l1(model.layers[1].linear1)
    return model


def parametrized():
    return nn.Sequential(parametrizations.weight_norm(linear()), parametrizations.spectral_norm(linear()))


# By check: models that provoke it.
AILING = {
    "half-pruned": [half_pruned],
    "lost": [lost_bias, lost_lazy],
    "hook-without-tensors": [hook_without_mask, hook_after_its_tensors],
    "empty-container": [empty_container],
    "shadowed": [shadowed],
    "nested": [nested],
    "misfit": [misfit, mask_without_shape],
    "poisoned": [poisoned],
    "nan": [nan, nan_that_a_mask_keeps],
    "diverging-masks": [one_side, two_masks],
    "stale": [stepped, halved, without_attribute, doubled_without_attribute],
    "scaled": [scaled],
    "dead": [dead],
    "never-fires": [attention, in_a_list],
    "several-hooks": [two_hooks],
    "lagging-norm": [old_weight_norm, old_spectral_norm],
    "inference-mask": [inside_inference_mode],
    "distributed": [sharded],
    "early-reader": [early_reader],
    "still-flowing": [bias_flows, norm_flows, norm_with_bias_flows, transposed_flows],
    "idle": [identity],
    "listed-twice": [Tied],
    "reordered": [pruned, lstm, removed],
    "no-deepcopy": [pruned],
    "slow-encoder": [encoder],
    "parametrized": [parametrized],
    "no-entries": [lambda: nn.Linear(0, 3)],
    "meta": [lambda: nn.Linear(2, 2, device="meta")],
    "lazy": [lambda: nn.LazyLinear(2)],
}
# Of these, the ones that a step mends.
MENDED = {
    "half-pruned": [half_pruned],
    "lost": [lost_bias, lost_lazy],
    "hook-without-tensors": [hook_after_its_tensors],
    "empty-container": [empty_container],
    "nested": [nested],
    "poisoned": [poisoned],
    "diverging-masks": [one_side, two_masks],
    "stale": [stepped, halved, without_attribute, doubled_without_attribute],
    "scaled": [scaled],
    "several-hooks": [two_hooks],
    "lagging-norm": [old_weight_norm, old_spectral_norm],
    "early-reader": [early_reader],
    "idle": [identity],
}
