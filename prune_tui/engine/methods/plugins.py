"""Pruning methods that are not ours: subclasses of torch's BasePruningMethod, from files and installed packages.

Here they are found and added to the catalogue; at work they are in `engine.methods.custom_methods`.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import re
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from torch.nn.utils.prune import BasePruningMethod

from prune_tui import steps
from prune_tui.engine.hooks import definition
from prune_tui.engine.methods import signatures
from prune_tui.engine.methods.custom_methods import CLASSES, told
from prune_tui.engine.sources.python_object import import_file
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.step_settings import StepError

GROUP = "prune_tui.methods"
"""The entry points of installed packages: a name and a class, or a module of classes."""
_TYPES = ("unstructured", "structured", "global")


class Added(NamedTuple):
    """What plugins have added to the catalogue.

    Attributes:
        methods: As the UI is told of them.
        notes: What could not be added, and why.
    """

    methods: tuple[steps.Plugin, ...]
    notes: tuple[str, ...]


def add_method(kind: type[BasePruningMethod], name: str = "") -> str:
    """Add a pruning method of your own to the catalogue of this process.

    Args:
        kind: A subclass of torch.nn.utils.prune.BasePruningMethod. Its constructor's parameters become settings.
        name: What it is called in recipes and in `Session.apply`; empty makes `foo_bar` of FooBarPruningMethod.

    Returns:
        Its name.

    Raises:
        StepError: It is no such class, or its name is taken by a method of ours.
    """
    return _add(kind, name).name


def load(files: Iterable[str]) -> Added:
    """Add the pruning methods of some files and of all installed packages that offer some.

    Args:
        files: Python files; each must hold one at least.

    Raises:
        SourceError: A file cannot be imported, holds no pruning method, or one that torch could not use. A broken
            package is a note instead: it was not asked for.
    """
    found: dict[str, steps.Plugin] = {}
    notes = []
    for point in importlib.metadata.entry_points(group=GROUP):
        try:
            found |= _from_package(point)
        except StepError as error:  # noqa: PERF203
            notes.append(str(error))
    for file in files:
        for kind in _in_module(import_file(Path(file)), file):
            try:
                plugin = _add(kind)
            except StepError as error:
                raise SourceError(f"--plugin {file}: {error}") from error
            if plugin.name in found:
                where = f"{found[plugin.name].where} and {plugin.where}"
                raise SourceError(f"--plugin {file}: two methods are called {plugin.name}, {where}; rename one")
            found[plugin.name] = plugin
    return Added(tuple(found.values()), tuple(notes))


def _from_package(point: importlib.metadata.EntryPoint) -> dict[str, steps.Plugin]:
    with told(f"plugin {point.name} = {point.value}", "its package"):
        loaded = point.load()
    try:
        if isinstance(loaded, ModuleType):
            added = [_add(kind) for kind in _in_module(loaded, point.value)]
        else:
            added = [_add(loaded, point.name)]
    except (StepError, SourceError) as error:
        raise StepError(f"plugin {point.name} = {point.value}: {error}") from error
    return {plugin.name: plugin for plugin in added}


def _in_module(module: ModuleType, source: str) -> list[type[BasePruningMethod]]:
    """The pruning methods that a module defines; what it imports and what begins with _ is left out."""
    defined = [
        one
        for name, one in vars(module).items()
        if inspect.isclass(one)
        and issubclass(one, BasePruningMethod)
        and one.__module__ == module.__name__
        and not name.startswith("_")
    ]
    kinds = list(dict.fromkeys(one for one in defined if not inspect.isabstract(one)))
    if kinds:
        return kinds
    lacking = "; ".join(f"{one.__name__} has no {', '.join(sorted(one.__abstractmethods__))}" for one in defined)
    raise SourceError(
        f"{source} holds no pruning method: a subclass of torch.nn.utils.prune.BasePruningMethod with a"
        f" compute_mask{f' ({lacking})' if lacking else ''}"
    )


def _add(kind: type[BasePruningMethod], name: str = "") -> steps.Plugin:
    if not (inspect.isclass(kind) and issubclass(kind, BasePruningMethod)):
        raise StepError(f"{kind!r} is not a subclass of torch.nn.utils.prune.BasePruningMethod")
    where = definition(kind)
    if inspect.isabstract(kind):
        raise StepError(f"{kind.__name__} ({where}) has no {', '.join(sorted(kind.__abstractmethods__))}")
    if getattr(kind, "PRUNING_TYPE", None) not in _TYPES:
        raise StepError(f"{kind.__name__} ({where}) has no PRUNING_TYPE; torch wants one of {', '.join(_TYPES)}")
    settings, required = signatures.settings_of(kind, where)
    said = (vars(kind).get("__doc__") or "").strip().splitlines()
    sentence = signatures.sentence(said[0]) if said else f"The method of {kind.__name__} in {where}."
    plugin = steps.Plugin(name or _name(kind), sentence, settings, required, where)
    try:
        steps.register(plugin)
    except StepError as error:
        raise StepError(f"{kind.__name__} ({where}): {error}") from error
    CLASSES[plugin.name] = kind
    return plugin


def _name(kind: type) -> str:
    """`foo_bar` for FooBarPruningMethod, as `l1_unstructured` is for L1Unstructured."""
    stem = re.sub(r"_?(Pruning)?_?(Method|Pruner|Pruning)$", "", kind.__name__) or kind.__name__
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", stem).lower()
