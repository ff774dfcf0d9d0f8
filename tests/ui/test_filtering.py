"""The tree's filter by key: from match to match, and past its field."""

from __future__ import annotations

from tests.in_process import app_on, press, running, words


async def test_n_goes_from_match_to_match_and_round() -> None:
    async with running(app_on()) as pilot:
        tree = pilot.app.main.module_tree
        await press(pilot, "n")
        assert "no filter is set: / sets one" in words(pilot)
        await press(pilot, "slash", *"linear", "enter")
        assert tree.current.path == "fc1"
        for key, path, number in (
            ("n", "fc2", 2),
            ("n", "fc3", 3),
            ("n", "fc1", 1),
            ("N", "fc3", 3),
            ("N", "fc2", 2),
        ):
            await press(pilot, key)
            assert tree.current.path == path
            assert f"match {number} of 3" in words(pilot)


async def test_moving_between_panes_skips_the_filter_and_a_slash_goes_on_at_its_end() -> None:
    async with running(app_on()) as pilot:
        main = pilot.app.main
        await press(pilot, "slash", *"fc", "enter", "shift+tab", "j")
        assert main.module_tree.filtered == "fc"
        await press(pilot, "tab")
        assert main.focused is main.module_tree
        await press(pilot, "slash", "2")
        assert main.module_tree.filtered == "fc2"
        await press(pilot, "home", "tab", "slash", "backspace")
        assert main.module_tree.filtered == "fc"
