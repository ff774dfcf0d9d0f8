from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.pilot import Pilot
from textual.strip import Strip

from prune_tui.ui.tree_columns import KnownNorms
from prune_tui.ui.widgets.module_tree import ModuleTree
from prune_tui.view_rows import ModuleRow, ParameterRow

WEIGHT = ParameterRow("weight", (54,), 0, False)
PRUNED = ParameterRow("weight", (54,), 35, True)

LENET = (
    ModuleRow("", "LeNet", -1, 60_074, 35, ()),
    ModuleRow("conv1", "Conv2d", 0, 60, 35, (PRUNED,)),
    ModuleRow("conv2", "Conv2d", 0, 880, 0, (WEIGHT,)),
    ModuleRow("body", "Sequential", 0, 48_120, 0, ()),
    ModuleRow("body.0", "Block", 3, 48_120, 0, ()),
    ModuleRow("body.0.fc", "Linear", 4, 48_120, 0, (WEIGHT,), shared_tensors=True),
    ModuleRow("body.1", "Block", 3, 48_120, 0, (), shared_with="body.0"),
    ModuleRow("head", "Linear", 0, 850, 850, (PRUNED,)),
)
FLAT = (
    ModuleRow("", "Flat", -1, 0, 0, ()),
    ModuleRow("layers", "ModuleList", 0, 0, 0, ()),
    *(ModuleRow(f"layers.{index}", "Linear", 1, 10, 0, (WEIGHT,)) for index in range(9_998)),
)


class TreeApp(App[None]):
    """Nothing but a tree, and what it told."""

    def __init__(self, rows: tuple[ModuleRow, ...]) -> None:
        super().__init__()
        self.rows = rows
        self.told: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        yield ModuleTree()

    def on_mount(self) -> None:
        self.modules.focus()
        if self.rows:
            self.modules.set_rows(self.rows)

    @property
    def modules(self) -> ModuleTree:
        return self.query_one(ModuleTree)

    def on_module_tree_highlighted(self, message: ModuleTree.Highlighted) -> None:
        self.told.append(("highlighted", message.path))

    def on_module_tree_selected(self, message: ModuleTree.Selected) -> None:
        self.told.append(("selected", message.path))


def lines(app: TreeApp) -> list[str]:
    """What the screen shows, without the blanks at the end."""
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


def path(app: TreeApp) -> str | None:
    row = app.modules.current
    return None if row is None else row.path


@pytest.fixture
async def pilot() -> AsyncIterator[Pilot[None]]:
    async with TreeApp(LENET).run_test(size=(50, 12)) as pilot:
        await pilot.pause()
        yield pilot


def of(pilot: Pilot[None]) -> TreeApp:
    app = pilot.app
    assert isinstance(app, TreeApp)
    return app


async def test_it_shows_names_types_counts_and_shares(pilot: Pilot[None]) -> None:
    of(pilot).modules.marked = frozenset({"conv2.weight", "body.weight"})
    await pilot.pause()
    assert lines(of(pilot))[:8] == [
        "› ▾ LeNet                        60.1k ▏      0.1%",
        "  ├ ● conv1  Conv2d                 60 ██▎   58.3%",
        " +├ conv2  Conv2d                  880",
        "  ├ ▾ body  Sequential           48.1k",
        "  │ ├ ▸ 0  Block                 48.1k",
        "  │ └ 1⇗  = body.0               48.1k",
        "  └ ● head  Linear                 850 ████ 100.0%",
        "",
    ]


async def test_shared_tensors_are_marked(pilot: Pilot[None]) -> None:
    of(pilot).modules.go_to("body.0.fc")
    await pilot.pause()
    assert "fc≡  Linear" in lines(of(pilot))[5]


