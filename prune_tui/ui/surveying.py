"""The model as a whole, looked at in the background: which tensors are broken, and the norms the tree shows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from textual import on, work

from prune_tui import tensor_requests, tensor_views, views
from prune_tui.ui.examining import Examining
from prune_tui.ui.tree_columns import KnownNorms
from prune_tui.ui.widgets.module_tree import ModuleTree
from prune_tui.ui.widgets.status_line import BrokenCounts


class Surveying(Examining):
    """Counts the broken tensors whenever the model is another, and the norms while the tree shows them.

    Attributes:
        broken: The broken tensors in the order of the model; None before they are known.
    """

    def __init__(self) -> None:
        super().__init__()
        self.broken: tuple[tensor_views.Broken, ...] | None = None

    def survey_again(self) -> None:
        """The model is another, or has changed: what was told of it as a whole is to be told anew."""
        self._look_for_broken()
        tree = self._main.module_tree
        tree.norms = tree.norms._replace(known=False)
        self._count_norms()

    async def show_edit(self, edited: views.Edited) -> None:
        """Show the model as it is after an edit, and look through it anew."""
        self.survey_again()
        await super().show_edit(edited)

    @work(exclusive=True, group="broken")
    async def _look_for_broken(self) -> None:
        found = await self._main.ask_or_tell(tensor_requests.GetBroken(), tensor_views.BrokenTensors)
        if found is not None:
            self.broken = found.tensors
            one_value = sum(one.one_value for one in found.tensors)
            self._main.status.broken = BrokenCounts(len(found.tensors) - one_value, one_value)

    def action_next_broken(self, direction: int) -> None:
        """Go to the next broken tensor, or to the one before; round the end of the model to its beginning.

        The cursor goes to its first NaN or Inf, which a pane that fills the screen is not to hide. The focus stays
        where it is, so that the keys there go on working: in the tensor pane `n` leads to the next NaN or Inf.
        """
        if self._main.status.summary is None:
            self.say_not_open()
        elif self.broken is None:
            self.say("the tensors are still being looked through")
        elif not self.broken:
            self.say("nothing is broken: no tensor holds NaN or Inf, or one value only")
        else:
            number = self._next_broken(self.broken, direction)
            one = self.broken[number]
            self._show_broken(one)
            self.say(f"{number + 1} of {len(self.broken)} broken: {one.tensor}, {one.what}", "warning")

    def _show_broken(self, one: tensor_views.Broken) -> None:
        main = self._main
        if self.maximized not in {None, main.tensor_pane}:
            self.minimize()
        main.view = "effective"  # in which it is broken
        if not one.one_value:
            main.tensor_pane.seek_in_broken(one.tensor)
        main.go_to(one.tensor.rpartition(".")[0], one.tensor)

    def _next_broken(self, broken: tuple[tensor_views.Broken, ...], direction: int) -> int:
        """Which one comes after the tensor on the screen, or else after the module at the cursor."""
        main = self._main
        paths = [one.tensor for one in broken]
        if main.tensor is not None and main.tensor.tensor in paths:
            return (paths.index(main.tensor.tensor) + direction) % len(paths)
        rows = {row.path: index for index, row in enumerate(main.rows)}
        places = [rows.get(path.rpartition(".")[0], -1) for path in paths]
        current = main.module_tree.current
        here = rows[current.path] if current is not None else 0
        return (bisect_left(places, here) if direction > 0 else bisect_right(places, here) - 1) % len(paths)

    @on(ModuleTree.Arranged)
    def _tree_arranged(self) -> None:
        self.name_tree()
        self._count_norms()

    def _count_norms(self) -> None:
        """Ask for the norms while they are on the screen and not known."""
        tree = self._main.module_tree
        if tree.arrangement.column == "norm" and not tree.norms.known and self._main.rows:
            self._ask_for_norms()

    @work(exclusive=True, group="norms")
    async def _ask_for_norms(self) -> None:
        main = self._main
        found = await main.ask_or_tell(tensor_requests.GetNorms(), tensor_views.Norms)
        if found is not None:
            paths = (row.path for row in main.rows)
            main.module_tree.norms = KnownNorms(dict(zip(paths, found.norms, strict=True)), known=True)
