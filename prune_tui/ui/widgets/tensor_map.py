"""The maps of a tensor there are: its values as a heat map, and its mask as a bitmap."""

from __future__ import annotations

from prune_tui.tensor_views import POOLS, Heatmap, Pool
from prune_tui.ui.pictures import bitmap, bitmap_legend, heatmap, heatmap_legend
from prune_tui.ui.widgets.slice_map import Dots, Drawn, TensorMap
from prune_tui.view_rows import View


class HeatmapPicture(TensorMap):
    """Values as colours or shades."""

    foot = 1

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget calls it
        super().__init__(id=id)
        self._pool: Pool = POOLS[0]

    @property
    def dots(self) -> Dots:
        """Two rows of cells a line where there are half blocks; else a cell is as wide as high in two columns."""
        return Dots(heatmap.rows_per_line(self.look), 1, heatmap.columns_per_cell(self.look))

    @property
    def pool(self) -> Pool:
        """The greatest magnitude, or the mean."""
        return self._pool

    def next_option(self) -> str:
        """Pool in the other way."""
        self._pool = POOLS[(POOLS.index(self._pool) + 1) % len(POOLS)]
        self._ask()
        return f"a cell shows the {self._pool} of its entries"

    def draw(self, answer: Heatmap, times: int) -> Drawn:
        """Coloured by the scale of the whole tensor."""
        scale = 0.0 if self.statistics is None else heatmap.scale_of(self.statistics)
        codes = heatmap.coded(answer, scale, self.look, view=self.view, shares=True)
        lines = heatmap.drawn(heatmap.magnified(codes, times), self.look)
        told = heatmap_legend.Told(answer, codes, lines, self.view, self.folded)
        return Drawn(
            lines, heatmap_legend.lines(told, scale, self.look, self.room_below(len(lines)), pool=self.below())
        )


class MaskPicture(TensorMap):
    """What the mask keeps, a dot an entry."""

    margin_right = bitmap.MARGIN
    foot = bitmap.FOOT

    @property
    def view(self) -> View:
        """Always the mask."""
        return "mask"

    @property
    def dots(self) -> Dots:
        """Braille dots."""
        down, across = bitmap.dots(self.look)
        return Dots(down, across, 1)

    def draw(self, answer: Heatmap, times: int) -> Drawn:
        """One dot an entry, or shades of how many are kept."""
        layout = bitmap.Layout(self.pooled, times, self.folded)
        lines = bitmap.lines(answer, self.look, layout)
        told = bitmap_legend.lines(
            answer, lines, layout, self.look, self.room_below(len(lines)), pool=self.below()
        )
        return Drawn(lines, told)

    def _pooling(self) -> str:
        return "share kept"
