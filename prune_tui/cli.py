"""The command line: parse, hand over, print; nothing else."""

from __future__ import annotations

import os
import sys
from typing import Annotated

from cyclopts import App, Parameter

from prune_tui import __version__
from prune_tui.protocol import Open

CANNOT_OPEN = 2

app = App(
    name="prune-tui",
    help="Open a PyTorch model in a terminal, look into every module, prune it by key and take anything back.",
    version=__version__,
)


@app.default
def open_model(
    source: str = "demo",
    /,
    *,
    arg: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    device: str = "auto",
    seed: int = 0,
    readonly: Annotated[bool, Parameter(negative="")] = False,
    debug: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Open a model.

    Args:
        source: demo, file.py:Symbol or package.module:Symbol; the symbol is a Module class, a function that returns
            a Module, or a Module.
        arg: name=value for the class or function; may be given several times.
        device: auto (cuda when there, else cpu), cpu, cuda, cuda:0, mps.
        seed: Seeds the construction of the model and every random step.
        readonly: Look only; no step is possible.
        debug: Show tracebacks.
    """
    refusal = _no_terminal()
    if refusal:
        return _fail(refusal)
    request = Open(source, arg, device, seed, readonly)
    from prune_tui.client import EngineProcess  # noqa: PLC0415 - --version and --help need none of it

    engine = EngineProcess()  # it imports torch while we import Textual
    try:
        from prune_tui.ui.app import PruneApp  # noqa: PLC0415

        started = [engine]
        ui = PruneApp(request, lambda: started.pop() if started else EngineProcess())
        ui.run(mouse=True)
    finally:
        engine.stop()
    if ui.failure:
        return _fail(ui.failure, ui.failure_details if debug else "")
    return ui.return_code or 0


def _no_terminal() -> str:
    """Why the app cannot run here; empty when it can."""
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        return "standard input and output must be a terminal; run prune-tui in one, not in a pipe"
    if os.environ.get("TERM", "") in {"", "dumb", "unknown"}:
        return f"TERM is {os.environ.get('TERM', '')!r}: this terminal cannot move the cursor; set TERM=xterm-256color"
    return ""


def _fail(message: str, details: str = "") -> int:
    if details:
        print(details, file=sys.stderr)  # noqa: T201 - what a command line is for
    print(f"prune-tui: {message}", file=sys.stderr)  # noqa: T201
    return CANNOT_OPEN


def main() -> None:
    """The console script."""
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")  # 114 KB a page over SSH become 16 KB
    sys.exit(app())
