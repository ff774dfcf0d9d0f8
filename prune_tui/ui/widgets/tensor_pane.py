"""The tensor pane: the values of one tensor, and its counts and moments beside them."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from prune_tui.ui.numbers import percent
from prune_tui.ui.render import number_format
from prune_tui.ui.tree_line import printable
from prune_tui.ui.widgets.tensor_grid import Picture, TensorGrid
from prune_tui.views import VIEWS, Statistics, TensorRow, View


class TensorPane(Vertical):
    """A grid under a line of statistics; the frame names the tensor and the view."""

    ALLOW_MAXIMIZE = True
    DEFAULT_CSS = """
    TensorPane {
        height: 1fr;
        border: round $foreground 25%;
        border-title-color: $foreground;
        border-subtitle-color: $foreground 60%;
        padding: 0 1;
        &:focus-within { border: round $border; }
        & > #statistics { height: auto; max-height: 2; color: $text-muted; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self.tensor: TensorRow | None = None
        self.view: View = "effective"
        self.statistics: Statistics | None = None

    def compose(self) -> ComposeResult:
        """Statistics above, values below."""
        yield Static(id="statistics")
        yield TensorGrid(id="grid")

    @property
    def grid(self) -> TensorGrid:
        """The grid of values."""
        return self.query_one(TensorGrid)

    def show_tensor(self, tensor: TensorRow | None, view: View) -> None:
        """Show another tensor, or the same one after it changed."""
        if tensor is None or self.tensor is None or tensor.tensor != self.tensor.tensor or view != self.view:
            self.statistics = None
        self.tensor = tensor
        self.view = view
        self._draw(keep_place=True)

    def show_statistics(self, statistics: Statistics) -> None:
        """Show the counts, and write the values in the format that they suggest."""
        self.statistics = statistics
        self._draw(keep_place=True)

    def _draw(self, *, keep_place: bool) -> None:
        tensor = self.tensor
        if tensor is None:
            self.border_title = Content("Tensor")
            self.border_subtitle = ""
            self.query_one("#statistics", Static).update("")
            self.grid.show(None, keep_place=False)
            self.grid.show_note("no tensor here: go to a module that holds some")
            return
        shape = "×".join(map(str, tensor.shape)) or "scalar"
        shown = "" if self.view == "effective" else f"  {self.view}"
        self.border_title = Content(f"{printable(tensor.tensor)}  {shape}{shown}")
        self.border_subtitle = Content(" ").join([*_view_names(self.view)])
        self.query_one("#statistics", Static).update(statistics_text(self.statistics))
        form = number_format(self.statistics, tensor.dtype, self.view)
        self.grid.show(Picture(tensor, self.view, form), keep_place=keep_place)


def _view_names(view: View) -> Iterator[Content]:
    for name in VIEWS:
        yield Content.styled(f"‹{name}›", "bold") if name == view else Content.styled(name, "dim")


def statistics_text(statistics: Statistics | None) -> Text:
    """Counts, range and moments in a line; those that are nought are left out."""
    if statistics is None:
        return Text("counting…", style="dim")
    told = [f"{statistics.elements:,} entries"]
    if statistics.masked:
        kept = statistics.elements - statistics.masked
        told.append(f"keeps {kept:,}, {percent(statistics.masked, statistics.elements)} masked")
    if statistics.minimum is not None and statistics.maximum is not None:
        told.append(f"min {statistics.minimum:.4g}  max {statistics.maximum:.4g}")
    if statistics.mean is not None:
        told.append(f"mean {statistics.mean:.4g}")
    if statistics.std is not None:
        told.append(f"std {statistics.std:.4g}")
    counts = {"zero": statistics.zeros, "NaN": statistics.nans, "Inf": statistics.infinities}
    alarming = [f"{count:,} {name}" for name, count in counts.items() if count]
    if statistics.note:
        told.append(statistics.note)
    text = Text(" · ".join(told))
    for alarm in alarming:
        text.append(" · ")
        text.append(alarm, style="" if alarm.endswith("zero") else "bold reverse")
    return text
