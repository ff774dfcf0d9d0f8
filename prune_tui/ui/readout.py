"""What the tensor pane says in words: counts of the tensor, the entry at the cursor, what is painted. Pure."""

from __future__ import annotations

from rich.text import Text

from prune_tui.tensor_views import Drafted, Entry
from prune_tui.ui.aim import Aim
from prune_tui.ui.draft import Draft
from prune_tui.ui.numbers import counted, percent, precise
from prune_tui.ui.tree_line import printable
from prune_tui.view_rows import View
from prune_tui.views import Statistics


def statistics_text(statistics: Statistics | None, view: View = "effective", progress: str = "") -> Text:
    """Counts, range and moments in a line; those that are nought are left out.

    Args:
        statistics: None while nothing is known.
        view: Of which values they are; zeros of a change are nothing to be told of.
        progress: How far the exact ones are, `counting 40%`.
    """
    if statistics is None:
        return Text(progress or "counting…", style="dim")
    zeros = 0 if view in {"step", "start"} else statistics.zeros
    counts = {"NaN": statistics.nans, "Inf": statistics.infinities, "zero": zeros}
    text = Text()
    if statistics.quality == "sampled":
        text.append(f"≈ of a sample, {progress or 'counting…'} · ", style="dim")
    for name, count in counts.items():
        if count:  # first, so that a narrow pane does not cut them off
            text.append(f"{count:,} {name}", style="" if name == "zero" else "bold reverse")
            text.append(" · ")
    told = [counted(statistics.elements, "entry")]
    if statistics.masked:
        kept = statistics.elements - statistics.masked
        told.append(f"keeps {kept:,}, {percent(statistics.masked, statistics.elements)} masked")
    if statistics.minimum is not None and statistics.maximum is not None:
        told.append(f"min {statistics.minimum:.4g}  max {statistics.maximum:.4g}")
    if statistics.mean is not None:
        told.append(f"mean {statistics.mean:.4g}")
    if statistics.std is not None:
        told.append(f"std {statistics.std:.4g}")
    if statistics.note:
        told.append(printable(statistics.note))
    text.append(" · ".join(told))
    return text


def entry_text(aim: Aim, entry: Entry, found: str = "") -> Text:
    """`[3, 0] 0.127`, and where it is masked `× 0 · orig 0.127`; what changed it behind that.

    Args:
        aim: Where it is.
        entry: What is there.
        found: Which it is of the kind that was looked for, `masked 2 of 16`; empty where it was not.
    """
    text = Text(f"[{', '.join(map(str, aim.index))}] ", style="bold", no_wrap=True, overflow="ellipsis")
    if entry.note:
        return text + Text(printable(entry.note), style="dim")
    effective, orig = precise(entry.effective), precise(entry.orig)
    if entry.mask is None:
        text.append(orig)
    elif entry.mask == 1:
        text.append(f"{effective} kept")
    elif entry.mask == 0:
        text.append(f"× {precise(entry.effective + 0.0)} · orig {orig}")  # without the sign of -0.0
    else:
        text.append(f"{effective} · orig {orig} · mask {precise(entry.mask)}")
    if found:
        text.append(f" · {found}", style="bold")
    if entry.step:
        text.append(f" · last step {precise(entry.step, '+.4g')}")
    elif entry.start:
        text.append(f" · since start {precise(entry.start, '+.4g')}")
    named = " ".join(f"{axis} {at}" for axis, at in zip(aim.axes, aim.index, strict=True))
    return text + Text(f"  {named}", style="dim")


def draft_text(draft: Draft, drafted: Drafted | None) -> Text:
    """What is painted, and what becomes of it."""
    strokes = counted(len(draft.toggles), "stroke")
    if drafted is None:
        return Text(f"painting: {strokes}…", style="bold")
    text = f"painted −{drafted.took:,}, keeps {drafted.left:,} · enter applies, esc drops · {strokes}"
    return Text(text, style="bold", no_wrap=True, overflow="ellipsis")
