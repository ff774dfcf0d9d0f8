import os

import pytest
from rich.console import Console
from textual.app import App
from textual.filter import ANSIToTruecolor

from prune_tui.ui.pictures.depth import exact, look_of


@pytest.mark.parametrize(
    ("environ", "depth"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "tmux-256color", "COLORTERM": ""}, "256"),
        ({"TERM": "screen"}, "16"),
        ({"TERM": "linux"}, "16"),
        ({"TERM": "vt100"}, "16"),
        ({"TERM": "dumb"}, "none"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, "none"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, "none"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "256"),
        ({}, "16"),
    ],
)
def test_the_depth_is_what_the_console_will_write(environ, depth):
    console = Console(force_terminal=True, _environ=environ)
    assert look_of(environ, console.color_system, dark=True).depth == depth


def test_the_rest_of_the_look_is_as_asked():
    look = look_of({}, "256", dark=False, ascii_only=True, slow=True, own=True, colour_blind=True)
    assert look == ("256", False, True, True, True, True)
    assert look_of({}, "256", dark=True) == ("256", True, False, False, False, False)


async def test_the_filter_that_changes_colours_is_left_out():
    app = App()
    async with app.run_test():
        kinds = {type(one) for one in app.get_line_filters()}
        assert ANSIToTruecolor in kinds
        assert {type(one) for one in exact(app.get_line_filters())} == kinds - {ANSIToTruecolor}


async def test_what_is_meant_for_those_who_want_no_colours_stays(monkeypatch):
    monkeypatch.setitem(os.environ, "NO_COLOR", "1")
    app = App()
    async with app.run_test():
        assert [type(one).__name__ for one in exact(app.get_line_filters())] == ["Monochrome"]
