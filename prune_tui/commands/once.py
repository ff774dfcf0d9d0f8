"""`prune-tui -1`: one screen of a model, printed."""

from __future__ import annotations

from prune_tui.commands.answering import Worked, answered
from prune_tui.commands.printing import in_unicode
from prune_tui.commands.show import tree_report
from prune_tui.commands.source_options import AS_IT_IS, SourceOptions
from prune_tui.commands.terminal_size import height, width
from prune_tui.exit_codes import DONE


def once(
    source: str = "demo",
    /,
    *,
    json: bool = False,
    options: SourceOptions = AS_IT_IS,
    debug: bool = False,
) -> int:
    """Print one screen of the model and exit, in a terminal or a pipe; prune-tui show prints all of it.

    Args:
        source: demo, a checkpoint's file or folder, file.py:Symbol or package.module:Symbol.
        json: Print one JSON object with all modules, as prune-tui show --json does.
        options: How it is opened.
        debug: Show tracebacks.
    """

    def work() -> Worked:
        wanted = options.of(source)  # what is refused there need not wait for torch
        from prune_tui.commands import tree_text
        from prune_tui.engine import outline, sources

        loaded = sources.load(wanted)
        if json:
            return DONE, tree_report(source, loaded)
        rows = outline.outline(loaded.model)
        kind = None if loaded.checkpoint is None else loaded.checkpoint.kind
        return DONE, tree_text.one_screen(source, rows, kind, loaded.notes, width=width(), height=height())

    return answered(work, {"source": in_unicode(source)}, json=json, debug=debug)