@pytest.mark.parametrize(
    ("start", "key", "end"),
    [
        ("conv1", "j", "conv2"),
        ("conv1", "down", "conv2"),
        ("conv2", "k", "conv1"),
        ("conv2", "up", "conv1"),
        ("", "up", ""),
        ("head", "down", "head"),
        ("conv1", "G", "head"),
        ("conv1", "end", "head"),
        ("head", "g", ""),
        ("head", "home", ""),
        ("conv1", "pagedown", "head"),
        ("head", "pageup", ""),
        ("body.1", "p", "body"),
        ("", "p", ""),
        ("body.1", "h", "body"),
        ("body.1", "left", "body"),
        ("body", "l", "body.0"),
        ("body", "right", "body.0"),
        ("conv1", "l", "conv1"),
    ],
)
async def test_keys_that_move(pilot: Pilot[None], start: str, key: str, end: str) -> None:
    of(pilot).modules.go_to(start)
    await pilot.press(key)
    assert path(of(pilot)) == end


@pytest.mark.parametrize(("fold", "unfold"), [("h", "l"), ("left", "right")])
async def test_keys_that_fold(pilot: Pilot[None], fold: str, unfold: str) -> None:
    app = of(pilot)
    app.modules.go_to("body")
    await pilot.press(fold)
    assert path(app) == "body"
    assert "  └ ● head" in lines(app)[4]
    await pilot.press(unfold)
    assert path(app) == "body"
    assert "0  Block" in lines(app)[4]


async def test_fold_all_takes_the_cursor_out_of_what_it_folds(pilot: Pilot[None]) -> None:
    app = of(pilot)
    app.modules.go_to("body.0.fc")
    await pilot.press("Z")
    assert path(app) == "body"
    assert lines(app)[5] == ""
    await pilot.press("O")
    assert path(app) == "body"
    assert "fc≡" in lines(app)[5]


async def test_enter_selects(pilot: Pilot[None]) -> None:
    await pilot.press("j", "enter")
    assert of(pilot).told == [("highlighted", ""), ("highlighted", "conv1"), ("selected", "conv1")]


async def test_it_tells_once_after_rows_are_set(pilot: Pilot[None]) -> None:
    app = of(pilot)
    assert app.told == [("highlighted", "")]
    app.modules.go_to("body.0.fc")
    app.modules.set_rows(LENET[:5])
    await pilot.pause()
    assert app.told[-2:] == [("highlighted", "body.0.fc"), ("highlighted", "body.0")]
    app.modules.set_rows(LENET)
    await pilot.pause()
    assert app.told[-1] == ("highlighted", "body.0")
    assert len(app.told) == 4


async def test_click_moves_the_cursor_and_the_mark_folds(pilot: Pilot[None]) -> None:
    app = of(pilot)
    await pilot.click(ModuleTree, offset=(20, 4))
    assert path(app) == "body.0"
    await pilot.click(ModuleTree, offset=(6, 4))
    assert "fc≡" in lines(app)[5]
    await pilot.click(ModuleTree, offset=(4, 3))
    assert path(app) == "body"
    assert "head" in lines(app)[4]
    await pilot.click(ModuleTree, offset=(4, 10))
    assert path(app) == "body", "there is nothing below the last line"


async def test_new_numbers_are_drawn(pilot: Pilot[None]) -> None:
    app = of(pilot)
    app.modules.update_rows(((2, ModuleRow("conv2", "Conv2d", 0, 880, 1, (PRUNED,))),))
    await pilot.pause()
    assert lines(app)[2] == "  ├ ● conv2  Conv2d                880 ▏      0.1%"
    app.modules.update_rows(tuple(enumerate(LENET)) * 3)
    await pilot.pause()
    assert lines(app)[2] == "  ├ conv2  Conv2d                  880"


async def test_filter_shows_matches_and_keeps_the_cursor(pilot: Pilot[None]) -> None:
    app = of(pilot)
    app.modules.go_to("conv2")
    assert app.modules.set_filter("CONV") == 2
    assert path(app) == "conv2"
    assert [row.path for row in app.modules.shown_rows()] == ["conv1", "conv2"]
    await pilot.pause()
    assert [line.split("  ")[0] for line in lines(app)[:4]] == ["", "", "› └ conv2", ""]
    assert app.modules.set_filter("") == 0
    assert path(app) == "conv2"
    assert len(app.modules.shown_rows()) == 8


