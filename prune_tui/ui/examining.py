"""The doctor by key: its pane, the way to what it found, and repairs."""

from __future__ import annotations

from textual import on, work
from textual.widgets import ContentSwitcher

from prune_tui import protocol, views
from prune_tui.client import Refused
from prune_tui.ui import keys
from prune_tui.ui.marking import Marking
from prune_tui.ui.numbers import counted
from prune_tui.ui.widgets.findings_pane import FindingsPane


class Examining(Marking):
    """The pane of the doctor takes the module pane's place while it is open, and follows every edit."""

    @property
    def findings_pane(self) -> FindingsPane:
        """The doctor's pane."""
        return self.query_one(FindingsPane)

    @property
    def examining(self) -> bool:
        """Whether the doctor's pane is open."""
        return self.query_one("#upper", ContentSwitcher).current == "findings"

    def action_findings(self) -> None:
        """Show the doctor's pane in place of the module pane, or the module pane again."""
        main, upper = self._main, self.query_one("#upper", ContentSwitcher)
        if self.form is not None:
            self.say_form_is_open()
        elif self.examining:
            self.workers.cancel_group(self, "findings")
            upper.current = "module"
            main.module_tree.focus()
        elif main.status.summary is None:
            self.say_not_open()
        elif main.prune_app.answering:
            if self.maximized is not None:
                self.minimize()
            upper.current = "findings"
            self.findings_pane.focus()
            self.check_again()

    @work(exclusive=True, group="findings")
    async def check_again(self) -> None:
        """Have the doctor look anew, while its pane is open; what it said before stays until it has."""
        if not self.examining:
            return
        try:
            found = await self._main.ask(protocol.GetFindings(), views.Findings)
        except Refused as refused:
            self.findings_pane.show_note(f"the model could not be checked: {refused}")
            return
        if found is not None:
            self.findings_pane.show_findings(found)

    @work(exclusive=True, group="errors")
    async def look_for_errors(self) -> None:
        """Say so when a model that comes pruned comes broken."""
        main = self._main
        own = [tensor for row in main.rows for tensor in row.tensors]
        if not any(tensor.pruned or tensor.name.endswith("_orig") for tensor in own):
            return
        try:
            found = await main.ask(protocol.GetFindings(), views.Findings)
        except Refused:  # `!` says why
            return
        errors = sum(one.severity == "error" for one in found.findings) if found is not None else 0
        if errors:
            shows = keys.named(self, "{app.doctor} shows what, and repairs")
            self.notify(f"{counted(errors, 'error')} in this model: {shows}", severity="warning", markup=False)

    @on(FindingsPane.Chosen)
    def _finding_chosen(self, event: FindingsPane.Chosen) -> None:
        """Go to the module and the tensor; the pane stays, for the next finding."""
        self._main.go_to(event.finding.module, event.finding.tensor)

    @on(FindingsPane.RepairWanted)
    def _repair_wanted(self, event: FindingsPane.RepairWanted) -> None:
        step = event.finding.repair
        if step is None:
            self.say(f"no step mends this: {event.finding.do}")
        elif self._between_forms():
            self._edit(lambda: protocol.Apply(step))
