"""What is wrong or surprising in a model: checks that only look, and repairs that are planned like any step.

`examination` takes hold of the model once; `registry` lists the checks as data, and they stand by subject in
`hooks`, `masks`, `channels`, `sharing` and `surroundings`; `reporting` puts what they find into words; `repairs`
plans what mends it.
"""

from prune_tui.engine.doctor.registry import CHECKS
from prune_tui.engine.doctor.reporting import examine

__all__ = ["CHECKS", "examine"]
