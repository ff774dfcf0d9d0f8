"""`prune-tui show`: the modules of a model as a tree, or what one of them holds, printed."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from prune_tui.commands.answering import Worked, answered
from prune_tui.commands.printing import in_unicode
from prune_tui.commands.source_options import AS_IT_IS, SourceOptions
from prune_tui.commands.terminal_size import width
from prune_tui.exit_codes import DONE
from prune_tui.step_settings import StepError

if TYPE_CHECKING:
    from prune_tui.checkpoint_views import CheckpointView
    from prune_tui.engine.sources.loaded import Loaded
    from prune_tui.view_rows import ModuleRow
    from prune_tui.views import ModuleView


def show(
    source: str = "demo",
    /,
    *,
    module: str | None = None,
    depth: int | None = None,
    json: bool = False,
    options: SourceOptions = AS_IT_IS,
    debug: bool = False,
) -> int:
    """Print the modules of a model, or what one of them holds; no value is read for the tree.

    Exit code: 0, or 2 when the model could not be opened.

    Args:
        source: demo, a checkpoint's file or folder, file.py:Symbol or package.module:Symbol.
        module: Print the tensors, hooks and histories of the module of this name; "" is the model itself.
        depth: Print so many levels of modules; 0 is the model alone.
        json: Print one JSON object instead of text.
        options: How it is opened.
        debug: Show tracebacks.
    """

    def work() -> Worked:
        if depth is not None and (depth < 0 or module is not None):
            why = "it is a number of levels, 0 or more" if depth < 0 else "it is for the tree; leave out --module"
            raise StepError(f"--depth {depth}: {why}")
        wanted = options.of(source)  # what is refused there need not wait for torch
        from prune_tui.engine import sources

        loaded = sources.load(wanted)
        if module is not None:
            return DONE, _of_module(source, loaded, module, json)
        return DONE, tree_report(source, loaded, depth) if json else _tree(source, loaded, depth)

    return answered(work, {"source": in_unicode(source)}, json=json, debug=debug)


def _tree(source: str, loaded: Loaded, depth: int | None) -> str:
    from prune_tui.commands import tree_text
    from prune_tui.engine import outline
    from prune_tui.engine.description import described

    rows = outline.outline(loaded.model)
    checkpoint = None if loaded.checkpoint is None else described(loaded.checkpoint)
    return tree_text.written(source, rows, checkpoint, loaded.notes, depth=depth, width=width())


def tree_report(source: str, loaded: Loaded, depth: int | None = None) -> dict[str, Any]:
    """A model and its modules as JSON has them.

    Args:
        source: As the person named it.
        loaded: What it is.
        depth: Levels of modules; None for all.
    """
    from prune_tui.commands import tree_text
    from prune_tui.engine import outline
    from prune_tui.engine.description import described

    rows = outline.outline(loaded.model)
    checkpoint = None if loaded.checkpoint is None else described(loaded.checkpoint)
    shown = [row for row in rows if depth is None or tree_text.level(row) <= depth]
    return {**_whole(source, rows[0], checkpoint, loaded), "modules": [module_report(row) for row in shown]}


def _of_module(source: str, loaded: Loaded, path: str, json: bool) -> str | dict[str, Any]:
    from prune_tui.engine import walking
    from prune_tui.engine.modules import module_view

    modules = {place.path: place.module for place in walking.places(loaded.model, into_shared=True)}
    if path not in modules:
        near = difflib.get_close_matches(path, modules, 1)
        did_you = f"did you mean {near[0]}?" if near else "prune-tui show SOURCE lists them"
        raise StepError(f"{source} has no module {path}; {did_you}")
    view = module_view(loaded.model, path, modules[path], loaded.past.recorded)
    if json:
        return {"source": source, "module": view_report(view)}
    from prune_tui.ui.module_lines import module_lines
    from prune_tui.ui.tree_line import cut, printable

    cells = width()
    lines = [f"{path}  {view.title}" if path else view.title, view.where, ""]
    told = [*map(printable, lines), *(line.text.plain for line in module_lines(view, cells))]
    return "\n".join(cut(line, cells).rstrip() for line in told)


def _whole(source: str, row: ModuleRow, checkpoint: CheckpointView | None, loaded: Loaded) -> dict[str, Any]:
    return {
        "source": source,
        "model": row.type,
        "parameters": row.parameters,
        "masked": row.masked,
        "bytes": row.bytes,
        "dtypes": row.dtypes,
        "devices": row.devices,
        "checkpoint": checkpoint,
        "notes": loaded.notes,
    }


def module_report(row: ModuleRow) -> dict[str, Any]:
    """A row of the tree as JSON has it."""
    return {
        "path": row.path,
        "type": row.type,
        "parameters": row.parameters,
        "masked": row.masked,
        "bytes": row.bytes,
        "dtypes": row.dtypes,
        "devices": row.devices,
        "shared_with": row.shared_with,
        "tensors": row.tensors,
    }


def view_report(view: ModuleView) -> dict[str, Any]:
    """A module as JSON has it."""
    return {
        "path": view.path,
        "title": view.title,
        "where": view.where,
        "tensors": [*view.parameters, *view.buffers, *view.computed],
        "hooks": view.hooks,
        "parametrizations": view.parametrizations,
        "histories": view.histories,
    }
