"""What of a session stands in no file, and what of the file that was written last is taken back by now. Pure."""

from __future__ import annotations

from typing import NamedTuple

from prune_tui.ui.numbers import counted


class Stored(NamedTuple):
    """The file that was written last.

    Attributes:
        how: `saved` or `exported`.
        state: What it holds, as `views.Summary.state` tells it. At first what was opened: no step.
    """

    how: str = "saved"
    state: tuple[int, ...] = ()


class Unsaved(NamedTuple):
    """How the model differs from what the last file holds.

    Attributes:
        steps: Done, and not in the file.
        undone: In the file, and undone or amended since.
    """

    steps: int = 0
    undone: int = 0

    @classmethod
    def since(cls, stored: Stored, state: tuple[int, ...]) -> Unsaved:
        """The difference between a file and the steps that are done now."""
        common = 0
        for there, here in zip(stored.state, state, strict=False):
            if there != here:
                break
            common += 1
        return cls(len(state) - common, len(stored.state) - common)


def in_short(stored: Stored, state: tuple[int, ...], *, words: bool = True) -> str:
    """`● 2 unsaved steps`, `● 1 saved step undone`, `✓ 3 steps saved`; empty where nothing was done.

    Without words `● 2` and `✓ 3`.
    """
    steps, undone = Unsaved.since(stored, state)
    if not words:
        return f"● {steps or undone:,}" if steps or undone else f"✓ {len(state):,}" if state else ""
    if steps:
        return f"● {counted(steps, 'unsaved step')}"
    if undone:
        return f"● {counted(undone, f'{stored.how} step')} undone"
    return f"✓ {counted(len(state), 'step')} {stored.how}" if state else ""


def asked_about(stored: Stored, state: tuple[int, ...], painted: str, *, keeps: bool) -> str:
    """What whoever leaves should know; empty where nothing is unsaved.

    Args:
        stored: The last file.
        state: What is done now.
        painted: The tensor that a mask is being painted on; empty where none is.
        keeps: The journal keeps the steps.
    """
    steps, undone = Unsaved.since(stored, state)
    told = []
    if steps and keeps:
        told.append(f"{counted(steps, 'step')} not saved. The journal keeps them: prune-tui --resume goes on.")
    elif steps:
        told.append(f"{counted(steps, 'step')} will be lost: there is no journal.")
    if undone:
        are = "is" if undone == 1 else "are"
        told.append(f"The file that was {stored.how} last has {counted(undone, 'step')} that {are} undone here.")
    if painted:
        told.append(f"The mask that is being painted on {painted} is not applied: leaving drops it.")
    return "\n".join(told)
