"""Copying by key: what is sent from each pane, and what is said of it."""

import pytest
import torch

from prune_tui.steps import build
from prune_tui.ui import clipboard
from prune_tui.ui.copied import call, number
from prune_tui.views import Effect, LogEntry
from tests.in_process import app_on, press, running, screen_text


@pytest.fixture
def sent(monkeypatch):
    """The texts that are sent."""
    texts = []
    real = clipboard.sequence
    monkeypatch.setattr(clipboard, "sequence", lambda text, within: texts.append(text) or real(text, within))
    return texts


async def test_the_tree_has_dotted_names(sent):
    async with running(app_on()) as pilot:
        await press(pilot, "y")
        assert "there is nothing to copy here" in screen_text(pilot), "the model itself has no name"
        await press(pilot, "j", "y")
        assert "sent to the terminal: conv1" in screen_text(pilot)
        await press(pilot, "Y")
        assert "sent to the terminal: 5 lines" in screen_text(pilot)
    assert sent == ["conv1", "conv1\nconv2\nfc1\nfc2\nfc3"]


async def test_the_module_pane_has_tensors_hooks_and_calls(sent):
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "tab", "y", "G", "y", "k", "k", "y")
    assert sent[:2] == ["conv1.weight", "L1Unstructured(amount=0.3)"]
    _, hook = sent[2].split("  ", 1)  # a number of torch's, which counts on
    assert hook.startswith("forward_pre  L1Unstructured → weight  amount=0.3")


async def test_the_tensor_pane_has_values(sent):
    app = app_on()
    async with running(app) as pilot:
        await press(pilot, "j", "tab", "tab", "y", "Y")
        weight = app.engine.model.conv1.weight.detach()
        assert torch.tensor(float(sent[0])) == weight[0, 0, 0, 0], "with all its digits"
        values = [float(one) for line in sent[1].splitlines() for one in line.split("\t")]
        assert sorted(torch.tensor(values).tolist()) == sorted(weight.flatten().tolist()), "all are in sight"
        await press(pilot, "f3", "Y")
    assert sent[2].startswith("↓ kh 0-2   → kw 0-2")


async def test_the_edit_log_has_calls_of_python(sent):
    app = app_on()
    async with running(app) as pilot:
        await press(pilot, "j", "3", "enter", "2", "enter", "H", "tab", "y", "Y")
        seed = app.main.entries[1].step.seed
    assert sent[0] == f'session.apply("random_unstructured", "conv1.weight", amount=0.3, seed={seed})'
    assert sent[1] == f'session.apply("l1_unstructured", "conv1.weight", amount=0.3)\n{sent[0]}'


async def test_a_finding_is_copied_as_a_sentence(sent):
    async with running(app_on()) as pilot:
        await press(pilot, "j", "3", "enter", "exclamation_mark", "y")
        found = pilot.app.main.findings_pane.finding
    assert sent == [f"{found.where}: {found.means} {found.do}"]


async def test_what_is_too_long_is_refused(sent, monkeypatch):
    monkeypatch.setattr(clipboard, "MOST", 10)
    async with running(app_on()) as pilot:
        await press(pilot, "Y")
        assert "23 bytes are more than a terminal takes at a time" in screen_text(pilot)


@pytest.mark.parametrize(("dtype", "told"), [("float32", "0.100000001"), ("float64", "0.10000000000000001")])
def test_a_number_has_all_the_digits_of_its_dtype(dtype, told):
    assert number(torch.tensor(0.1, dtype=getattr(torch, dtype)).item(), dtype) == told


def test_a_name_with_quotes_is_still_python():
    step = build("identity", 'a"b.weight', {})
    done = LogEntry(1, step, (Effect('a"b.weight', 0, 4, 4, 0, 4),))
    assert call(done) == 'session.apply("identity", "a\\"b.weight")'
