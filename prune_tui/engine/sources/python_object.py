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

from prune_tui.engine.sources.loaded import SourceError
from prune_tui.steps import nearest

FORMS = "a source is demo, file.py:Symbol or package.module:Symbol"


def load(source: str, arguments: tuple[str, ...], device: torch.device | None) -> nn.Module:
    """Import the code, build the model and move it.

    Args:
        source: `path/to/file.py:Symbol` or `package.module:Symbol`; the symbol may be dotted.
        arguments: `name=value` texts; values are Python literals, anything else is a string.
        device: Where to move the model; None leaves it where the code put it.

    Raises:
        SourceError: A step of this failed; says which and what to do.
    """
    place, separator, symbol = source.rpartition(":")
    if not separator or not place or not symbol:
        if Path(source).suffix == ".py" and Path(source).is_file():
            raise SourceError(f"{source} names a file but no model; add one: {source}:{_first_class(source)}")
        raise SourceError(f"cannot tell what {source!r} is; {FORMS}")
    module = _module_from_file(Path(place)) if place.endswith(".py") else _module_by_name(place)
    found = _attribute(module, place, symbol)
    model = _built(found, source, _keywords(arguments))
    return model if device is None else _moved(model, device)


def _first_class(file: str) -> str:
    """The name of the first class in a file, for an example in a message; `Net` when there is none to read."""
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return "Net"
    return next((node.name for node in tree.body if isinstance(node, ast.ClassDef)), "Net")


def _module_from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise SourceError(f"there is no file {path}; {FORMS}")
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # its imports of neighbouring files work as in `python file.py`
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise SourceError(f"cannot import {path} as Python code")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    with _explained(f"{path} could not be imported"):
        spec.loader.exec_module(module)
    return module


def _module_by_name(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise SourceError(f"there is no module {name!r}; {FORMS}")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        missing = importlib.util.find_spec(name) is None
    except ModuleNotFoundError:
        missing = True
    if missing:
        raise SourceError(
            f"there is no module {name!r} in this Python ({sys.executable}); is it installed, or is it {name}.py?"
        )
    with _explained(f"module {name} could not be imported"):
        return importlib.import_module(name)


def _attribute(module: ModuleType, place: str, symbol: str) -> Any:
    found: Any = module
    for part in symbol.split("."):
        if not hasattr(found, part):
            public = (
                [name for name in vars(found) if not name.startswith("_")] if hasattr(found, "__dict__") else []
            )
            models = [name for name in public if _looks_like_a_model(getattr(found, name), module)]
            has = f"; it has {', '.join(models)}" if models else ""
            raise SourceError(f"{place} has no {part!r}{nearest(part, public)}{has}")
        found = getattr(found, part)
    return found


def _looks_like_a_model(candidate: Any, module: ModuleType) -> bool:
    if isinstance(candidate, nn.Module):
        return True
    defined_here = getattr(candidate, "__module__", None) == module.__name__
    return defined_here and (inspect.isfunction(candidate) or inspect.isclass(candidate))


def _keywords(arguments: tuple[str, ...]) -> dict[str, Any]:
    keywords: dict[str, Any] = {}
    for argument in arguments:
        name, separator, text = argument.partition("=")
        if not separator or not name.strip().isidentifier():
            raise SourceError(f"--arg {argument}: write it as name=value, such as --arg num_classes=10")
        keywords[name.strip()] = _value(text)
    return keywords


def _value(text: str) -> Any:
    """A Python literal (10, 0.5, True, None, [1, 2], 'a'), or the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _built(found: Any, source: str, keywords: dict[str, Any]) -> nn.Module:
    if isinstance(found, nn.Module):
        if keywords:
            raise SourceError(f"{source} is a finished model; it takes no --arg")
        return found
    if not callable(found):
        raise SourceError(
            f"{source} is a {type(found).__name__}; it must be a model, its class or a function returning one"
        )
    try:
        inspect.signature(found).bind(**keywords)
    except TypeError as error:
        raise SourceError(
            f"{source} cannot be called so: {error}. Its signature is {_signature(found)}; use --arg name=value"
        ) from None
    except ValueError:
        pass  # a builtin without a signature: calling it will tell
    with _explained(f"{source} raised while building the model"):
        model = found(**keywords)
    if not isinstance(model, nn.Module):
        raise SourceError(f"{source} returned a {type(model).__name__}, not a torch.nn.Module")
    return model


def _signature(found: Any) -> str:
    return f"{getattr(found, '__name__', type(found).__name__)}{inspect.signature(found)}"


def _moved(model: nn.Module, device: torch.device) -> nn.Module:
    held = [*model.parameters(), *model.buffers()]
    if any(tensor.is_meta for tensor in held if not is_lazy(tensor)):
        raise SourceError(
            f"the model is on the meta device and has no values to move; leave out --device {device}"
        )
    with _explained(f"the model could not be moved to {device}"):
        return model.to(device)


class _explained:  # noqa: N801 - used as a context manager, reads as a verb
    """Turn whatever a person's code raises into a SourceError that names the line of theirs.

    Their code may raise anything, SystemExit included; nothing is swallowed: the traceback travels as the cause.
    """

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: Any) -> None:
        if error is None or isinstance(error, (KeyboardInterrupt, SourceError)):
            return
        while traceback.tb_next is not None:
            traceback = traceback.tb_next
        where = f"{Path(traceback.tb_frame.f_code.co_filename).name}:{traceback.tb_lineno}"
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise SourceError(f"{self.what} ({where}): {reason}") from error
