"""Only the cells that have changed are sent, and the terminal shows the same as if all were."""

import random

import pyte
import pytest
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from prune_tui.ui.sent_cells import ChangedCells, SentCells

TRUECOLOR = Console(force_terminal=True, color_system="truecolor")


def update(text, *spans):
    """A line of two widgets, of four columns and the rest."""
    strip = Strip([Segment(character) for character in text])
    left, right = strip.divide([4, strip.cell_length])
    return ChopsUpdate([{0: left, 4: right}], [(0, *span) for span in spans], [[4, strip.cell_length]])


def sent(text, *spans, shown=None):
    """Where the terminal's cursor is put, and what is written there."""
    known = SentCells()
    if shown is not None:
        ChangedCells(update(shown, (0, len(shown))), known).render_segments(TRUECOLOR)
    sequences = ChangedCells(update(text, *spans), known).render_segments(TRUECOLOR)
    return sequences.replace("\x1b[1;", "@").replace("H", ":")


def test_each_span_begins_where_it_says():
    assert sent("abcdefgh", (2, 3)) == "@3:c"
    assert sent("abcdefgh", (1, 2), (6, 8)) == "@2:b@7:gh"
    assert update("abcdefgh", (2, 3)).render_segments(TRUECOLOR) == "\x1b[1;1Habc", "Textual does it now: use that"


def test_a_span_over_two_widgets_is_sent_in_two_parts():
    assert sent("abcdefgh", (3, 6)) == "@4:d@5:ef"


def test_what_the_terminal_shows_already_is_not_sent():
    assert sent("abcdefgh", (0, 8), shown="abcdefgh") == ""
    assert sent("abcdefgX", (0, 8), shown="abcdefgh") == "@8:X"
    assert sent("abcdXfghijXl", (0, 12), shown="abcdefghijkl") == "@5:X\x1b[5CX", "what lies between is skipped"
    assert sent("abcdXfXh", (0, 8), shown="abcdefgh") == "@5:XfX", "or sent once more where that takes less"


def test_what_was_shown_may_be_forgotten():
    known = SentCells()
    whole = ChangedCells(update("abcdefgh", (0, 8)), known)
    first = whole.render_segments(TRUECOLOR)
    assert whole.render_segments(TRUECOLOR) == ""
    known.forget()
    assert whole.render_segments(TRUECOLOR) == first


def test_a_wide_character_is_sent_whole_and_each_time():
    assert sent("a界bcdefg", (2, 4)) == "@2:界b"
    assert sent("a界bcdefg", (3, 4)) == "@4:b"
    assert sent("a界bcdefg", (2, 4), shown="a界bcdefg") == "@2:界b", "how wide it is is for the terminal to say"


def test_styles_are_sent_once_for_all_they_are_on():
    red, bold = Style.parse("red on blue"), Style.parse("bold red on blue")
    line = Strip(
        [Segment("ab", red), Segment("cd", red), Segment(" ", Style.parse("on blue")), Segment("e", bold)]
    )
    found = ChangedCells(ChopsUpdate([{0: line}], [(0, 0, 6)], [[6]]), SentCells()).render_segments(TRUECOLOR)
    assert found == "\x1b[1;1H\x1b[31;44mabcd \x1b[1me\x1b[m"


STYLES = [
    None,
    *map(Style.parse, ("bold", "red on blue", "dim #102030 on #405060", "reverse", "underline on blue")),
]


def random_screen(chance, width=30, height=6):
    """Lines of words with blanks between them."""
    lines = []
    for _ in range(height):
        cells = [(chance.choice("ab  │▀"), chance.choice(STYLES)) for _ in range(width)]
        lines.append([Strip([Segment(text, style) for text, style in cells])])
    return LayoutUpdate(lines, Region(0, 0, width, height))


@pytest.mark.parametrize("seed", range(20))
def test_a_terminal_shows_the_same_as_if_all_were_sent(seed):
    chance = random.Random(seed)
    screens = {"changes": pyte.Screen(30, 6), "all": pyte.Screen(30, 6)}
    streams = {way: pyte.Stream(screen) for way, screen in screens.items()}
    known = SentCells()
    for _ in range(4):
        drawn = random_screen(chance)
        for piece in (drawn, random_screen(chance)):
            streams["changes"].feed(ChangedCells(piece, known).render_segments(TRUECOLOR))
        streams["all"].feed(piece.render_segments(TRUECOLOR).replace("\n", ""))
        assert seen(screens["changes"]) == seen(screens["all"])


def seen(screen):
    """What a person sees: of a blank no more than what shows on it."""
    return [_on_a_blank(screen.buffer[y][x]) for y in range(6) for x in range(30)]


def _on_a_blank(cell):
    shows = cell.data != " " or cell.reverse or cell.underscore
    return cell if shows else cell._replace(fg="default", bold=False, italics=False)
