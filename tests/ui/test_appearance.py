"""The app in each theme, without colours and in ASCII: every text is read, the focus and the cursor are seen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

import pytest
from rich.color import Color
from rich.segment import Segment
from textual.filter import dim_color
from textual.pilot import Pilot
from textual.widgets._toast import Toast

from prune_tui.settings.choosing import Settings
from prune_tui.ui.app import PruneApp
from prune_tui.ui.pictures.look import Look
from prune_tui.ui.pictures.ramps import contrast
from tests.in_process import app_on, press, running, screen_text
from tests.settings_given import given

READABLE = 4.5
"""https://www.w3.org/TR/WCAG21/#contrast-minimum"""
# One after another: what is on the screen, and the keys that lead there from the one before.
TOUR = {
    "opened": (),
    "form": ("j", "5", "up", "up"),
    "steps": ("enter", "2", "enter"),
    "values": ("f2",),
    "heat map": ("f3",),
    "mask": ("f4",),
    "histogram": ("f5",),
    "channels": ("f6",),
    "structure": ("f7",),
    "stack": ("f8",),
    "edit log": ("H",),
    "doctor": ("escape", "exclamation_mark"),
    "filter": ("escape", "slash", *"linear"),
    "marks": ("enter", "asterisk"),
    "palette": ("ctrl+p",),
    "found": tuple("undo"),
    "help": ("escape", "question_mark"),
    "no key": tuple("xyz"),
    "more methods": ("escape", "escape", "9"),
    "export": ("escape", "e"),
    "not exported": ("x", "enter"),
    "save": ("escape", "s"),
    "engine's log": ("escape", "f12"),
    "no index": ("escape", "colon", *"99", "enter"),
    "leave": ("escape", "q"),
}
# Frames, bars and ends of scrollbars are seen or not, but nobody reads them.
DRAWN = frozenset("▀─━│┃╭╮╰╯┏┓┗┛├└▏▎▍▌▋▊▉█▁▂▃▄▅▆▇▔▀░▒▓ ")


class Read(NamedTuple):
    """A text as it is sent.

    Attributes:
        text: Without blanks around it.
        ink: Its colour.
        ground: What lies behind it.
    """

    text: str
    ink: Color
    ground: Color

    @property
    def contrast(self) -> float:
        return contrast(self.ink, self.ground)


async def tour(pilot: Pilot[None]) -> AsyncIterator[str]:
    """Go to each screen; the name of where we are."""
    for name, keys in TOUR.items():
        await press(pilot, *keys)
        yield name


def strips(app: PruneApp) -> Iterator[list[Segment]]:
    """What the topmost screen sends, by its widgets; what lies dimmed behind it is not meant to be read."""
    lines = app.screen._compositor.render_strips()
    for widget in app.screen.query("*").exclude("ToastRack").exclude("ToastHolder").exclude("Tooltip"):
        region = app.screen.find_widget(widget).visible_region if widget.visible and widget.is_on_screen else None
        for strip in lines[region.y : region.bottom] if region else ():
            yield list(strip.crop(region.x, region.right))


def texts(app: PruneApp) -> Iterator[Read]:
    """Every text on the screen with the colours it has in the end."""
    for line in strips(app):
        for text, style, _ in line:
            if style is None or set(text) <= DRAWN:
                continue
            ink, ground = (style.bgcolor, style.color) if style.reverse else (style.color, style.bgcolor)
            assert ink is not None
            assert ground is not None
            yield Read(text.strip(), dim_color(_rgb(ground), _rgb(ink)) if style.dim else _rgb(ink), _rgb(ground))


def _rgb(colour: Color) -> Color:
    return Color.from_triplet(colour.get_truecolor())


@pytest.mark.parametrize("theme", ["colour-blind", "light"])  # what the others have instead: test_themes
async def test_every_text_is_read_on_what_lies_behind_it(theme: str) -> None:
    async with running(app_on(settings=given(theme=theme)), size=(100, 36)) as pilot:
        async for place in tour(pilot):
            found = set(texts(pilot.app))
            assert len(found) >= 3, place
            assert {read for read in found if read.contrast < READABLE} == set(), place


PLAIN = {"no colours": given(), "ansi": given(theme="ansi"), "dark": given(), "ascii": given(ascii=True)}


