"""The command line: parse, hand over, print; nothing else."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from prune_tui import exit_codes, journal
from prune_tui.commands import seeds
from prune_tui.exit_codes import DONE, FAILED, INTERRUPTED
from prune_tui.leaving_by_signals import ended_by_signals
from prune_tui.protocol import Open
from prune_tui.settings.choosing import Settings, settle
from prune_tui.settings.config_file import ConfigError
from prune_tui.settings.table import Value
from prune_tui.source_names import DEMO, missing
from prune_tui.step_settings import StepError, nearest
from prune_tui.told_names import escaped

if TYPE_CHECKING:
    from cyclopts import App, CycloptsError

COMMANDS = {
    "apply": "Do the steps of a recipe to a model and save it.",
    "check": "Say what is wrong or surprising in a model.",
    "completion": "Print the script that completes commands, files and modules in bash, zsh or fish.",
    "config": "Show what is settled, where, and whether it is sound.",
    "convert": "Copy a model into another kind of file, or another form of its pruning.",
    "diff": "Say what differs between two models.",
    "man": "Print the man page: prune-tui man | man -l -",
    "show": "Print the modules of a model, or what one of them holds.",
    "sessions": "List the sessions that are kept, and delete some.",
    "web": "Show the app in a browser.",
}
"""Each a function of its own name in a module of `prune_tui.commands`. A file of that name is opened as ./name."""
_ELSEWHERE = {"web": "prune_tui.web.command:web"}
_AS_THEN = ("arg", "device", "seed", "weights", "key", "allow", "trust", "readonly", "no_journal")
"""The parameters that a session which is gone on with has from its journal."""
_ONCE = ("--once", "-1")
"""A command that may also come after its source, as an option does."""
_COMPLETE = "__complete"
"""A hidden command."""


def open_model(
    source: str | None = None,
    /,
    *,
    arg: tuple[str, ...] = (),
    device: str | None = None,
    seed: int = 0,
    plugin: tuple[str, ...] = (),
    weights: str = "",
    key: str = "",
    allow: tuple[str, ...] = (),
    trust: bool = False,
    readonly: bool = False,
    resume: bool = False,
    no_journal: bool = False,
    theme: str | None = None,
    ascii: bool = False,  # noqa: A002 - the option's name
    slow: bool = False,
    no_mouse: bool = False,
    debug: bool = False,
) -> int:
    """Open a model.

    Args:
        source: demo (the default); a checkpoint's file or folder; or file.py:Symbol or package.module:Symbol,
            where the symbol is a Module class, a function that returns a Module, or a Module.
        arg: name=value for the class or function; may be given several times.
        device: auto (a model stays where its code puts it; the demo goes to cuda when there), cpu, cuda, cuda:0,
            mps.
        seed: Seeds the construction of the model and every random step.
        plugin: A Python file with pruning methods of your own, subclasses of torch's BasePruningMethod;
            may be given several times.
        weights: A checkpoint to load into the model that the class or function makes.
        key: Which part of a trainer's dictionary to open, as model_state_dict.
        allow: A class or function that a checkpoint's pickle may use; may be given several times.
        trust: Let a checkpoint's pickle run whatever code it brings.
        readonly: Look only; no step is possible.
        resume: Go on with the steps kept in the journal: of the last session, of the last one on SOURCE, or of the
            session that SOURCE names as `prune-tui sessions` does.
        no_journal: Keep the steps for as long as the app runs only.
        theme: dark, light, ansi, ansi-light, colour-blind or colour-blind-light.
        ascii: Draw everything in ASCII.
        slow: Draw with as few bytes as can be, for a slow line: shades, not colours.
        no_mouse: Leave the mouse to the terminal, which then selects text itself.
        debug: Show tracebacks.
    """
    try:
        settings = _settled(
            {
                "device": device,
                "theme": theme,
                "ascii": ascii or None,
                "slow": "always" if slow else None,
                "mouse": False if no_mouse else None,
            }
        )
    except ConfigError as error:
        return _fail(str(error))
    where = settings.word("device")
    refusal = _no_terminal() or _unusable(source or "demo", arg, where, seed, plugin, resume=resume)
    if resume:
        refusal = _not_as_then(arg, device, seed, weights, key, allow, trust, readonly, no_journal) or refusal
    if refusal:
        return _fail(refusal)
    with _journals(lasting=not no_journal) as journals:
        if resume:
            return _go_on(journals, source, plugin, settings, debug=debug)
        request = Open(
            source or "demo",
            arg,
            where,
            seed,
            readonly,
            journals=str(journals),
            plugins=plugin,
            key=key,
            allow=allow,
            trust=trust,
            weights=weights,
        )
        return _run_app(request, Path.cwd(), settings, lasting=not no_journal, debug=debug)


def _settled(options: Mapping[str, Value | None]) -> Settings:
    """What a person wants, checked before anything is started.

    Raises:
        ConfigError: It cannot be.
    """
    settings = settle(options)
    if settings.keys:
        from prune_tui.ui.keys import Keymap  # noqa: PLC0415 - who has no keys of their own need not wait for it

        Keymap(settings.keys)
    return settings


def _go_on(
    journals: Path, source: str | None, plugins: tuple[str, ...], settings: Settings, *, debug: bool
) -> int:
    """Open what a session was on, as it was opened then, and go on with its steps."""
    try:
        last = next(iter(journal.listing(journals)), None)
        if source is None and last is not None and journal.in_use(last):
            return _fail(
                f"the last session, {last.stem}, is in use by another prune-tui; name another: --resume NAME"
            )
        kept = journal.named(journals, source) if source else journal.latest(journals)
    except journal.JournalError as error:
        return _fail(str(error))
    if kept is None:
        on = f" on {source}" if source else ""
        return _fail(f"there is no session{on} to go on with; prune-tui sessions lists those that are kept")
    request = Open.going_on(kept, str(journals), tuple(str(Path(file).resolve()) for file in plugins))
    return _run_app(request, Path(kept.header.folder), settings, lasting=True, debug=debug)


@contextlib.contextmanager
def _journals(*, lasting: bool) -> Iterator[Path]:
    """The folder of the journals: the user's, or one that goes when the app is left."""
    if lasting:
        yield journal.folder()
        return
    with tempfile.TemporaryDirectory(prefix="prune-tui-") as journals:
        yield Path(journals)


