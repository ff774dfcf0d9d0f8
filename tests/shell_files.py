"""The files that are made of the commands: `python -m tests.shell_files` writes them.

The parameters that `prune_tui.completion` offers, and the man page.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from cyclopts import App

from prune_tui import cli
from prune_tui.completion.words import Option

PACKAGE = Path(cli.__file__).parent
PARAMETERS = PACKAGE / "completion" / "parameters.json"


def parameters(app: App) -> list[Option]:
    """The parameters of a command, as its signature and its docstring have them."""
    return [
        Option(
            argument.field_info.name,
            tuple(name for name in argument.names if name.startswith("-")),
            " ".join((argument.parameter.help or "").split()),
            _choices(argument.hint),
            argument.hint is not bool,
        )
        for argument in app.assemble_argument_collection(parse_docstring=True)
    ]


def _choices(hint: Any) -> tuple[str, ...]:
    return tuple(map(str, get_args(hint))) if get_origin(hint) is Literal else ()


def parameters_json() -> str:
    """A row for each parameter of each command."""
    app = cli._commands()
    table = {"": parameters(app), **{name: parameters(app[name]) for name in (*cli.COMMANDS, *cli._ONCE)}}
    lines = []
    for command, options in table.items():
        rows = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in options)
        lines.append(f"{json.dumps(command)}: [\n{rows}\n]")
    return "{\n" + ",\n".join(lines) + "\n}\n"


FILES = {PARAMETERS: parameters_json}

if __name__ == "__main__":
    for file, text in FILES.items():
        file.write_text(text())
