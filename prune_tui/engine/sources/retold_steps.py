"""What a checkpoint tells of its steps, by the names that its tensors have where it is opened.

A file of names with `module.` tells of its steps without that, as they were done; a model whose code has such a
module calls its tensors by the whole names.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import yaml

from prune_tui.engine.exports import recipe
from prune_tui.engine.saved_metadata import PREFIX, RECIPE, TOOK
from prune_tui.engine.sources.checkpoint import Checkpoint
from prune_tui.engine.sources.method_histories import METHODS


def by_its_names(checkpoint: Checkpoint) -> Checkpoint:
    """The same, with the steps that its metadata tell of on tensors as they are called now.

    What cannot be read stays as it is: whoever restores the steps tells of it.
    """
    told = checkpoint.metadata.get(PREFIX, "")
    if told == checkpoint.prefix:
        return checkpoint

    def called(name: str) -> str:
        whole = told + name
        return whole.removeprefix(checkpoint.prefix)

    metadata = dict(checkpoint.metadata)
    try:
        for name, renamed in _RENAMED.items():
            if name in metadata:
                metadata[name] = renamed(metadata[name], called)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError, yaml.YAMLError):
        return checkpoint
    return dataclasses.replace(checkpoint, metadata={**metadata, PREFIX: checkpoint.prefix})


_Called = Callable[[str], str]


def _took(text: str, called: _Called) -> str:
    return json.dumps([{called(name): count for name, count in one.items()} for one in json.loads(text)])


def _methods(text: str, called: _Called) -> str:
    held: dict[str, Any] = json.loads(text)
    return json.dumps({called(name): methods for name, methods in held.items()}, sort_keys=True)


_RENAMED: dict[str, Callable[[str, _Called], str]] = {RECIPE: recipe.retargeted, TOOK: _took, METHODS: _methods}