def _run_app(request: Open, folder: Path, settings: Settings, *, lasting: bool, debug: bool) -> int:
    """Run the app, with engines that work in a folder."""
    from prune_tui.client import EngineProcess  # noqa: PLC0415 - a refusal needs none of it

    engines: list[EngineProcess] = []

    def start_engine() -> EngineProcess:
        engines.append(EngineProcess(folder, request))
        return engines[-1]

    first = iter([start_engine()])  # it imports torch while we import Textual
    try:
        from prune_tui.ui import layout_file  # noqa: PLC0415
        from prune_tui.ui.app import PruneApp  # noqa: PLC0415

        layout = layout_file.LayoutFile(layout_file.place())
        ui = PruneApp(
            request,
            lambda: next(first, None) or start_engine(),
            keeps=lasting,
            settings=settings,
            layout_file=layout,
        )
        with ended_by_signals(ui.signalled, watched=_in_a_browser() or _is_terminal(sys.stdin)):
            ui.run(mouse=settings.yes("mouse"))
    finally:
        for engine in engines:
            engine.stop()
    if ui.failure:
        _fail(ui.failure, ui.failure_details if debug else "")
    for told in filter(None, (ui.kept, layout.keep())):
        print(told, file=sys.stderr if _in_a_browser() else None)  # the screen is gone; this stays
    return ui.return_code or 0


def _no_terminal() -> str:
    """Why the app cannot run here; empty when it can."""
    if _in_a_browser():
        return ""
    if not _is_terminal(sys.stdin) or not _is_terminal(sys.stdout):
        return "standard input and output must be a terminal; run prune-tui in one, not in a pipe"
    if not _is_terminal(sys.stderr):
        return "standard error must be a terminal too, the screen is drawn there; leave out the 2>"
    term = os.environ.get("TERM", "")
    if term in {"", "dumb", "unknown"}:
        return f"TERM is {term!r}: this terminal cannot move the cursor; set TERM=xterm-256color"
    return ""


def _in_a_browser() -> bool:
    """Whether `prune-tui web` has started it: keys and screen go through pipes."""
    return os.environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver")


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()  # None: the shell has closed it


def _unusable(
    source: str, arg: tuple[str, ...], device: str, seed: int, plugin: tuple[str, ...], *, resume: bool
) -> str:
    """What is wrong with the arguments, as far as it shows without torch; empty when nothing is.

    With `resume` the source may be the name of a session.
    """
    try:
        "".join((source, *arg, device, *plugin)).encode()
    except UnicodeEncodeError:
        return f"{source!r} or an option of it is not UTF-8; rename the file, or link to it by a name that is"
    try:
        seeds.checked(seed)
    except StepError as error:
        return str(error)
    if not resume and (why := missing(source)):
        return f"{why}{nearest(source, (DEMO, *COMMANDS))}"
    for file in plugin:
        if not file.endswith(".py"):
            return f"--plugin {file}: a plugin is a Python file, such as my_methods.py"
        if not Path(file).is_file():
            return f"--plugin {file}: there is no such file"
    return ""


