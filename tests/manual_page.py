"""The man page, made of the commands' signatures and docstrings; `python -m tests.shell_files` writes it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Container, Iterable, Iterator, Mapping

from cyclopts import App

import prune_tui
from prune_tui import cli, exit_codes
from prune_tui.completion.words import Option
from prune_tui.settings.table import SETTINGS
from tests.command_parameters import needed, parameters

TITLES = {"": "", "--once": "-1"}
VALUES = {
    "arg": "NAME=VALUE",
    "seed": "NUMBER",
    "plugin": "FILE",
    "weights": "CHECKPOINT",
    "key": "NAME",
    "key_b": "NAME",
    "allow": "NAME",
    "output": "PLACE",
    "module": "NAME",
    "depth": "LEVELS",
    "delete": "NAME",
    "older_than": "DAYS",
}
"""What stands for the value of an option; else its own name in capitals."""
EXAMPLES = (
    ("prune-tui", "Open the demo, the LeNet of PyTorch's pruning tutorial."),
    ("prune-tui model.safetensors", "Look into a checkpoint, without its code."),
    ("prune-tui my_model.py:Net --weights model.safetensors", "Open a model of your own with its weights."),
    ("prune-tui -1 model.safetensors", "Print one screen of it."),
    ("prune-tui apply recipe.yaml model.safetensors -o pruned.safetensors", "Prune it without a screen."),
)
ALONE = (("--version", "Print the version."), ("-h, --help", "Print the options, of a command too."))
ENVIRONMENT = (
    ("PRUNE_TUI_CONFIG", "The file of settings, where it is another than the usual one."),
    ("XDG_CONFIG_HOME, XDG_STATE_HOME", "Where the file of settings and the sessions are."),
    ("NO_COLOR", "Do without colours where it is set and not empty."),
)
FILES = (
    ("~/.config/prune-tui/config.toml", "The settings; prune-tui config path says where they are here."),
    ("~/.local/state/prune-tui/sessions", "The steps of every session; prune-tui sessions lists them."),
)


def written() -> str:
    """The page, in troff with the man macros."""
    return "\n".join(_page(cli._commands())) + "\n"


def _page(app: App) -> Iterator[str]:
    yield '.\\" Made from the commands by `python -m tests.shell_files`.'
    yield f'.TH PRUNE\\-TUI 1 "" "prune\\-tui {prune_tui.__version__}" "User Commands"'
    yield from _section("NAME", ["prune-tui - look into a PyTorch model in a terminal, and prune it by key"])
    yield ".SH SYNOPSIS"
    yield from _synopsis("", app)
    yield from (line for name in ("--once", *cli.COMMANDS) for line in (".br", *_synopsis(name, app[name])))
    yield from _section("DESCRIPTION", _about(app))
    yield from _section("", ["In the app ? shows all keys; prune-tui config keys prints them."])
    yield ".SH OPTIONS"
    yield from _options(parameters(app))
    yield from _listed(
        [("--version", "Print the version."), ("-h, --help", "Print the options, of a command too.")]
    )
    yield ".SH COMMANDS"
    yield _text("A file with the name of a command is opened as ./name.")
    known = {option.name: {option.about} for option in parameters(app)}
    for option in parameters(app["show"]):  # the same in fewer words
        known.get(option.name, set()).add(option.about)
    for name in ("--once", *cli.COMMANDS):
        yield from _command(name, app[name], known)
    yield ".SH EXIT STATUS"
    yield from _listed((row.code, exit_codes.meaning(row)) for row in exit_codes.TABLE)
    yield ".SH ENVIRONMENT"
    yield from _listed(
        (setting.variable, f"{setting.sentence} {_one_of(setting.choices)}") for setting in SETTINGS
    )
    yield from _listed(ENVIRONMENT)
    yield ".SH FILES"
    yield from _listed(FILES)
    yield ".SH EXAMPLES"
    yield from _listed(EXAMPLES)
    yield ".SH SEE ALSO"
    yield _text("https://docs.pytorch.org/tutorials/intermediate/pruning_tutorial.html")


def _synopsis(name: str, app: App) -> Iterator[str]:
    """`prune-tui show [OPTIONS] [SOURCE]`."""
    required = needed(app)
    options = parameters(app)
    places = [_place(option, option.name in required) for option in options if not option.names]
    title = TITLES.get(name, name)
    yield f".B {_escaped(f'prune-tui {title}'.strip())}"
    words = [*(["[OPTIONS]"] if any(option.names for option in options) else []), *places]
    yield from [_escaped(" ".join(words))] if words else []


def _place(option: Option, required: bool) -> str:
    word = "|".join(option.choices) or option.name.upper()
    return word if required else f"[{word}]"


def _command(name: str, app: App, known: Mapping[str, Container[str]]) -> Iterator[str]:
    """A command; options that are described above are only named."""
    options = parameters(app)
    above = [option for option in options if option.names and option.about in known.get(option.name, ())]
    yield f".SS {_escaped(TITLES.get(name, name))}"
    yield from _synopsis(name, app)
    for paragraph in _about(app):
        yield ".PP"
        yield _text(paragraph)
    yield from _options(option for option in options if option not in above)
    if above:
        yield ".PP"
        yield _text(f"{', '.join(option.names[0] for option in above)}: as above.")


def _about(app: App) -> list[str]:
    """The paragraphs of the docstring that stand before its arguments."""
    text = inspect.getdoc(app.default_command) or ""
    before = re.split(r"^(?:Args|Returns|Raises):", text, maxsplit=1, flags=re.MULTILINE)[0]
    own = [" ".join(paragraph.split()) for paragraph in before.split("\n\n") if paragraph.strip()]
    return [app.help, *own[1:]] if app.default_command is cli.open_model else own


def _options(options: Iterable[Option]) -> Iterator[str]:
    yield from _listed((_heading(option), option.about) for option in options)


def _heading(option: Option) -> str:
    """`-o, --output OUTPUT`, or `SOURCE`."""
    value = "|".join(option.choices) or VALUES.get(option.name) or option.name.upper()
    names = ", ".join(sorted(option.names, key=len))
    return f"{names} {value}" if names and option.takes_value else names or value


def _one_of(choices: tuple[str, ...]) -> str:
    return f"One of {', '.join(choices)}." if choices else ""


def _section(title: str, paragraphs: Iterable[str]) -> Iterator[str]:
    if title:
        yield f".SH {title}"
    for place, paragraph in enumerate(paragraphs):
        if place or not title:
            yield ".PP"
        yield _text(paragraph)


def _listed(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    for heading, about in rows:
        yield from (".TP", f".B {_escaped(heading)}", _text(about.strip()))


def _text(text: str) -> str:
    """A line of text, which is never read as a request."""
    return f"\\&{_escaped(text)}" if text.startswith((".", "'")) else _escaped(text)


def _escaped(text: str) -> str:
    """With quoted code in bold, and nothing that troff would take for its own."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace('"', "\\(dq")
    return re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
