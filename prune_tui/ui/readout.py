"""What the tensor pane says in words: counts of the tensor, the entry at the cursor, what is painted. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from rich.text import Text

from prune_tui.tensor_views import Drafted, Entry
from prune_tui.ui.aim import Aim
from prune_tui.ui.draft import Draft
from prune_tui.ui.numbers import counted, human_count, percent, precise
from prune_tui.ui.tree_line import printable
from prune_tui.view_rows import View
from prune_tui.views import Statistics

_SHORTENED = (
    "entries", "sample", "kept", "range", "mean", "zero", "sample", "std", "range", "kept", "note", "NaN", "Inf"
)  # fmt: skip
"""Which part is told shorter next, or no more, where the line is too long; the shape stands in the frame."""


def statistics_text(
    statistics: Statistics | None, view: View = "effective", progress: str = "", width: int | None = None
) -> Text:
    """Counts, range and moments in a line; those that are nought are left out, and what there is no room for.

    Args:
        statistics: None while nothing is known.
        view: Of which values they are; zeros of a change are nothing to be told of.
        progress: How far the exact ones are, `counting 40%`.
        width: Cells there are; no number is cut to fit.
    """
    if statistics is None:
        return Text(progress or "counting…", style="dim")
    parts = dict(_parts(statistics, view, progress or "counting…"))
    told = _fitting(parts, width)
    styles = {"sample": "dim", "NaN": "bold reverse", "Inf": "bold reverse"}
    return Text(" · ", no_wrap=True).join(Text(text, style=styles.get(name, "")) for name, text in told.items())


def _parts(statistics: Statistics, view: View, progress: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The parts of the line, each with what may stand for it, the longest first, nothing last where it may go.

    What is wrong stands first and never goes.
    """
    if statistics.quality == "sampled":
        yield "sample", (f"≈ of a sample, {progress}", f"≈ {progress}", "≈")
    for name, count in {"NaN": statistics.nans, "Inf": statistics.infinities}.items():
        if count:
            yield name, (f"{count:,} {name}", f"{human_count(count)} {name}")
    if statistics.zeros and view not in {"step", "start"}:
        yield "zero", (f"{statistics.zeros:,} zero", "")
    yield "entries", (counted(statistics.elements, "entry"), "")
    if statistics.masked:
        share = f"{percent(statistics.masked, statistics.elements)} masked"
        yield "kept", (f"keeps {statistics.elements - statistics.masked:,}, {share}", share, "")
    least, most = statistics.minimum, statistics.maximum
    if least is not None and most is not None:
        yield "range", (f"min {least:.4g}  max {most:.4g}", f"min {least:.2g} max {most:.2g}", "")
    if statistics.mean is not None:
        yield "mean", (f"mean {statistics.mean:.4g}", "")
    if statistics.std is not None:
        yield "std", (f"std {statistics.std:.4g}", "")
    if statistics.note:
        yield "note", (printable(statistics.note), "")


def _fitting(parts: dict[str, tuple[str, ...]], width: int | None) -> dict[str, str]:
    """What is told of each part, shortened in the order of `_SHORTENED` until all of it fits."""
    forms = dict.fromkeys(parts, 0)
    for name in ("", *_SHORTENED):
        if name in forms:
            forms[name] = min(forms[name] + 1, len(parts[name]) - 1)
        told = {part: text for part, at in forms.items() if (text := parts[part][at])}
        if width is None or cell_len(" · ".join(told.values())) <= width:
            break
    return told


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
