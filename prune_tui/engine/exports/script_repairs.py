"""Repairs as an exported script has them: functions of plain torch, called with a module and a tensor's name."""

from __future__ import annotations

REFRESH = '''\
def refresh(module, name):
    """Compute a pruned tensor anew. torch ranks this attribute, which lags behind its original until a forward."""
    for hook in module._forward_pre_hooks.values():
        if getattr(hook, "_tensor_name", None) == name:
            setattr(module, name, hook.apply_mask(module))
'''

_REATTACH = '''\
def reattach(module, name):
    """Attach torch's hook again where only the original and the mask are left."""
    hook = prune.CustomFromMask(getattr(module, f"{name}_mask"))
    hook._tensor_name = name
    setattr(module, name, hook.apply_mask(module))
    module.register_forward_pre_hook(hook)
'''

_RESTORE = '''\
def restore(module, name):
    """Give a parameter its name back that a failed prune has left as an original without a mask."""
    module._parameters[name] = module._parameters.pop(f"{name}_orig")
'''

_DROP_HOOKS = '''\
def drop_hooks(module, name):
    """Drop pruning hooks: on a tensor all but the one with the longest history; empty containers for None."""
    hooks = module._forward_pre_hooks.items()
    pruning = [(key, hook) for key, hook in hooks if isinstance(hook, prune.BasePruningMethod)]
    dropped = [(key, hook) for key, hook in pruning if getattr(hook, "_tensor_name", None) == name]
    if f"{name}_orig" in module._parameters or f"{name}_mask" in module._buffers:
        dropped.sort(key=lambda one: len(one[1]) if isinstance(one[1], prune.PruningContainer) else 1)
        dropped.pop()
    for key, _ in dropped:
        del module._forward_pre_hooks[key]
        module._forward_pre_hooks_with_kwargs.pop(key, None)
'''

_HOOK_FIRST = '''\
def hook_first(module, name):
    """Call a pruning hook before the other hooks of its module."""
    hooks = module._forward_pre_hooks
    hooks.move_to_end(next(key for key in hooks if getattr(hooks[key], "_tensor_name", None) == name), last=False)
'''

_BINARISE = '''\
def binarise(module, name):
    """Make a mask of zeros and ones; what it scaled by goes into the values."""
    original, mask = getattr(module, f"{name}_orig"), getattr(module, f"{name}_mask")
    values = original.detach()
    original.data = torch.where((mask != 0) & (mask != 1), mask.to(values) * values, values)
    module._buffers[f"{name}_mask"] = (mask != 0).to(mask.dtype)
    refresh(module, name)
'''

_CLEAN_MASKED = '''\
def clean_masked(module, name):
    """Write 0 over the NaN and infinite values that a mask takes."""
    original, mask = getattr(module, f"{name}_orig"), getattr(module, f"{name}_mask")
    values = original.detach().clone()
    values[(mask == 0) & ~values.isfinite()] = 0
    original.data = values
    refresh(module, name)
'''

_UNITE = '''\
def unite(places):
    """Give every place of a tied parameter one mask: what any of them masks goes everywhere."""
    found = [module._buffers.get(f"{name}_mask") for module, name in places]
    mask = torch.stack([mask != 0 for mask in found if mask is not None]).all(dim=0)
    for module, name in places:
        prune.custom_from_mask(module, name, mask=mask)
'''

REPAIRS = {
    "reattach": _REATTACH,
    "restore": _RESTORE,
    "drop_hooks": _DROP_HOOKS,
    "hook_first": _HOOK_FIRST,
    "binarise": _BINARISE,
    "clean_masked": _CLEAN_MASKED,
    "unite": _UNITE,
    "refresh": REFRESH,
}
"""By the name of the method; the last is called by others."""


def used(body: str) -> list[str]:
    """The functions that the steps of a script call, and those that these call."""
    found = [code for name, code in REPAIRS.items() if name != "refresh" and f"{name}(" in body]
    return [*found, REFRESH] if any("refresh(" in text for text in (body, *found)) else found
