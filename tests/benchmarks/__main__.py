"""The command: measures each row in a process of its own, prints one table, and writes it as JSON on request."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

QUICK = 0.02
"""Scale of the tensors under `--quick`."""

_LINE = "{what:<46} {against:<26} {baseline:>10} {ours:>10} {ratio:>8} {goal:>7} {reached:>8} {memory:>14}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; no figure makes it fail."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", help="names of rows, all when none is given")
    parser.add_argument("--quick", action="store_true", help="small tensors, under a minute: says little of speed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--scale", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)

    from tests.benchmarks.rows import ROWS

    names = [row.name for row in ROWS]
    unknown = [name for name in asked.rows if name not in names]
    if unknown:
        parser.error(f"there is no row {unknown[0]!r}; the rows are {', '.join(names)}")
    scale = asked.scale or (QUICK if asked.quick else 1.0)
    if asked.in_this_process:
        print(json.dumps(_measured(asked.rows[0], scale, 1 if asked.quick else None)))
        return 0
    figures = []
    print(_about(asked.quick))
    print(_LINE.format(**_HEAD), flush=True)
    for name in asked.rows or names:
        figures.append(_in_a_process(name, scale, quick=asked.quick))
        print(_LINE.format(**_told(figures[-1])), flush=True)
    sent = [] if asked.rows else _bytes_sent()
    if asked.json:
        asked.json.write_text(
            json.dumps({"about": _about(asked.quick), "rows": figures, "bytes": sent}, indent=2) + "\n"
        )
    return 0


def _bytes_sent() -> list[dict[str, Any]]:
    """Print two more tables: what is sent to the terminal is counted, not timed."""
    from tests.benchmarks import bytes_in_panes, bytes_sent

    figures = bytes_sent.measured()
    print(f"\n{bytes_sent.table(figures)}", flush=True)
    in_panes = bytes_in_panes.measured()
    print(f"\n{bytes_in_panes.table(in_panes)}")
    return [{**one._asdict(), "reached": one.reached} for one in (*figures, *in_panes)]


def _in_a_process(name: str, scale: float, *, quick: bool) -> dict[str, Any]:
    """Figures of one row; its peak of memory is then its own."""
    command = [sys.executable, "-m", "tests.benchmarks", name, "--in-this-process", "--scale", str(scale)]
    done = subprocess.run(
        [*command, *(["--quick"] if quick else [])],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ},
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measured(name: str, scale: float, rounds: int | None) -> dict[str, Any]:
    from tests.benchmarks.measuring import in_turns
    from tests.benchmarks.rows import ROWS

    row = next(row for row in ROWS if row.name == name)
    found: dict[str, Any] = {
        "name": name,
        "what": row.what,
        "against": row.against,
        "goal": row.goal,
        "bytes_goal": row.bytes_goal,
        "seconds_goal": row.seconds_goal,
    }
    if row.figures is not None:
        figures = row.figures(scale, rounds or row.rounds)
        ratio = figures["baseline_s"] / figures["ours_s"]
        soon_enough = row.seconds_goal is None or figures["ours_s"] <= row.seconds_goal
        fluent = figures.get("stall_s", 0) <= 0.05
        return {**found, **figures, "ratio": ratio, "reached": ratio >= row.goal and soon_enough and fluent}
    if row.contest is None:
        raise ValueError(f"nothing says how {row.name} is measured")
    contest = row.contest(scale)
    torchs, ours = in_turns(contest, rounds or row.rounds)
    ratio = torchs.seconds / ours.seconds
    theirs, held = (_per_parameter(run.peak, contest.parameters) for run in (torchs, ours))
    small_enough = row.bytes_goal is None or held is None or held <= row.bytes_goal
    soon_enough = row.seconds_goal is None or ours.seconds <= row.seconds_goal
    return {
        **found,
        "parameters": contest.parameters,
        "baseline_s": torchs.seconds,
        "ours_s": ours.seconds,
        "ratio": ratio,
        "reached": ratio >= row.goal and small_enough and soon_enough,
        "baseline_bytes": theirs,
        "ours_bytes": held,
    }


def _per_parameter(peak: int | None, parameters: int) -> float | None:
    """Bytes for each parameter; None for small tensors, which fit into memory that the process holds anyway."""
    return None if peak is None or parameters < 5_000_000 else peak / parameters


_HEAD = {
    "what": "what",
    "against": "against",
    "baseline": "torch",
    "ours": "ours",
    "ratio": "ratio",
    "goal": "goal",
    "reached": "reached",
    "memory": "bytes/param",
}


def _told(found: dict[str, Any]) -> dict[str, str]:
    """One row as the words of its line."""
    empty = dict.fromkeys(_HEAD, "")
    goal = f"{found['goal']:.3g}×" if found["seconds_goal"] is None else f"{found['seconds_goal'] * 1000:.3g} ms"
    line = {**empty, "what": found["what"], "against": found["against"], "goal": goal}
    held, theirs = found.get("ours_bytes"), found.get("baseline_bytes")
    memory = "" if held is None or theirs is None else f"{theirs:.1f} → {held:.2f}"
    if "stall_s" in found:
        memory = f"stall {_time(found['stall_s'])}"
    return {
        **line,
        "baseline": _time(found["baseline_s"]),
        "ours": _time(found["ours_s"]),
        "ratio": f"{found['ratio']:.2f}×" if found["ratio"] < 10 else f"{found['ratio']:.0f}×",
        "reached": "yes" if found["reached"] else "no",
        "memory": memory,
    }


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"


def _about(quick: bool) -> str:
    import numpy
    import torch

    small = f"; --quick: tensors {QUICK:g} times the size, goals are for the full one" if quick else ""
    return (
        f"torch {torch.__version__}, numpy {numpy.__version__}, Python {platform.python_version()},"
        f" {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}{small}"
    )


if __name__ == "__main__":
    sys.exit(main())
