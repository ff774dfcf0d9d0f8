"""The command palette: what can be done now, and every module and tensor by some letters of its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.command import CommandList, DiscoveryHit, Hit
from textual.pilot import Pilot

from prune_tui.ui.palette import Commands
from tests.in_process import app_on, press, running, screen_text, settle, words
from tests.ui.tensor_pane_here import look_at


async def commands(pilot: Pilot[None]) -> set[str]:
    """The commands that are offered before anything is typed, without their keys."""
    provider = Commands(pilot.app.main)
    await provider.startup()
    return {
        str(hit.text).partition("  (")[0] async for hit in provider.discover() if isinstance(hit, DiscoveryHit)
    }


async def found(pilot: Pilot[None], typed: str) -> list[str]:
    """What is found, the best first."""
    provider = Commands(pilot.app.main)
    await provider.startup()
    hits = [hit async for hit in provider.search(typed) if isinstance(hit, Hit)]
    return [str(hit.text).partition("  (")[0] for hit in sorted(hits, key=lambda hit: -hit.score)]


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Wait for the palette, which searches by and by and does what was chosen when it is closed."""
    for _ in range(1000):
        if holds():
            return
        await pilot.pause(0.01)
    raise AssertionError(screen_text(pilot))


async def test_before_anything_is_done_nothing_can_be_undone_and_afterwards_it_can() -> None:
    async with running(app_on()) as pilot:
        offered = await commands(pilot)
        assert {
            "L1",
            "save",
            "doctor",
            "mark by pattern",
            "lamp",
            "invert marks",
        } <= offered
        assert not {"undo", "redo", "repeat", "less", "export", "remove", "unmark all", "repair"} & offered
        assert not {"paint", "which values", "next match"} & offered, "no tensor is shown, no filter set"
        await press(pilot, "j", "3", "enter", "3", "enter", "u")
        assert {"undo", "redo", "repeat", "more", "less", "export", "remove"} <= await commands(pilot)


async def test_with_a_tensor_its_pictures_views_and_the_keys_of_its_pane() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j")
        offered = await commands(pilot)
        assert {"heatmap", "stack", "which values", "paint", "go to", "axes", "mark same type"} <= offered
        await look_at(pilot, "conv1.weight")
        await press(pilot, "ctrl+p", *"paint", "enter")
        await settle(pilot)
        assert pilot.app.main.tensor_pane.painting.draft.toggles


async def test_a_read_only_session_offers_no_edit() -> None:
    async with running(app_on(readonly=True)) as pilot:
        await press(pilot, "j")
        offered = await commands(pilot)
        assert not {"L1", "lamp", "undo", "paint", "brush", "remove"} & offered
        assert {"save", "doctor", "heatmap", "mark"} <= offered


async def test_with_a_form_open_no_step_can_be_taken_back() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "3")
        offered = await commands(pilot)
        assert not {"undo", "repeat", "doctor", "mark by pattern"} & offered
        assert "identity" in offered


async def test_with_marks_and_a_filter() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "slash", *"linear", "enter", "asterisk")
        assert {"next match", "unmark all", "marks back"} <= await commands(pilot)


async def test_repairs_where_the_doctor_shows_one(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(
        "from torch import nn\nfrom torch.nn.utils import prune\n\n"
        "def net():\n    model = nn.Sequential(nn.Linear(4, 3))\n"
        "    prune.l1_unstructured(model[0], 'weight', amount=3)\n"
        "    model[0]._forward_pre_hooks.clear()\n    return model\n"
    )
    async with running(app_on(f"{tmp_path}/nets.py:net")) as pilot:
        assert "repair" not in await commands(pilot)
        await press(pilot, "exclamation_mark")
        assert "repair" in await commands(pilot)


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("undo", "undo"),
        ("mark pat", "mark by pattern"),
        ("heat", "heatmap"),
        ("global ch", "global_structured"),
        ("conv1", "conv1"),
        ("fc2.b", "fc2.bias"),
        ("f3w", "fc3.weight"),
        ("c2b", "conv2.bias"),
        ("invt", "invert marks"),
    ],
)
async def test_exact_words_of_commands_come_first_then_names(typed: str, first: str) -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "j", "1", "enter")
        assert (await found(pilot, typed))[0] == first


async def test_letters_in_order_lead_to_a_tensor() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, "ctrl+p", *"f2b", "enter")
        await settle(pilot)
        assert pilot.app.main.tensor.tensor == "fc2.bias"


async def test_names_with_brackets_are_shown_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(
        "from torch import nn\n\ndef net():\n    return nn.ModuleDict({'[b]x': nn.Linear(2, 2)})\n"
    )
    async with running(app_on(f"{tmp_path}/nets.py:net")) as pilot:
        await pilot.press("ctrl+p", *"[b]x")
        await settle(pilot)
        listed = pilot.app.screen.query_one(CommandList)
        assert "go to [b]x\nLinear" in [str(option.prompt) for option in listed._options]


async def test_what_cannot_be_done_now_is_found_by_its_name_and_says_why() -> None:
    async with running(app_on()) as pilot:
        await press(pilot, *"j3", "enter", "u")
        assert (await found(pilot, "undo"))[0] == "undo", "and not what is spelt alike"
        await press(pilot, "ctrl+p", *"undo")
        offered = pilot.app.screen.query_one(CommandList)
        await until(
            pilot,
            lambda: (
                bool(offered.option_count) and "not possible now" in str(offered.get_option_at_index(0).prompt)
            ),
        )
        await press(pilot, "enter")
        await until(pilot, lambda: "there is nothing to undo" in words(pilot))
        assert [entry.undone for entry in pilot.app.main.entries] == [True]


async def test_nothing_that_cannot_be_done_raises_when_it_is_asked_for() -> None:
    async with running(app_on()) as pilot:
        before = {name: tensor.clone() for name, tensor in pilot.app.engine.model.state_dict().items()}
        for command in list(Commands(pilot.app.main)._of_keys(possible_now=False)):
            await command.run()
            await settle(pilot)
        after = pilot.app.engine.model.state_dict()
        assert all(before[name].equal(after[name]) for name in before)
        assert len(before) == len(after)
