"""What the module pane says of a module, line by line. Pure: from a `ModuleView` to lines of text at a width."""

from __future__ import annotations

import dataclasses

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from prune_tui.ui.numbers import percent
from prune_tui.ui.tree_line import printable
from prune_tui.view_rows import HookRow, ModuleRow, TensorHistory, TensorRow
from prune_tui.views import ModuleView


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the pane.

    Attributes:
        text: What stands there, as long as it likes; the pane cuts it.
        tensor: The tensor it is about, which the cursor selects; None for headings and hooks.
        call: The pruning call that it tells of; empty where it tells of none.
    """

    text: Text
    tensor: TensorRow | None = None
    call: str = ""


# Columns of a tensor's line that go first when the pane is narrow.
_GO_FIRST = ("device", "grad", "kind", "bytes", "dtype")


def module_lines(view: ModuleView, width: int) -> list[Line]:
    """All lines, in order: tensors, hooks, histories, parametrizations.

    Args:
        view: What the engine told.
        width: Cells; decides which columns of the tensors are shown.
    """
    lines = _tensor_lines(view, width)
    lines += _section("Hooks", [_hook_line(hook, width) for hook in view.hooks], "none")
    histories = [line for history in view.histories for line in _history_lines(history)]
    if histories:
        lines.append(Line(Text("History", style="bold")))
        lines += [Line(Text.assemble(" ", text), call=call) for text, call in histories]
    parametrized = [
        Text(f"{printable(found.tensor)} = {' ∘ '.join(map(printable, reversed(found.modules)))}")
        for found in view.parametrizations
    ]
    if parametrized:
        lines += _section("Parametrizations", parametrized, "")
    return lines


def early_lines(row: ModuleRow, note: str) -> list[Line]:
    """What is known of a module's parameters before the engine can be asked, and what is still to come."""
    width = max((cell_len(printable(one.name)) for one in row.tensors), default=0)
    texts = [
        Text.assemble((set_cell_size(printable(one.name), width), "bold"), f"  {_shape(one.shape) or 'scalar'}")
        for one in row.tensors
    ]
    return [*_section("Parameters", texts, "none of its own"), Line(Text()), Line(Text(note, style="dim"))]


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _section(heading: str, texts: list[Text], empty: str) -> list[Line]:
    title = Line(Text(heading, style="bold"))
    if not texts:
        title.text.append(f"  {empty}", style="not bold dim")
        return [title]
    return [title, *(Line(Text.assemble(" ", text)) for text in texts)]


def _tensor_lines(view: ModuleView, width: int) -> list[Line]:
    held = [*view.parameters, *view.buffers]
    if not held:
        title = Line(Text("Tensors", style="bold"))
        title.text.append("  none of its own", style="not bold dim")
        return [title]
    cells = [_columns(row) for row in held]
    if _width(_sizes(cells)) > width - 2:
        cells = [{**columns, "kept": _kept_share(row)} for columns, row in zip(cells, held, strict=True)]
    shown = _columns_that_fit(cells, width - 2)
    lines = [Line(Text("Tensors", style="bold"))]
    for row, columns in zip(held, cells, strict=True):
        text = Text(" ")
        for name, size in shown.items():
            text.append(set_cell_size(columns[name], size) + "  ", style=_STYLES[name])
        text.rstrip()
        text.append(_remarks(row), style="dim")
        lines += [Line(text, row), *_warnings(row)]
    for row in view.computed:
        lines += [_computed_line(row, shown.get("kind", 0), width), *_warnings(row)]
    return lines


_STYLES = {
    "kind": "dim", "name": "bold", "shape": "", "dtype": "", "device": "dim", "grad": "dim", "bytes": "dim",
    "kept": "",
}  # fmt: skip


