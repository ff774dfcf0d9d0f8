"""The rows of the table "Speed and memory" of the design: what is measured, against what, and the goal."""

from __future__ import annotations

import array
import dataclasses
import itertools
import shutil
from collections.abc import Callable
from typing import Any

import torch
from rich.segment import Segment
from rich.style import Style
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.utils import prune

from prune_tui import Session, steps
from prune_tui.engine import bits, outline, pooling, saving, sources, statistics
from prune_tui.engine.cancelling import Stop, never
from prune_tui.engine.layers import Layers, NoValues, layers
from prune_tui.engine.tiles import Pruning
from prune_tui.protocol import Open
from prune_tui.tensor_requests import Block, GetHeatmap
from prune_tui.tensor_views import Heatmap
from prune_tui.ui.pictures import heatmap, ramps
from prune_tui.ui.pictures.look import Look
from prune_tui.views import Statistics
from tests.benchmarks import first_tree, models, painting
from tests.benchmarks.measuring import Contest


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: How it is asked for.
        what: What is measured.
        against: The other side.
        goal: How many times faster it is to be.
        contest: Makes what is compared, for a scale of 1, or of less under `--quick`; None where the line is
            measured in another way.
        figures: Measures in another way, for a scale and a number of rounds: `baseline_s`, `ours_s`, and perhaps
            `stall_s`, the longest time that the event loop stood still.
        bytes_goal: How many bytes a parameter it may hold at the peak.
        rounds: How often each side is run.
        seconds_goal: How long it may take.
    """

    name: str
    what: str
    against: str
    goal: float
    contest: Callable[[float], Contest] | None = None
    bytes_goal: float | None = None
    rounds: int = 5
    seconds_goal: float | None = None
    figures: Callable[[float, int], dict[str, float]] | None = None


def _pruned(values: Tensor, torchs: Callable[[nn.Module], object], method: str, **settings: Any) -> Contest:
    """One tensor, by torch and by a session."""
    return Contest(
        lambda: models.holding(values),
        torchs,
        lambda module: Session(module).apply(method, "weight", **settings),
        values.numel(),
    )


def _l1_without_a_tie(scale: float) -> Contest:
    values = models.normal(int(10_000_000 * scale))
    count = models.amount_without_a_tie(values)
    return _pruned(
        values, lambda module: prune.l1_unstructured(module, "weight", count), "l1_unstructured", amount=count
    )


def _l1_by_index(elements: int) -> Callable[[float], Contest]:
    return lambda scale: _pruned(
        models.with_a_tie(models.normal(int(elements * scale)), 0.5),
        lambda module: prune.l1_unstructured(module, "weight", 0.5),
        "l1_unstructured",
        amount=0.5,
        ties="index",
    )


def _touched(make: Callable[[float], Contest]) -> Callable[[float], Contest]:
    """The same with free memory that this machine has written to before: a virtual one is given its pages late."""

    def contest(scale: float) -> Contest:
        found = make(scale)

        def prepare() -> Any:
            torch.ones(10 * found.parameters)
            return found.prepare()

        return dataclasses.replace(found, prepare=prepare)

    return contest


def _l1_with_a_tie(scale: float) -> Contest:
    return _pruned(
        models.with_a_tie(models.normal(int(10_000_000 * scale)), 0.5),
        lambda module: prune.l1_unstructured(module, "weight", 0.5),
        "l1_unstructured",
        amount=0.5,
    )


def _random(scale: float) -> Contest:
    def torchs(module: nn.Module) -> None:
        torch.manual_seed(7)
        prune.random_unstructured(module, "weight", 0.5)

    return _pruned(models.normal(int(10_000_000 * scale)), torchs, "random_unstructured", amount=0.5, seed=7)


def _structured(scale: float) -> Contest:
    return _pruned(
        models.normal(int(10_000_000 * scale) // 2500 * 2500, columns=2500),
        lambda module: prune.ln_structured(module, "weight", 0.5, n=2, dim=0),
        "ln_structured",
        amount=0.5,
        n=2,
        dim=0,
    )


def _again(scale: float) -> Contest:
    values = models.normal(int(10_000_000 * scale))

    def prepare() -> nn.Module:
        return prune.l1_unstructured(models.holding(values), "weight", 0.3)

    return Contest(
        prepare,
        lambda module: prune.l1_unstructured(module, "weight", 0.5),
        lambda module: Session(module).apply("l1_unstructured", "weight", amount=0.5, ties="index"),
        values.numel(),
    )


def _global(edit: str, ties: str) -> Callable[[float], Contest]:
    """Each run works on a model of its own, which is made again: the last one is full of hooks."""

    def contest(scale: float) -> Contest:
        width = 1 if scale == 1 else 8
        parameters = sum(parameter.numel() for parameter in models.gpt2_small(width).parameters())

        def ours(model: nn.Sequential) -> None:
            getattr(Session(model), edit)("global_unstructured", models.names_of(model), amount=0.5, ties=ties)

        return Contest(lambda: models.gpt2_small(width), _globally_by_torch, ours, parameters)

    return contest


def _globally_by_torch(model: nn.Sequential) -> None:
    prune.global_unstructured([(module, "weight") for module in model], prune.L1Unstructured, amount=0.5)


def _statistics(ours: Callable[[Layers | NoValues, Stop], Statistics]) -> Callable[[float], Contest]:
    def torchs(module: nn.Module) -> None:
        weight = module.weight.detach()
        for figure in (Tensor.min, Tensor.max, Tensor.mean, Tensor.std, Tensor.norm, Tensor.count_nonzero):
            float(figure(weight))
        int(weight.isnan().sum()), int(weight.isinf().sum())
        weight.sort()

    def contest(scale: float) -> Contest:
        values = models.normal(int(100_000_000 * scale))
        return Contest(
            lambda: models.holding(values),
            torchs,
            lambda module: ours(layers(module, "weight", "effective"), never),
            values.numel(),
        )

    return contest


def _snapshot(scale: float) -> Contest:
    mask = (models.normal(int(10_000_000 * scale)) > 0).float()
    return Contest(lambda: mask, torch.clone, bits.packed, mask.numel())


def _heatmap(scale: float) -> Contest:
    """80 × 120 cells, drawn: two of them in a character, against one `Style` made for each character."""
    height, width = max(2, 2 * int(40 * scale)), 120
    values = models.normal(height * width, columns=width)
    whole = Block((), (0, height), (0, width))
    request = GetHeatmap("weight", "effective", 0, 1, whole, height, width)
    found = pooling.heatmap(layers(models.holding(values), "weight", "effective"), request, Pruning(), never)
    look = Look()

    def a_style_per_cell(picture: Heatmap) -> list[list[Segment]]:
        numbers = array.array("f", picture.values)
        rows = [numbers[start : start + width] for start in range(0, height * width, width)]
        return [
            [
                Segment("▀", Style(color=ramps.colour(up / 3, look), bgcolor=ramps.colour(down / 3, look)))
                for up, down in zip(upper, lower, strict=True)
            ]
            for upper, lower in zip(rows[::2], rows[1::2], strict=True)
        ]

    return Contest(
        lambda: found, a_style_per_cell, lambda picture: heatmap.lines(picture, 3, look), height * width
    )


def _like_gpt2_medium(scale: float) -> dict[str, Tensor]:
    """500M float32 in 290 tensors, as many as it has."""
    return {f"layers.{number}.weight": models.normal(int(1_720_000 * scale)) for number in range(290)}


def _ten_thousand(_: float) -> dict[str, Tensor]:
    return {f"layers.{number // 10}.{number % 10}.weight": models.normal(8) for number in range(10_000)}


def _first_tree(make: Callable[[float], dict[str, Tensor]]) -> Callable[[float, int], dict[str, float]]:
    def figures(scale: float, rounds: int) -> dict[str, float]:
        file = models.a_folder() / "model.safetensors"
        save_file(make(scale), file)
        return first_tree.measured(file, rounds)

    return figures


def _opening(suffix: str) -> Callable[[float], Contest]:
    def contest(scale: float) -> Contest:
        folder, tensors = models.a_folder(), _like_gpt2_medium(scale)
        torch.save(tensors, folder / "model.pt")
        save_file(tensors, folder / "model.safetensors")
        return Contest(
            lambda: folder,
            lambda folder: torch.load(folder / "model.pt", weights_only=True),
            lambda folder: outline.outline(sources.load(Open(str(folder / f"model{suffix}"))).model),
            sum(tensor.numel() for tensor in tensors.values()),
        )

    return contest


def _streaming(together: bool) -> Callable[[float], Contest]:
    """A checkpoint in shards from files to files: all of it in memory, and tensor by tensor.

    Torch's global step takes eight times the checkpoint, which few machines have: a global one of ours is compared
    with torch's L1 of each tensor, too.
    """

    def contest(scale: float) -> Contest:
        folder = models.a_folder()
        elements = models.sharded(folder / "model", scale)
        names, outputs = [f"layers.{at}.weight" for at in range(32)], itertools.count()

        def torchs(_: object) -> None:
            files = sorted((folder / "model").glob("*.safetensors"))
            inside = {file: load_file(file) for file in files}
            held = {name: one for own in inside.values() for name, one in own.items()}
            modules = {name: models.holding(tensor) for name, tensor in held.items()}
            for module in modules.values():
                prune.l1_unstructured(module, "weight", 0.5)
            out = folder / f"torch-{next(outputs)}"
            out.mkdir()
            for file in files:
                own = {f"{name}_orig": modules[name].weight_orig.detach() for name in inside[file]}
                own |= {f"{name}_mask": modules[name].weight_mask for name in inside[file]}
                save_file(own, out / file.name)
            shutil.rmtree(out)

        def ours(_: object) -> None:
            loaded = sources.load(Open(str(folder / "model")))
            session = Session(loaded.model, past=loaded.past, checkpoint=loaded.checkpoint)
            method = "global_unstructured" if together else "l1_unstructured"
            session.do_and_tell(steps.build(method, names, {"amount": 0.5, "ties": "index"}))
            out = folder / f"ours-{next(outputs)}"
            saving.save(session, out)
            shutil.rmtree(out)

        return Contest(lambda: None, torchs, ours, elements, anonymous=True)

    return contest


_L1 = "prune.l1_unstructured"
_WHOLE = "torch, all in memory"
_GLOBAL = "prune.global_unstructured"
_CALLS = "torch calls and a sort"
_OPENED = "until the model is open"

ROWS = (
    Row("l1", "L1 apply, no straddling tie, 10M float32", _L1, 25, _l1_without_a_tie),
    Row("l1-index", "L1 apply, ties=index, 10M", _L1, 25, _l1_by_index(10_000_000)),
    Row("l1-100m", "the same, 100M, touched", _L1, 50, _touched(_l1_by_index(100_000_000)), rounds=3),
    Row("l1-tie", "L1 apply, ties=torch, straddling tie, 10M", _L1, 3, _l1_with_a_tie),
    Row("global", "global L1, 148 tensors, 124M, ties=index", _GLOBAL, 60, _global("apply", "index"), 8.5, 3),
    Row("global-torch", "the same, ties=torch", _GLOBAL, 3, _global("apply", "torch"), rounds=3),
    Row("random", "random apply, same seed, 10M", "prune.random_unstructured", 15, _random),
    Row("structured", "structured apply, 10M", "prune.ln_structured", 2.5, _structured),
    Row("again", "re-prune through a container, 10M, ties=index", "the same in torch", 30, _again),
    Row(
        "preview", "preview of a global step, 124M, ties=index", _GLOBAL, 150, _global("preview", "index"), 1.2, 3
    ),
    Row("preview-torch", "the same, ties=torch", _GLOBAL, 150, _global("preview", "torch"), 1.2, 3),
    Row("statistics", "all statistics of a 100M tensor", _CALLS, 60, _statistics(statistics.statistics), rounds=3),
    Row(
        "sample", "first, sampled answer", _CALLS, 0, _statistics(statistics.sampled), rounds=3, seconds_goal=0.01
    ),
    Row("snapshot", "undo snapshot, 10M", "a float32 copy", 1, _snapshot, 1 / 8 + 0.01),
    Row(
        "paint",
        "first paint",
        "the app with no model",
        1 / 1.15,
        figures=lambda _, rounds: painting.measured(rounds),
    ),
    Row("tree", "tree of 10,000 tensors", _OPENED, 0, seconds_goal=0.5, figures=_first_tree(_ten_thousand)),
    Row("tree-2gb", "tree of a 2 GB file", _OPENED, 0, seconds_goal=0.5, figures=_first_tree(_like_gpt2_medium)),
    Row("heatmap", "full heat map at 120x40", "a Style per cell", 4, _heatmap, rounds=15),
    Row("opening", "opening a 2 GB safetensors file", "torch.load", 100, _opening(".safetensors"), 0.04),
    Row("streaming", "L1 of a 2 GB folder, tensor by tensor", _WHOLE, 1, _streaming(False), 0.375, 1),
    Row("streaming-global", "the same, global L1", _L1, 1, _streaming(True), 0.375, 1),
    Row("opening-pt", "opening a 2 GB .pt file", "torch.load", 100, _opening(".pt"), 0.04),
)