async def test_filter_that_hides_the_cursor_moves_it_to_a_match(pilot: Pilot[None]) -> None:
    app = of(pilot)
    app.modules.go_to("conv2")
    app.modules.set_filter("fc")
    assert path(app) == "body.0.fc"
    app.modules.set_filter("conv1")
    assert path(app) == "conv1"
    app.modules.set_filter("")
    assert path(app) == "conv1"


async def test_cursor_found_by_the_filter_is_shown_after_it(pilot: Pilot[None]) -> None:
    app = of(pilot)
    app.modules.set_filter("fc")
    assert path(app) == "", "the model leads to the match, so the cursor may stay"
    app.modules.go_to_match()
    assert path(app) == "body.0.fc"
    app.modules.set_filter("")
    await pilot.pause()
    assert lines(app)[5].startswith("› │ │ └ fc")


async def test_filter_without_matches_says_so_and_loses_nothing(pilot: Pilot[None]) -> None:
    app = of(pilot)
    app.modules.go_to("head")
    assert app.modules.set_filter("[b]xyz") == 0
    await pilot.pause()
    assert [line.strip() for line in lines(app)[6:8]] == ["nothing matches '[b]xyz'", "esc shows all again"]
    assert app.modules.current is None
    assert app.modules.shown_rows() == []
    await pilot.press("j", "k", "h", "l", "g", "G", "p", "enter", "pageup", "pagedown", "Z", "O")
    assert ("selected", "head") not in app.told
    app.modules.set_filter("")
    assert path(app) == "head"


async def test_go_to_a_module_that_is_not_there(pilot: Pilot[None]) -> None:
    assert not of(pilot).modules.go_to("body.9")
    assert path(of(pilot)) == ""


async def test_before_the_model_is_there() -> None:
    app = TreeApp(())
    async with app.run_test(size=(40, 5)) as pilot:
        await pilot.press("j", "k", "h", "l", "g", "G", "p", "enter", "pageup", "pagedown", "Z", "O", "c", "o")
        await pilot.click(ModuleTree, offset=(2, 2))
        assert lines(app)[2].strip() == "waiting for the model…"
        assert app.modules.current is None
        assert app.modules.shown_rows() == []
        assert app.told == []


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (40, " +├ ● conv1  Conv2d       60 ██▎   58.3%"),
        (33, " +├ ● conv1  Conv… 60 ██▎   58.3%"),
        (26, " +├ ● conv1  Conv2d  58.3%"),
        (20, " +├ ● conv1    58.3%"),
        (14, " +├ ● conv1"),
        (10, " +├ ● co…1"),
        (5, " +● …"),
    ],
)
async def test_lines_are_cut_not_scrolled(width: int, line: str) -> None:
    app = TreeApp(LENET)
    async with app.run_test(size=(width, 8)) as pilot:
        app.modules.marked = frozenset({"conv1.weight"})
        await pilot.pause()
        assert lines(app)[1] == line
        assert not app.modules.show_horizontal_scrollbar
        assert {strip.cell_length for strip in app.screen._compositor.render_strips()} == {width}


async def test_the_scrollbar_covers_no_column() -> None:
    app = TreeApp(LENET)
    async with app.run_test(size=(40, 4)) as pilot:
        await pilot.pause()
        assert app.modules.show_vertical_scrollbar
        assert lines(app)[1] == "  ├ ● conv1  Conv2d      60 ██▎   58.3%"


