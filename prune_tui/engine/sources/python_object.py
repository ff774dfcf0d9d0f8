"""A model from Python code: `file.py:Symbol` or `package.module:Symbol`, a class, a factory or an instance."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from prune_tui.engine.sources.explained import explained
from prune_tui.engine.sources.import_path import searched_first
from prune_tui.engine.sources.source_error import SourceError
from prune_tui.engine.walking import tensors_of
from prune_tui.source_names import FORMS, missing
from prune_tui.step_settings import nearest

_LONGEST_SIGNATURE = 300


def load(source: str, arguments: tuple[str, ...], device: torch.device | None) -> nn.Module:
    """Import the code, build the model and move it.

    Args:
        source: `path/to/file.py:Symbol` or `package.module:Symbol`; the symbol may be dotted.
        arguments: `name=value` texts; values are Python literals, anything else is a string.
        device: Where to move the model; None leaves it where the code put it.

    Raises:
        SourceError: A step of this failed; says which and what to do.
    """
    keywords = read_arguments(arguments)
    if why := missing(source):
        raise SourceError(why)
    place, symbol = _parts(source)
    is_file = place.endswith(".py")
    with searched_first(Path(place).resolve().parent if is_file else Path.cwd()):
        module = _module_from_file(Path(place)) if is_file else _module_by_name(place)
        model = _built(_attribute(module, place, symbol), source, keywords)
    return model if device is None else _moved(model, device)


def import_file(path: Path) -> ModuleType:
    """Import a file as a module of its own; its imports of neighbouring files work as in `python file.py`.

    Raises:
        SourceError: It could not be imported; names the line.
    """
    if not path.is_file():
        raise SourceError(f"there is no file {path}; {FORMS}")
    with searched_first(path.resolve().parent):
        return _module_from_file(path)


def _parts(source: str) -> tuple[str, str]:
    """Place and symbol, or a sentence that says what is missing."""
    place, _, symbol = source.rpartition(":")
    if place and symbol:
        return place, symbol
    place = source.rstrip(":")
    if place.endswith(".py"):
        raise SourceError(f"{place} names a file but no model; add one: {place}:{_first_class(place)}")
    raise SourceError(f"{place} is not Python code; {FORMS}")


def _first_class(file: str) -> str:
    """The first class in a file that looks like a model, else the first class, else `Net`: an example to copy."""
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return "Net"
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    models = [node for node in classes if any("Module" in ast.unparse(base) for base in node.bases)]
    return next((node.name for node in (*models, *classes)), "Net")


# ---------------------------------------------------------------- importing


def _module_from_file(path: Path) -> ModuleType:
    name = _free_name(path.stem)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SourceError(f"cannot import {path} as Python code")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with explained(f"{path} could not be imported"):
            spec.loader.exec_module(module)
    except SourceError:
        del sys.modules[name]
        raise
    return module


def _free_name(stem: str) -> str:
    """The file's own name as a module, or another where that one is taken: a torch.py must not become torch."""
    taken = stem in sys.modules or stem in sys.stdlib_module_names
    return f"{stem}_opened_by_prune_tui" if taken else stem


def _module_by_name(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise SourceError(f"there is no module {name!r}; {FORMS}")
    with explained(f"module {name} could not be imported"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise  # it is there, and imports one that is not
            raise SourceError(
                f"there is no module {error.name!r} in this Python ({sys.executable});"
                f" is it installed, or is it {error.name.replace('.', '/')}.py?"
            ) from None


# ---------------------------------------------------------------- finding the symbol


def _attribute(module: ModuleType, place: str, symbol: str) -> Any:
    found: Any = module
    for part in symbol.split("."):
        with explained(f"{place} could not give {symbol}"):
            if not hasattr(found, part):
                raise SourceError(_no_such(found, module, place, part))
            found = getattr(found, part)
    return found


def _no_such(holder: Any, module: ModuleType, place: str, part: str) -> str:
    public = [name for name in getattr(holder, "__dict__", ()) if not name.startswith("_")]
    models = [name for name in public if _looks_like_a_model(getattr(holder, name, None), module)]
    has = f"; it has {', '.join(models)}" if models else ""
    return f"{place} has no {part!r}{nearest(part, public)}{has}"


def _looks_like_a_model(candidate: Any, module: ModuleType) -> bool:
    if inspect.isclass(candidate):
        return issubclass(candidate, nn.Module) and candidate.__module__ == module.__name__
    if inspect.isfunction(candidate):
        return candidate.__module__ == module.__name__
    return isinstance(candidate, nn.Module)


# ---------------------------------------------------------------- building


def read_arguments(arguments: tuple[str, ...]) -> dict[str, Any]:
    """The `name=value` texts of `--arg` as what is passed to a class or function.

    Raises:
        SourceError: One of them is no such text, or a name is given twice.
    """
    keywords: dict[str, Any] = {}
    for argument in arguments:
        name, separator, text = argument.partition("=")
        name = name.strip()
        if not separator or not name.isidentifier():
            raise SourceError(f"--arg {argument}: write it as name=value, such as --arg num_classes=10")
        if name in keywords:
            raise SourceError(f"--arg {name} is given twice")
        keywords[name] = _value(text.strip())
    return keywords


def _value(text: str) -> Any:
    """A Python literal (10, 0.5, True, None, [1, 2], 'a'), or the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return text


def _built(found: Any, source: str, keywords: dict[str, Any]) -> nn.Module:
    if isinstance(found, nn.Module):
        if keywords:
            raise SourceError(f"{source} is a finished model; it takes no --arg")
        return _complete(found, source)
    if inspect.isclass(found) and not issubclass(found, nn.Module):
        raise SourceError(f"{source} is a class, but no torch.nn.Module; name a model's class")
    if not callable(found):
        raise SourceError(
            f"{source} is of type {type(found).__name__};"
            " it must be a model, its class or a function returning one"
        )
    _check_call(found, source, keywords)
    with explained(f"{source} raised while building the model"):
        model = found(**keywords)
    if not isinstance(model, nn.Module):
        raise SourceError(
            f"{source} returned something of type {type(model).__name__}; it must return a torch.nn.Module"
        )
    return _complete(model, source)


def _check_call(found: Any, source: str, keywords: dict[str, Any]) -> None:
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        return  # a builtin without a signature: calling it will tell
    try:
        signature.bind(**keywords)
    except TypeError as error:
        text = f"{getattr(found, '__name__', type(found).__name__)}{signature}"
        if len(text) > _LONGEST_SIGNATURE:
            text = f"{text[:_LONGEST_SIGNATURE]}…"
        raise SourceError(
            f"{source} cannot be called so: {error}. Its signature is {text}; use --arg name=value"
        ) from None


def _complete(model: nn.Module, source: str) -> nn.Module:
    if "_modules" not in vars(model):
        name = type(model).__name__
        raise SourceError(f"{source} is not a complete model: {name}.__init__ must call super().__init__()")
    return model


def _moved(model: nn.Module, device: torch.device) -> nn.Module:
    held = list(tensors_of(model))
    if any(tensor.is_meta for tensor in held if not is_lazy(tensor)):
        raise SourceError(
            f"the model is on the meta device and has no values to move; leave out --device {device}"
        )
    with explained(f"the model could not be moved to {device}"):
        return model.to(device)
