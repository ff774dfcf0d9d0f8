"""From one style to the next in few bytes."""

import pyte
import pytest
from rich.style import Style

from prune_tui.ui.pens import NO_PEN, change, for_blank, pen_of

RED_ON_BLUE = Style.parse("bold #ff0000 on #0000ff")


def pen(text):
    return pen_of(Style.parse(text), "truecolor")


def test_a_pen_is_what_rich_would_send():
    assert pen_of(RED_ON_BLUE, "truecolor") == (("1",), "38;2;255;0;0", "48;2;0;0;255")
    assert pen_of(RED_ON_BLUE, "256") == (("1",), "38;5;196", "48;5;21")
    assert pen_of(RED_ON_BLUE, None) == pen_of(None, "truecolor") == NO_PEN


def test_only_what_differs_is_sent():
    assert change(pen("red on blue"), pen("green on blue")) == "\x1b[32m"
    assert change(pen("red on blue"), pen("bold red on blue")) == "\x1b[1m"
    assert change(pen("red on #010203"), pen("on #010203")) == "\x1b[39m"
    assert change(pen("red"), pen("red")) == ""


STYLES = ["", "bold", "dim red", "bold dim reverse on blue", "underline #102030 on #405060", "strike", "on red"]


@pytest.mark.parametrize("before", STYLES)
@pytest.mark.parametrize("after", STYLES)
def test_whatever_came_before_a_terminal_ends_in_the_style(before, after):
    before, after = pen(before), pen(after)
    shown = {}
    for way, start in (("from another", before), ("from none", NO_PEN)):
        screen = pyte.Screen(2, 1)
        stream = pyte.Stream(screen)
        stream.feed(change(NO_PEN, start) + change(start, after) + "x")
        shown[way] = screen.buffer[0][0]
    assert shown["from another"] == shown["from none"]


def test_a_blank_needs_its_background_alone():
    assert for_blank(pen("bold red on blue"), pen("dim on green")) == pen("bold red on green")
    assert for_blank(pen("underline"), pen("red")) == pen("red"), "a line would be seen"
    assert for_blank(pen("red"), pen("reverse")) == pen("reverse")
