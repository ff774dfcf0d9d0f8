"""Which place of the key registry has the focus, and so whose keys the help shows first."""

from __future__ import annotations

from prune_tui.ui import keys
from prune_tui.ui.places import place_of
from tests.in_process import app_on, press, running, screen_text, settle
from tests.ui.tensor_pane_here import look_at


async def test_every_pane_is_a_place_and_the_help_begins_with_it() -> None:
    async with running(app_on(), size=(80, 24)) as pilot:
        main = pilot.app.main
        assert place_of(None) == "app"
        seen = {place_of(main.focused)}
        for opened in (["enter"], ["L"], ["L", "exclamation_mark"], ["exclamation_mark", "H", "tab"]):
            await press(pilot, *opened)
            place = place_of(main.focused)
            seen.add(place)
            await press(pilot, "question_mark")
            assert keys.PLACES[place] in screen_text(pilot).splitlines()[2]
            await press(pilot, "escape")
        await press(pilot, "H")
        await look_at(pilot, "conv1.weight")
        await settle(pilot)
        seen.add(place_of(main.focused))
        await press(pilot, "3")
        seen.add(place_of(main.focused))
        assert seen == {"tree", "module", "marks", "findings", "log", "tensor", "form"}
