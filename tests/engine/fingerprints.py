"""All that an edit could change in a model, as a value that compares by ==; and small models to change."""

import random

import torch
from torch import nn
from torch.nn.utils import prune

from tests.engine import naive


class Same:
    """Equal only to what is the very same object; holds it, so that no other takes its address."""

    def __init__(self, thing):
        self.thing = thing

    def __eq__(self, other):
        return isinstance(other, Same) and self.thing is other.thing

    def __repr__(self):
        return f"<{type(self.thing).__name__} at {id(self.thing):x}>"

    __hash__ = None


def bits(tensor):
    """Dtype, shape, strides and every bit."""
    if tensor is None:
        return None
    flat = tensor.detach().contiguous().flatten().view(torch.uint8)
    return str(tensor.dtype), tuple(tensor.shape), tensor.stride(), flat.numpy().tobytes()


def structure(model):
    """Names, orders, objects and hook ids, and which attributes there are."""
    return {path: _structure_of(module) for path, module in model.named_modules()}


def _structure_of(module):
    hooks = module._forward_pre_hooks
    found = {
        "parameters": [(name, Same(parameter)) for name, parameter in module._parameters.items()],
        "buffers": [(name, name in module._non_persistent_buffers_set) for name in module._buffers],
        "hooks": [(identifier, Same(hook)) for identifier, hook in hooks.items()],
        "registries": [Same(module._parameters), Same(module._buffers), Same(hooks)],
        "methods": [
            [Same(method) for method in hook]
            for hook in hooks.values()
            if isinstance(hook, prune.PruningContainer)
        ],
        "attributes": list(vars(module)),
        "training": module.training,
    }
    if isinstance(module, nn.RNNBase):
        found["flat"] = [
            held is getattr(module, name)
            for held, name in zip(module._flat_weights, module._flat_weights_names, strict=True)
        ]
        assert all(found["flat"])
    return found


def computed(module):
    """The tensors among a module's plain attributes: what pruning leaves behind."""
    return [(name, value) for name, value in vars(module).items() if isinstance(value, torch.Tensor)]


def values(model):
    """Every bit of every parameter, gradient, buffer and computed attribute."""
    return {
        path: (
            [
                (name, bits(held), held.requires_grad, Same(held.grad), bits(held.grad))
                for name, held in module._parameters.items()
                if held is not None
            ],
            [(name, bits(buffer)) for name, buffer in module._buffers.items()],
            [(name, bits(value), value.requires_grad) for name, value in computed(module)],
        )
        for path, module in model.named_modules()
    }


def process():
    """What belongs to the process: generators and modes."""
    return (
        torch.get_rng_state().numpy().tobytes(),
        random.getstate(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
    )


def fingerprint(model):
    """As a person sees it before an edit and after its undo. A mask may be another tensor of the same bits."""
    return structure(model), values(model), process()


def exact(model):
    """As it must be after an edit that failed: masks and computed attributes the very same tensors, too."""
    held = {
        path: [Same(tensor) for _, tensor in [*module._buffers.items(), *computed(module)]]
        for path, module in model.named_modules()
    }
    storages = [parameter.data_ptr() for parameter in model.parameters()]
    return fingerprint(model), held, storages


class Tied(nn.Module):
    """An embedding and a head that share their weight."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 4)
        self.head = nn.Linear(4, 5)
        self.head.weight = self.embedding.weight

    def forward(self, tokens):
        return self.head(self.embedding(tokens))


class Listed(nn.Module):
    """Parameters in a list."""

    def __init__(self):
        super().__init__()
        self.weights = nn.ParameterList([nn.Parameter(torch.randn(3, 2)), nn.Parameter(torch.randn(4))])


def masks(model):
    """Every mask by name."""
    return {name: buffer for name, buffer in model.named_buffers() if name.endswith("_mask")}


def by_torch(model, method, targets, settings, seed=None):
    """The same step by direct calls of torch.nn.utils.prune; of a method that torch has not, the mask naively."""
    if seed is not None:
        torch.manual_seed(seed)
    places = [(model.get_submodule(path.rpartition(".")[0]), path.rpartition(".")[2]) for path in targets]
    if method == "global_unstructured" and not settings.get("floor"):
        kind = getattr(prune, settings.get("pruning_method", "L1Unstructured"))
        prune.global_unstructured(places, pruning_method=kind, amount=settings["amount"])
        return
    if hasattr(naive, method):
        seen = [naive.seen(module, name) for module, name in places]
        masks = getattr(naive, method)(seen, **settings)
        for (module, name), one, mask in zip(places, seen, masks, strict=True):
            if method in naive.BY_L1:
                # Of equal magnitudes torch picks in its own way; how many go is what is compared.
                prune.l1_unstructured(module, name, sum(one.alive.values()) - int(mask.sum()))
            else:
                prune.custom_from_mask(module, name, mask)
        return
    for module, name in places:
        getattr(prune, method)(module, name, **settings)


def like_torch(model, twin):
    """Compare a model edited by a session with its twin edited by torch: names, hooks, histories, values."""
    for (path, ours), (_, theirs) in zip(model.named_modules(), twin.named_modules(), strict=True):
        assert list(ours._parameters) == list(theirs._parameters), path
        assert list(ours._buffers) == list(theirs._buffers), path
        assert list(vars(ours)) == list(vars(theirs)), path
        assert [history(hook) for hook in ours._forward_pre_hooks.values()] == [
            history(hook) for hook in theirs._forward_pre_hooks.values()
        ], path
        for (name, left), (_, right) in zip(computed(ours), computed(theirs), strict=True):
            assert (bits(left), left.requires_grad) == (bits(right), right.requires_grad), (path, name)
    assert [(name, bits(one)) for name, one in model.state_dict().items()] == [
        (name, bits(one)) for name, one in twin.state_dict().items()
    ]


def history(hook):
    """A pruning hook's class, tensor and settings, and those of the methods in a container."""
    if not isinstance(hook, prune.BasePruningMethod):
        return hook
    settings = {
        name: bits(value.float()) if isinstance(value, torch.Tensor) else value
        for name, value in vars(hook).items()
        if name != "_pruning_methods"
    }
    held = [history(method) for method in hook] if isinstance(hook, prune.PruningContainer) else []
    return type(hook), settings, held
