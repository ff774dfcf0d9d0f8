"""From dotted names to the tensors they mean, or a sentence that says why a tensor cannot be pruned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize

from prune_tui.engine import pruned
from prune_tui.steps import StepError, nearest


class Target(NamedTuple):
    """A parameter as people prune it.

    Attributes:
        path: Dotted name, `conv1.weight`.
        module: The module that holds it.
        name: Its name there, `weight`, also while torch calls the parameter `weight_orig`.
    """

    path: str
    module: nn.Module
    name: str

    @property
    def parameter(self) -> nn.Parameter:
        """The Parameter behind it."""
        found = pruned.parameter_of(self.module, self.name)
        if found is None:
            raise StepError(f"{self.path} is gone: the module no longer holds it")
        return found

    @property
    def values(self) -> Tensor:
        """Effective values, `orig × mask`, contiguous, without gradient; never the attribute, it may be stale."""
        found = pruned.effective(self.module, self.name)
        if found is None:
            raise StepError(f"{self.path} is gone: the module no longer holds it")
        return found.contiguous()

    @property
    def mask(self) -> Tensor | None:
        """Its mask, or None where it is not pruned."""
        return pruned.mask(self.module, self.name)


def locate(model: nn.Module, path: str) -> tuple[nn.Module, str]:
    """The module that should hold a tensor, and the tensor's name there.

    Raises:
        StepError: No such module; names the nearest one.
    """
    module_path, _, name = path.rpartition(".")
    module = model
    for depth, part in enumerate(filter(None, module_path.split("."))):
        child = module._modules.get(part)
        if child is None:
            above = ".".join(module_path.split(".")[:depth]) or type(model).__name__
            raise StepError(f"{path}: {above} has no module {part!r}{nearest(part, module._modules)}")
        module = child
    return module, name


def resolve(model: nn.Module, paths: Iterable[str]) -> tuple[list[Target], list[str]]:
    """The tensors that dotted names mean, each once.

    A tensor named twice, through a shared module or a tied parameter, is pruned once, by the first name given:
    torch's `global_unstructured` would count it twice.

    Returns:
        The targets in order, and a note for each name left out.

    Raises:
        StepError: A name means nothing, or a tensor that cannot be pruned.
    """
    targets: list[Target] = []
    notes: list[str] = []
    seen: dict[int, str] = {}
    for path in paths:
        target = Target(path, *locate(model, path))
        _refuse_what_cannot_be_pruned(target)
        first = seen.setdefault(id(target.parameter), path)
        if first != path:
            notes.append(f"{path} is the same tensor as {first}: taken once, as {first}")
        elif all(target.path != known.path for known in targets):
            targets.append(target)
    return targets, notes + [note for target in targets for note in _notes(model, target)]


def _refuse_what_cannot_be_pruned(target: Target) -> None:
    path, module, name = target
    base = name.removesuffix("_orig")
    if base != name and module._buffers.get(f"{base}_mask") is not None:
        raise StepError(f"{path} is the original behind a mask; name {path.removesuffix('_orig')} instead")
    if parametrize.is_parametrized(module, name):
        raise StepError(
            f"{path} is computed by a parametrization; torch cannot prune it."
            " Remove the parametrization first (torch.nn.utils.parametrize.remove_parametrizations)"
        )
    if name in module._buffers:
        raise StepError(f"{path} is a buffer; only parameters can be pruned")
    if name in module._parameters and module._parameters[name] is None:
        raise StepError(f"{path} is None: this {type(module).__name__} was built without it")
    parameter = pruned.parameter_of(module, name)
    if parameter is None:
        known = pruned.base_names(module)
        has = f"it has {', '.join(known)}" if known else "it has no parameters of its own"
        raise StepError(
            f"{path}: this {type(module).__name__} has no parameter {name!r}{nearest(name, known)}; {has}"
        )
    if is_lazy(parameter):
        raise StepError(f"{path} is not initialised; run one forward pass, which gives it its shape, then open it")
    if parameter.is_meta:
        raise StepError(f"{path} is on the meta device and has no values; load its weights first")
    if parameter.layout is not torch.strided:
        raise StepError(f"{path} has layout {parameter.layout}; only dense tensors can be pruned")


def _notes(model: nn.Module, target: Target) -> list[str]:
    """What a person should know before pruning this tensor."""
    notes = []
    if isinstance(target.module, (NonDynamicallyQuantizableLinear, nn.ParameterList, nn.ParameterDict)):
        notes.append(
            f"{target.path}: the forward of this {type(target.module).__name__} is never called, so torch's hook"
            " never fires; the mask holds until the values change. Remove before you train on"
        )
    parameter = target.parameter
    elsewhere = [
        path
        for path, other in model.named_parameters(remove_duplicate=False)
        if other is parameter and path.removesuffix("_orig") != target.path
    ]
    own = {f"{target.path}_orig", target.path}
    elsewhere = [path for path in elsewhere if path not in own]
    if elsewhere:
        notes.append(f"{target.path} is tied to {', '.join(elsewhere)}, which stays unmasked until remove")
    return notes
