"""A pane of lines with a cursor, on a list of its own: entries of two lines each."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text
from textual.app import App, ComposeResult

from prune_tui.ui.widgets.list_pane import ListPane

FRUITS = ("apple", "pear", "plum", "cherry", "quince", "fig")


class Fruits(ListPane):
    """Each fruit, and below it how many letters it has."""

    @property
    def entry_count(self) -> int:
        return len(FRUITS)

    def entry_at(self, line: int) -> int | None:
        return line // 2 if line < 2 * len(FRUITS) else None

    def lay_out(self) -> None:
        self.set_line_count(2 * len(FRUITS))

    def line_text(self, line: int) -> tuple[Text, Style]:
        fruit = self.entry_at(line)
        if fruit is None:
            return Text(), self.rich_style
        at_cursor = fruit == self.cursor and self.has_focus
        style = self.get_component_rich_style("list-pane--cursor") if at_cursor else self.rich_style
        return Text(FRUITS[fruit] if line % 2 == 0 else f"  {len(FRUITS[fruit])}"), style


class Shop(App[None]):
    """One pane."""

    def compose(self) -> ComposeResult:
        yield Fruits()


async def test_the_cursor_moves_by_entries_and_stops_at_the_ends() -> None:
    app = Shop()
    async with app.run_test(size=(20, 6)) as pilot:  # a page has four lines
        pane = app.query_one(Fruits)
        came_to = []
        for move in ("cursor_up", "cursor_down", "page_down", "page_down", "first", "last", "page_up"):
            await pane.run_action(move)
            came_to.append(FRUITS[pane.cursor])
        await pilot.pause()
        assert came_to == ["apple", "pear", "quince", "fig", "apple", "fig", "plum"]


async def test_a_click_on_any_line_of_an_entry_goes_there_and_below_the_last_nowhere() -> None:
    app = Shop()
    async with app.run_test(size=(20, 16)) as pilot:
        pane = app.query_one(Fruits)
        await pilot.click(pane, offset=(3, 1 + 5))  # inside the frame
        assert FRUITS[pane.cursor] == "plum"
        await pilot.click(pane, offset=(3, 1 + 12))
        assert FRUITS[pane.cursor] == "plum"


async def test_a_line_is_cut_to_the_width_and_marked_when_the_pane_has_the_focus() -> None:
    app = Shop()
    async with app.run_test(size=(6, 6)) as pilot:
        pane = app.query_one(Fruits)
        pane.move_to(3)
        await pilot.pause()
        pane.scroll_to(y=6, animate=False)
        await pilot.pause()
        assert pane.render_line(0).text == "ch…"  # beside frame and scrollbar
        marked = pane.get_component_rich_style("list-pane--cursor")
        assert {segment.style for segment in pane.render_line(1)} == {marked}
        assert marked not in {segment.style for segment in pane.render_line(2)}