@pytest.mark.parametrize("look", PLAIN)
async def test_the_focus_is_seen_by_the_weight_of_a_frame(look: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _without_colours(look, monkeypatch)
    heavy, light = ("#", "|") if look == "ascii" else ("┃", "│")
    async with running(app_on(settings=PLAIN[look])) as pilot:
        seen = []
        for _ in range(3):
            lines = screen_text(pilot).splitlines()
            middle = lines[pilot.app.query_one("#module").region.y + 2]
            lower = lines[pilot.app.query_one("#pictures").region.y + 2]
            seen.append((middle[0], middle[-1], lower[-1]))
            await press(pilot, "tab")
        assert seen == [(heavy, light, light), (light, heavy, light), (light, light, heavy)]


def _without_colours(look: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if look == "no colours":
        monkeypatch.setenv("NO_COLOR", "1")


async def test_no_colour_is_sent_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(app_on(), size=(100, 36)) as pilot:
        async for place in tour(pilot):
            lines = pilot.app.screen._compositor.render_strips()
            styles = {style for line in lines for _, style, _ in line if style is not None}
            assert {style.color for style in styles} | {style.bgcolor for style in styles} == {None}, place


@pytest.mark.parametrize(
    ("keys", "holds"),
    [
        (("j",), "conv1"),
        (("j", "enter"), "weight"),
        (("j", "9"), "global_structured"),
        (("u",), "nothing to undo"),
        (("ctrl+p", *"doctor", "down"), "doctor"),
        (("j", "5"), "0.3"),
    ],
    ids=["tree", "module", "methods", "message", "palette", "form"],
)
async def test_the_cursor_is_in_reverse_video_where_there_are_no_colours(
    keys: tuple[str, ...], holds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(app_on()) as pilot:
        await press(pilot, *keys)
        shown = {"".join(text for text, style, _ in line if style and style.reverse) for line in strips(pilot.app)}
        assert any(holds in line for line in shown), shown


async def test_in_ascii_there_is_nothing_else_on_the_screen() -> None:
    async with running(app_on(settings=given(ascii=True)), size=(80, 24)) as pilot:
        async for place in tour(pilot):
            assert {one for one in screen_text(pilot) if not one.isascii()} == set(), place


async def test_a_name_that_is_not_ascii_is_questioned_where_only_that_is_wanted(tmp_path) -> None:
    (tmp_path / "odd.py").write_text(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.add_module('层é', torch.nn.Linear(2, 2))\n"
    )
    async with running(app_on(f"{tmp_path}/odd.py:Net", settings=given(ascii=True))) as pilot:
        assert "` ???  Linear" in screen_text(pilot)


# Changing the theme


async def test_the_palette_changes_the_theme_and_says_how_to_keep_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PRUNE_TUI_CONFIG", str(tmp_path / "mine.toml"))
    async with running(app_on(), size=(160, 40)) as pilot:
        app = pilot.app
        assert isinstance(app, PruneApp)
        await press(
            pilot, "j", "3", "enter", "f3", "ctrl+p", *("space" if one == " " else one for one in "theme light")
        )
        await press(pilot, "enter")
        assert app.theme == "light"
        assert app.main.tensor_pane.picture.look == Look("truecolor", dark=False)
        (said,) = [
            toast._notification.message for toast in app.screen.query(Toast) if "theme" in str(toast.render())
        ]
        assert said == f'until you leave; to keep it, write theme = "light" into {tmp_path}/mine.toml'
        assert [read for read in texts(app) if read.contrast < READABLE] == []
    assert not (tmp_path / "mine.toml").exists(), "it is the person's own"


async def test_without_colours_no_theme_is_put_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(app_on()) as pilot:
        app = pilot.app
        assert isinstance(app, PruneApp)
        assert not app.wear("light")
        assert app.theme == "no-colour"


async def test_where_no_color_is_empty_colours_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """https://no-color.org: "when present and not an empty string"."""
    monkeypatch.setenv("NO_COLOR", "")
    async with running(app_on()) as pilot:
        app = pilot.app
        assert isinstance(app, PruneApp)
        assert (app.theme, app.look) == ("dark", Look())
        inks = {read.ink.get_truecolor() for read in texts(app)}
        assert any(len(set(ink)) > 1 for ink in inks), "greys only"


@pytest.mark.parametrize(
    ("settings", "look"),
    [
        (given(), Look()),
        (given(theme="light"), Look(dark=False)),
        (given(theme="ansi"), Look(own=True)),
        (given(theme="ansi-light"), Look(dark=False, own=True)),
        (given(theme="colour-blind"), Look(colour_blind=True)),
        (given(theme="colour-blind-light", ascii=True), Look(dark=False, ascii=True, colour_blind=True)),
    ],
    ids=["dark", "light", "ansi", "ansi-light", "colour-blind", "colour-blind-light"],
)
def test_pictures_are_drawn_for_the_theme(settings: Settings, look: Look) -> None:
    assert app_on(settings=settings).look == look


def test_with_sixteen_colours_they_are_the_terminals_own(monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_on(settings=given(theme="colour-blind"))
    monkeypatch.setattr(type(app.console), "color_system", "standard")
    assert app.wear("colour-blind")
    assert app.look == Look("16", own=True, colour_blind=True)
