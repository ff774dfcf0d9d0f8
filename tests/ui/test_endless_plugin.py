"""A plugin's method that never ends, on the screen: it is given up by esc."""

from __future__ import annotations

from pathlib import Path

import pytest

from prune_tui import steps
from prune_tui.engine.methods import custom_methods, plugins
from prune_tui.ui.screens.more_methods import letters
from tests.in_process import app_on, press, running

ENDLESS = '''
from torch.nn.utils import prune

class EndlessMethod(prune.BasePruningMethod):
    """Never comes to a mask."""
    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        while True:
            pass
'''


async def test_what_never_ends_is_given_up_by_esc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "_PLUGGED_IN", {})
    monkeypatch.setattr(custom_methods, "CLASSES", {})
    monkeypatch.setattr(plugins, "CLASSES", custom_methods.CLASSES)
    file = tmp_path / "endless.py"
    file.write_text(ENDLESS)
    async with running(app_on(plugins=(str(file),))) as pilot:
        await press(pilot, "j", "9")
        main = pilot.app.main
        names = [method.name for method in main.more_methods]
        await pilot.press(letters(names)[names.index("endless")])
        while main.form is None or not pilot.app.client.waiting:
            await pilot.pause(0.01)
        form = main.form
        await pilot.press("enter")
        while not form.applying:
            await pilot.pause(0.01)
        await pilot.press("escape")
        while form.applying:
            await pilot.pause(0.01)
        assert main.form is form
        await press(pilot, "escape")
        assert main.form is None
        await press(pilot, "3", "enter")
        assert main.status.summary.steps == 1
