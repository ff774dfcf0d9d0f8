"""For each step of the catalogue, what works out its masks."""

from __future__ import annotations

from prune_tui import steps
from prune_tui.engine import custom_methods, methods, semi_structured
from prune_tui.engine.methods import Planner

PLANNERS: dict[type[steps.Step], Planner] = {
    **methods.PLANNERS,
    steps.SemiStructured: semi_structured.plan,
    steps.CustomMethod: custom_methods.plan,
}
