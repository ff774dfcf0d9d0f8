"""The first line of the screen: the model, how much of it is pruned, and what that does to its metric."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from rich.cells import cell_len
from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from prune_tui.memory_views import MemoryUsed
from prune_tui.ui.numbers import counted, percent
from prune_tui.ui.tree_line import printable
from prune_tui.ui.unsaved import Stored, in_short
from prune_tui.views import MetricMeasured, Summary


def metric_text(measured: MetricMeasured | None) -> str:
    """`accuracy 95.8% ▼1.4`: the value now and the change, in points, since the model was opened."""
    if measured is None or not measured.name:
        return ""
    name, value, start = measured.name, measured.value, measured.start
    words = {"off": "off", "failed": f"failed: {measured.message}"}.get(measured.state, "…")
    if value is None or measured.state in {"off", "failed"}:
        return f"{name} {words}"
    if measured.state == "measuring":
        return f"{name} {value:.1%} …"
    # The difference of what is written, so that the two numbers on the screen always add up.
    change = 0.0 if start is None else round(value * 100, 1) - round(start * 100, 1)
    mark = "" if abs(change) < 0.05 else f" {'▲' if change > 0 else '▼'}{abs(change):.1f}"
    return f"{name} {value:.1%}{mark}"


class BrokenCounts(NamedTuple):
    """How many tensors are broken by their values. The doctor's findings are of other kinds, too.

    Attributes:
        not_finite: With NaN or Inf.
        one_value: With nothing but one value.
    """

    not_finite: int = 0
    one_value: int = 0

    @property
    def text(self) -> str:
        """`2 tensors with NaN/Inf, 1 of one value`; empty where there are none."""
        if not self.not_finite:
            return f"{counted(self.one_value, 'tensor')} of one value" if self.one_value else ""
        more = f", {self.one_value:,} of one value" if self.one_value else ""
        return f"{counted(self.not_finite, 'tensor')} with NaN/Inf{more}"

    @property
    def short(self) -> str:
        """`3 broken`."""
        return f"{sum(self)} broken" if any(self) else ""


class StatusLine(Widget):
    """One line, never wrapped: parts give way from the right."""

    DEFAULT_CSS = """
    StatusLine { height: 1; dock: top; background: $panel; color: $foreground; padding: 0 1; }
    """

    summary: reactive[Summary | None] = reactive(None)
    """The model; None until it is open."""
    metric: reactive[MetricMeasured | None] = reactive(None)
    """The last measurement."""
    activity: reactive[str] = reactive("")
    """What is being done now: `importing torch`, `applying…`."""

    said: reactive[str] = reactive("")
    """What the last key did, where that may not show by itself: `undone l1_unstructured(amount=0.3)`."""

    broken: reactive[BrokenCounts] = reactive(BrokenCounts())
    """Tensors whose values are broken."""

    memory: reactive[MemoryUsed | None] = reactive(None)
    """What the engine holds; None where it does not tell."""

    stored: reactive[Stored] = reactive(Stored())
    """What the file holds that was written last."""

    def expect_measurement(self) -> None:
        """The model has changed: the value that stands here is of the model before."""
        if self.metric is not None and self.metric.state == "measured":
            self.metric = msgspec.structs.replace(self.metric, state="measuring")

    def render(self) -> Text:
        """The line at its present width."""
        width = self.size.width
        text = Text("prune-tui", style="bold", no_wrap=True)
        right = self._right()
        room = width - text.cell_len - 2
        for parts in self._shortened():
            left = "  " + " · ".join(filter(None, parts))
            if cell_len(left) + cell_len(right) <= room:
                break
        else:
            right = self._right(short=True)
        said = f"  {self.said}" if self.said and not self.activity else ""
        memory = f" · {self.memory.text}" if self.summary is not None and self.memory is not None else ""
        if cell_len(left) + cell_len(memory) + cell_len(said) + cell_len(right) <= room:
            left += memory  # it gives way to all else
        if cell_len(left) + cell_len(said) + cell_len(right) <= room:
            right = f"{said}  {right}".strip()
        text.append(left, style="not bold")
        text.truncate(max(0, width - cell_len(right) - 2), overflow="ellipsis", pad=True)
        text.append(f"  {right}", style="not bold")
        text.truncate(width, overflow="ellipsis")
        return text

    def _shortened(self) -> Iterator[list[str]]:
        """What is told of the model: all of it, then less and less."""
        summary = self.summary
        if summary is None:
            yield [printable(self.activity)]
            return
        parts = {
            "name": printable(summary.name),
            "device": summary.device,
            "params": f"{summary.parameters:,} params",
            "pruned": f"{percent(summary.masked, summary.parameters)} pruned",
            "broken": self.broken.text,
            "metric": metric_text(self.metric),
            "readonly": "read-only" if summary.readonly else "",
        }
        yield list(parts.values())
        del parts["device"]
        yield list(parts.values())
        del parts["params"]
        yield list(parts.values())
        parts["broken"] = self.broken.short
        yield list(parts.values())

    def _right(self, *, short: bool = False) -> str:
        """`● 2 unsaved steps`, or `● 2`."""
        if self.summary is None:
            return ""
        if self.activity:
            return self.activity
        return in_short(self.stored, self.summary.state, words=not short)