def _columns(row: TensorRow) -> dict[str, str]:
    return {
        "kind": row.kind,
        "name": printable(row.name),
        "shape": _shape(row.shape) or ("" if row.note else "scalar"),
        "dtype": row.dtype,
        "device": row.device,
        "grad": "grad" if row.requires_grad else "",
        "bytes": human_bytes(row.bytes),
        "kept": f"keeps {row.kept:,} of {row.elements:,}" if row.kept >= 0 else "",
    }


def _kept_share(row: TensorRow) -> str:
    """The same in fewer cells: `keeps 35.2%`."""
    return f"keeps {percent(row.kept, row.elements)}" if row.kept >= 0 else ""


def _sizes(cells: list[dict[str, str]]) -> dict[str, int]:
    """The columns that hold anything, with their widths."""
    sizes = {name: max(cell_len(row[name]) for row in cells) for name in cells[0]}
    return {name: size for name, size in sizes.items() if size}


def _width(sizes: dict[str, int]) -> int:
    return sum(sizes.values()) + 2 * len(sizes)


def _columns_that_fit(cells: list[dict[str, str]], width: int) -> dict[str, int]:
    """The columns with their widths; the least needed go until the rest fits."""
    sizes = _sizes(cells)
    for name in _GO_FIRST:
        if _width(sizes) <= width:
            break
        sizes.pop(name, None)
    return sizes


def _computed_line(row: TensorRow, kind: int, width: int) -> Line:
    name = printable(row.name)
    text = Text(" ")
    if kind:
        text.append("computed".ljust(kind) + "  ", style="dim")
    text.append(name, style="bold")
    kept = f"  keeps {row.kept:,} of {row.elements:,}"
    formula = f" = {name}_orig × {name}_mask"
    text.append((formula if text.cell_len + len(formula) + len(kept) <= width else " = orig × mask") + kept)
    return Line(text, row)


def _remarks(row: TensorRow) -> str:
    remarks = []
    if row.kind == "buffer" and not row.persistent:
        remarks.append("not saved")
    if row.shared_with:
        remarks.append(f"≡ {', '.join(map(printable, row.shared_with))}")
    return "  " + " · ".join(remarks) if remarks else ""


def _warnings(row: TensorRow) -> list[Line]:
    warnings = []
    if row.stale:
        warnings.append("! stale: not orig × mask until the next forward")
    if row.note:
        warnings.append(f"! {printable(row.note)}")
    return [Line(Text(f"   {warning}", style="bold"), row) for warning in warnings]


def _hook_line(hook: HookRow, width: int) -> Text:
    text = Text(f"{hook.id:>2}  ")
    text.append(f"{hook.kind:<11}  ", style="dim")
    text.append(printable(hook.name), style="bold")
    if hook.tensor:
        text.append(f" → {printable(hook.tensor)}")
    if hook.settings:
        text.append(f"  {printable(hook.settings)}")
    if hook.flags:
        text.append(f"  {', '.join(hook.flags)}", style="dim")
    if hook.where and text.cell_len + len(hook.where) + 3 <= width:
        text.append(f"  {printable(hook.where)}", style="dim")
    return text


def _history_lines(history: TensorHistory) -> list[tuple[Text, str]]:
    """What each line says, and the call alone."""
    lines = []
    for number, row in enumerate(history.rows, start=1):
        text = Text(
            f"{printable(history.tensor) if number == 1 else '':<{len(printable(history.tensor))}}  {number}  "
        )
        text.append(printable(row.method), style="bold")
        text.append(
            f"({printable(row.settings)})" if not row.settings.endswith(")") else f"  {printable(row.settings)}"
        )
        text.append(
            f"  −{row.took:,}" if row.took >= 0 else "  from before the session",
            style="" if row.took >= 0 else "dim",
        )
        if row.step:
            text.append(f"  step {row.step}", style="dim")
        lines.append((text, f"{row.method}({row.settings})"))
    return lines


def human_bytes(count: int) -> str:
    """A size as people say it: `216 B`, `1.5 KB`, `2.0 GB` (1 KB is 1,000 bytes)."""
    size = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
