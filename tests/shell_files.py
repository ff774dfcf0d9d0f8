"""The files that are made of the commands: `python -m tests.shell_files` writes them.

The parameters that `prune_tui.completion` offers, and the man page that `prune-tui man` prints.
"""

from __future__ import annotations

import json
from pathlib import Path

from prune_tui import cli
from tests import manual_page
from tests.command_parameters import parameters

PACKAGE = Path(cli.__file__).parent
PARAMETERS = PACKAGE / "completion" / "parameters.json"
PAGE = PACKAGE / "shell" / "prune-tui.1"


def parameters_json() -> str:
    """A row for each parameter of each command."""
    app = cli._commands()
    table = {"": parameters(app), **{name: parameters(app[name]) for name in (*cli.COMMANDS, *cli._ONCE)}}
    table["web"] += [option for option in table[""] if option.names]  # which it hands through
    lines = []
    for command, options in table.items():
        rows = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in options)
        lines.append(f"{json.dumps(command)}: [\n{rows}\n]")
    return "{\n" + ",\n".join(lines) + "\n}\n"


FILES = {PARAMETERS: parameters_json, PAGE: manual_page.written}

if __name__ == "__main__":
    for file, text in FILES.items():
        file.write_text(text())