def _not_as_then(*how: object) -> str:
    """Why a session cannot be gone on with: one of the options is given that say how it was opened; or empty."""
    if not any(how):
        return ""
    return (
        "--resume opens the model as it was opened then; leave out --arg, --device, --seed, --weights, --key,"
        " --allow, --trust, --readonly and --no-journal"
    )


def _fail(message: str, details: str = "") -> int:
    message = "\n".join(map(escaped, message.splitlines()))
    text = f"{details.rstrip()}\nprune-tui: {message}" if details else f"prune-tui: {message}"
    print(text, file=sys.stderr)  # noqa: T201 - what a command line is for
    if not _is_terminal(sys.stderr) and _is_terminal(sys.stdout):
        print(text)  # noqa: T201 - with `2>/dev/null` the person still reads why nothing opened
    return FAILED


def refusal(arguments: list[str]) -> str:
    """Why the app would not be started with these arguments, as far as that shows here; empty when it would."""
    try:
        command, bound, _ = _commands().parse_args(arguments, exit_on_error=False, print_error=False)
    except Exception as error:  # noqa: BLE001 - whatever the parser does not take
        return f"{' '.join(str(error).split())} prune-tui --help shows the options"
    if command is not open_model:
        return f"{' '.join(arguments)} opens no model"
    bound.apply_defaults()
    values = bound.arguments
    try:
        settings = _settled({"theme": values["theme"], "device": values["device"]})
    except ConfigError as error:
        return str(error)
    if values["resume"] and (refused := _not_as_then(*(values[name] for name in _AS_THEN))):
        return refused
    source, device = values["source"] or "demo", settings.word("device")
    return _unusable(source, values["arg"], device, values["seed"], values["plugin"], resume=values["resume"])


def _commands() -> App:
    """The commands and their options, read from the signature above."""
    import importlib.metadata  # noqa: PLC0415

    from cyclopts import App, Parameter, UnusedCliTokensError  # noqa: PLC0415 - see main
    from rich.console import Console  # noqa: PLC0415

    def one_line(error: CycloptsError) -> str:
        told = " ".join(str(error).split())
        if isinstance(error, UnusedCliTokensError):
            told = f"{' '.join(error.unused_tokens or ())} is more than it takes."
        return f"prune-tui: {escaped(told)} prune-tui --help shows the options"

    app = App(
        name="prune-tui",
        help="Open a PyTorch model in a terminal, look into every module, prune it by key and take anything back.",
        help_epilogue=exit_codes.in_a_line(),
        version=lambda: importlib.metadata.version("prune-tui"),
        default_parameter=Parameter(negative=()),
        error_formatter=one_line,
        error_console=Console(stderr=True, markup=False, highlight=False, soft_wrap=True),
    )
    app.default(open_model)
    app.command("prune_tui.commands.once:once", name=_ONCE, help="Print one screen of the model and exit.")
    for command, sentence in COMMANDS.items():
        place = _ELSEWHERE.get(command, f"prune_tui.commands.{command}:{command}")
        app.command(place, name=command, help=sentence)
    return app


def _complete(how: str = "", *words: str) -> int:
    """Tell a shell what may stand at the cursor; `prune_tui/shell` says how it asks."""
    from prune_tui.completion import answer  # noqa: PLC0415 - see main

    print(answer.for_line(COMMANDS, *words) if how == "line" else answer.for_words(COMMANDS, words))  # noqa: T201
    return DONE


def _with_once_first(arguments: list[str]) -> list[str]:
    """`prune-tui model.safetensors -1` as `prune-tui -1 model.safetensors`; what follows --seed is a number."""
    if arguments and arguments[0] in COMMANDS:
        return arguments
    for place, word in enumerate(arguments):
        if word in _ONCE and arguments[place - 1 : place] != ["--seed"]:
            return [word, *arguments[:place], *arguments[place + 1 :]]
    return arguments


def _run(arguments: list[str]) -> int:
    if arguments[:1] == [_COMPLETE]:
        return _complete(*arguments[1:])
    arguments = _with_once_first(arguments)
    # A bare source needs no parser, and importing one takes a fifth of the time until the first screen.
    plain = not any(argument.startswith("-") or argument in COMMANDS for argument in arguments)
    if len(arguments) <= 1 and plain:
        return open_model(*arguments)
    if len(arguments) > 1 and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        why = missing(arguments[0])  # of a mistyped command the parser would blame what follows
        if meant := why and nearest(arguments[0], COMMANDS):
            return _fail(f"{why}{meant}")
    return int(_commands()(arguments, result_action="return_value") or 0)


def main() -> None:
    """The console script."""
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")  # 114 KB a page over SSH become 16 KB
    try:
        code = _run(sys.argv[1:])
    except KeyboardInterrupt:  # before the app had taken the keyboard
        code = INTERRUPTED
    sys.exit(code)
