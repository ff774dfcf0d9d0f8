"""Only what has changed is sent."""

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate
from textual.strip import Strip

from prune_tui.ui.frugal import ChangedCells

TRUECOLOR = Console(force_terminal=True, color_system="truecolor")


def update(text, *spans):
    """A line of two widgets, of four columns and the rest."""
    strip = Strip([Segment(character) for character in text])
    left, right = strip.divide([4, strip.cell_length])
    return ChopsUpdate([{0: left, 4: right}], [(0, *span) for span in spans], [[4, strip.cell_length]])


def sent(text, *spans):
    """Where the terminal's cursor is put, and what is written there."""
    sequences = ChangedCells(update(text, *spans)).render_segments(TRUECOLOR)
    return sequences.replace("\x1b[1;", "@").replace("H", ":")


def test_each_span_begins_where_it_says():
    assert sent("abcdefgh", (2, 3)) == "@3:c"
    assert sent("abcdefgh", (1, 2), (6, 8)) == "@2:b@7:gh"
    assert update("abcdefgh", (2, 3)).render_segments(TRUECOLOR) == "\x1b[1;1Habc", "Textual does it now: use that"


def test_a_span_over_two_widgets_is_sent_in_two_parts():
    assert sent("abcdefgh", (3, 6)) == "@4:d@5:ef"


def test_a_wide_character_is_sent_whole():
    assert sent("a界bcdefg", (2, 4)) == "@2:界b"
    assert sent("a界bcdefg", (3, 4)) == "@4:b"


def test_what_is_sent_keeps_its_style():
    red = Strip([Segment("ab", Style(color="red")), Segment("cd", Style(bold=True))])
    found = ChangedCells(ChopsUpdate([{0: red}], [(0, 1, 3)], [[4]])).render_segments(TRUECOLOR)
    assert found == "\x1b[1;2H\x1b[31mb\x1b[0m\x1b[1mc\x1b[0m"
