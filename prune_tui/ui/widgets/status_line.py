"""The first line of the screen: the model, how much of it is pruned, and what that does to its metric."""

from __future__ import annotations

import msgspec
from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from prune_tui.ui.numbers import percent
from prune_tui.ui.tree_line import printable
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

    def expect_measurement(self) -> None:
        """The model has changed: the value that stands here is of the model before."""
        if self.metric is not None and self.metric.state == "measured":
            self.metric = msgspec.structs.replace(self.metric, state="measuring")

    def render(self) -> Text:
        """The line at its present width."""
        summary = self.summary
        text = Text("prune-tui", style="bold", no_wrap=True, overflow="ellipsis")
        if summary is None:
            text.append(f"  {self.activity}", style="not bold")
            return text
        parts = [
            printable(summary.name),
            summary.device,
            f"{summary.parameters:,} params",
            f"{percent(summary.masked, summary.parameters)} pruned",
            metric_text(self.metric),
            "read-only" if summary.readonly else "",
        ]
        text.append("  " + " · ".join(part for part in parts if part), style="not bold")
        right = self._right(summary)
        space = self.size.width - text.cell_len - len(right)
        if right and space >= 2:
            text.append(" " * space + right, style="not bold")
        return text

    def _right(self, summary: Summary) -> str:
        if self.activity:
            return self.activity
        if summary.steps:
            return f"● {summary.steps} unsaved step{'s' if summary.steps > 1 else ''}"
        return ""