async def test_deep_modules_lose_their_outer_guides_first() -> None:
    paths = [".".join("a" * depth) for depth in range(30)]
    rows = tuple(ModuleRow(path, "Block", depth - 1, 5, 0, ()) for depth, path in enumerate(paths))
    app = TreeApp(rows)
    async with app.run_test(size=(40, 40)) as pilot:
        app.modules.go_to(paths[-1])
        await pilot.pause()
        assert lines(app)[2].startswith("   └▾ a  Block")
        assert lines(app)[29].startswith("› 7…" + " " * 21 + "└ a  Block"), "22 of 29 levels have a guide"
        await pilot.click(ModuleTree, offset=(26, 28))
        assert lines(app)[29] == "", "the fold mark is where it is drawn"


async def test_text_of_the_model_is_literal() -> None:
    rows = (
        ModuleRow("", "Net[/]", -1, 5, 0, ()),
        ModuleRow("[b]x", "[red]Linear", 0, 5, 0, ()),
        ModuleRow("a\x1b[2Jb\n\tc", "Li\u202enear", 0, 5, 0, ()),
        ModuleRow("层" * 30, "Linear", 0, 5, 0, ()),
    )
    app = TreeApp(rows)
    async with app.run_test(size=(40, 6)) as pilot:
        await pilot.pause()
        assert lines(app)[:4] == [
            "› ▾ Net[/]                 5",
            "  ├ [b]x  [red]Linear      5",
            "  ├ a�[2Jb��c  Li�near     5",
            "  └ " + "层" * 5 + "…" + "层" * 5 + "  5",
        ]
        app.modules.set_filter("\x1b")
        await pilot.pause()
        assert "a�[2Jb" in lines(app)[1]


async def test_the_cursor_is_seen_with_focus_and_without(pilot: Pilot[None]) -> None:
    app = of(pilot)
    styles = []
    for focused in (True, False):
        app.screen.set_focus(app.modules if focused else None)
        await pilot.pause()
        cursor, other = app.modules.render_line(0), app.modules.render_line(1)
        styles.append(_background(cursor))
        assert cursor.text.startswith("›")
        assert _background(cursor) != _background(other)
    assert styles[0] != styles[1]


def _background(strip: Strip) -> object:
    style = next(iter(strip)).style
    return style and style.bgcolor


