"""What cannot be pruned as a whole: wrappers around a model, and what is no module at all."""

from __future__ import annotations

import torch
from torch import nn

from prune_tui.step_settings import StepError


class WrappedModelError(StepError):
    """The model stands inside a wrapper; prune what is inside.

    Attributes:
        inner: The model inside.
    """

    def __init__(self, message: str, inner: nn.Module) -> None:
        super().__init__(message)
        self.inner = inner


def check_model(model: object) -> None:
    """Refuse what cannot be pruned as a whole, and say what to do instead.

    Raises:
        WrappedModelError: A wrapper around the model.
        StepError: Not a module, or a ScriptModule.
    """
    if not isinstance(model, nn.Module):
        raise StepError(f"a {type(model).__name__} is not a torch.nn.Module")
    if isinstance(model, torch.jit.ScriptModule):
        raise StepError(
            "this is a ScriptModule; torch cannot add a parameter or a hook to compiled code."
            " Open the Python module it was scripted from"
        )
    for attribute in ("_orig_mod", "module"):
        inner = model._modules.get(attribute)
        wrapper = type(model).__name__
        if inner is not None and wrapper in {"OptimizedModule", "DataParallel", "DistributedDataParallel"}:
            raise WrappedModelError(
                f"this is a {wrapper} around a {type(inner).__name__}; prune the {type(inner).__name__} inside"
                f" (model.{attribute})",
                inner,
            )
