"""`prune-tui man`: every command and option, in a page that man can show."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from prune_tui import cli, exit_codes
from prune_tui.settings.table import SETTINGS
from tests.command_parameters import parameters
from tests.commands.conftest import Call
from tests.shell_files import PAGE


def test_the_page_is_printed(call: Call) -> None:
    assert call("man") == (0, PAGE.read_text("utf-8"), "")


def shown() -> str:
    """The page as a person sees it."""
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    command = ["groff", "-man", "-ww", "-Tutf8", "-P-c", "-P-b", "-P-u", "-rLL=300n", "-rHY=0", str(PAGE)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stderr == ""  # what troff does not understand
    return ended.stdout


def test_everything_is_in_it() -> None:
    page = shown()
    app = cli._commands()
    for name in cli.COMMANDS:
        assert f"\n   {name}\n" in page
        for option in parameters(app[name]):
            assert all(option_name in page for option_name in option.names)
    for option in parameters(app):
        assert " ".join(option.about.replace("`", "").split()) in " ".join(page.split())
    for row in exit_codes.TABLE:
        assert exit_codes.meaning(row) in " ".join(page.split())
    assert all(setting.variable in page for setting in SETTINGS)


def test_sections_are_those_of_other_pages() -> None:
    assert re.findall(r"^([A-Z][A-Z ]+)$", shown(), re.MULTILINE) == [
        "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "EXIT STATUS", "ENVIRONMENT", "FILES",
        "EXAMPLES", "SEE ALSO",
    ]  # fmt: skip