async def test_ten_thousand_rows_draw_a_screenful(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    render_line = ModuleTree.render_line

    def counted(tree: ModuleTree, y: int) -> Strip:
        drawn.append(y)
        return render_line(tree, y)

    monkeypatch.setattr(ModuleTree, "render_line", counted)
    app = TreeApp(FLAT)
    async with app.run_test(size=(60, 20)) as pilot:
        for keys in (["O"], ["G"], ["g", "l"], ["pagedown"], ["G", "h"]):
            drawn.clear()
            await pilot.press(*keys)
            await pilot.pause()
            assert len(drawn) <= 20 * 4, keys
        drawn.clear()
        app.modules.go_to("layers.5000")
        await pilot.pause()
        drawn.clear()
        await pilot.press("k")
        await pilot.pause()
        assert len(drawn) <= 2, "a move of the cursor draws two lines"


async def test_the_cursor_is_kept_in_sight() -> None:
    app = TreeApp(FLAT)
    async with app.run_test(size=(60, 20)) as pilot:
        app.modules.go_to("layers.9997")
        await pilot.pause()
        assert any(line.startswith("›") for line in lines(app))
        await pilot.resize_terminal(60, 6)
        await pilot.pause()
        assert any(line.startswith("›") for line in lines(app))
        await pilot.press("Z")
        await pilot.pause()
        assert lines(app)[1].startswith("› └ ▸ layers")


async def test_the_wheel_scrolls_and_leaves_the_cursor() -> None:
    app = TreeApp(FLAT)
    async with app.run_test(size=(60, 20)) as pilot:
        app.modules.go_to("layers.0")
        await pilot.pause()
        app.modules.post_message(events.MouseScrollDown(app.modules, 1, 1, 0, 1, 0, False, False, False))
        await pilot.pause()
        assert app.modules.scroll_offset.y > 0
        assert path(app) == "layers.0"


def test_keys_of_the_app_and_of_tmux_are_left_alone() -> None:
    bindings = [binding for binding in ModuleTree.BINDINGS if isinstance(binding, Binding)]
    taken = {key for binding in bindings for key in binding.key.split(",")}
    reserved = {f"ctrl+{letter}" for letter in "hijmab"} | set("*uUsem!zy?qvt+./-0123456789") | {"space", "tab"}
    assert not taken & reserved
    assert all(binding.id and binding.description for binding in bindings)
    assert len(bindings) == len(ModuleTree.BINDINGS)


def names(app: TreeApp) -> list[str]:
    """The modules on the screen, from top to bottom."""
    outline = app.modules._outline
    return [outline.row(index).path for index in outline.visible]


async def test_c_shows_another_column(pilot: Pilot[None]) -> None:
    app = of(pilot)
    rows = (*LENET[:2], *(msgspec.structs.replace(row, bytes=row.parameters * 4) for row in LENET[2:]))
    app.modules.set_rows(rows)
    await pilot.press("c")
    assert lines(app)[2] == "  ├ conv2  Conv2d               3.5 KB"
    await pilot.press("c")
    assert lines(app)[2] == "  ├ conv2  Conv2d                    …"
    app.modules.norms = KnownNorms({"conv2": 3.14159}, known=True)
    await pilot.pause()
    assert lines(app)[2] == "  ├ conv2  Conv2d                 3.14"


async def test_o_sorts_siblings_and_keeps_the_cursor_on_its_module(pilot: Pilot[None]) -> None:
    app = of(pilot)
    before = names(app)
    app.modules.go_to("conv2")
    await pilot.press("o")
    assert names(app) == ["", "body", "body.0", "body.1", "conv2", "head", "conv1"]
    assert path(app) == "conv2"
    assert lines(app)[4].startswith("› ├ conv2")
    assert lines(app)[6].startswith("  └ ● conv1")
    await pilot.press("o")
    assert names(app) == ["", "head", "conv1", "conv2", "body", "body.0", "body.1"]
    await pilot.press("o")
    assert names(app) == before
    assert path(app) == "conv2"
    assert [message for message in app.told if message[0] == "highlighted"][-1] == ("highlighted", "conv2")


async def test_new_numbers_find_their_place_in_the_order(pilot: Pilot[None]) -> None:
    app = of(pilot)
    await pilot.press("o", "o", "j")
    assert path(app) == "head"
    app.modules.update_rows(((7, ModuleRow("head", "Linear", 0, 850, 1, (PRUNED,))),))
    await pilot.pause()
    assert names(app)[:3] == ["", "conv1", "head"]
    assert path(app) == "head"
    assert lines(app)[2].startswith("› ├ ● head")


async def test_norms_sort_as_soon_as_they_are_there(pilot: Pilot[None]) -> None:
    app = of(pilot)
    await pilot.press("c", "c", "o")
    assert names(app) == ["", "conv1", "conv2", "body", "body.0", "body.1", "head"]
    app.modules.norms = KnownNorms({"conv2": 9.0, "head": 2.0, "conv1": 1.0}, known=True)
    assert names(app) == ["", "conv2", "head", "conv1", "body", "body.0", "body.1"]


async def test_a_filter_and_an_order_go_together(pilot: Pilot[None]) -> None:
    app = of(pilot)
    app.modules.set_filter("conv")
    await pilot.press("o")
    assert names(app) == ["", "conv2", "conv1"]
    assert path(app) == "", "the cursor stays on what leads to a match"
    app.modules.set_filter("")
    assert names(app)[1] == "body"
    await pilot.press("c", "o", "o", "Z", "O")
    assert names(app)[:4] == ["", "conv1", "conv2", "body"]


async def test_what_is_folded_stays_so_in_another_order(pilot: Pilot[None]) -> None:
    app = of(pilot)
    app.modules.go_to("body")
    await pilot.press("h", "o")
    assert names(app) == ["", "body", "conv2", "head", "conv1"]
    app.modules.go_to("body.0.fc")
    assert path(app) == "body.0.fc"
