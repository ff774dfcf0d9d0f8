"""The command measures, prints a table and writes its figures; what they are is nobody's promise."""

import json
import subprocess
import sys

import pytest

from tests.benchmarks.__main__ import main
from tests.benchmarks.measuring import Contest, in_turns
from tests.benchmarks.rows import ROWS


def test_one_row_is_measured_printed_and_written(tmp_path):
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", "tests.benchmarks", "l1", "--quick", "--scale", "0.001", "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    _, head, line = done.stdout.splitlines()
    assert head.split() == ["what", "against", "torch", "ours", "ratio", "goal", "reached", "bytes/param"]
    assert line.startswith("L1 apply, no straddling tie")
    (row,) = json.loads(file.read_text())["rows"]
    assert row["parameters"] == 10_000
    assert row["ratio"] == row["baseline_s"] / row["ours_s"]
    assert f"{row['goal']}×" in line


def test_a_goal_in_time_is_told_as_such(capfd):
    assert main(["sample", "--quick"]) == 0
    (line,) = (line for line in capfd.readouterr().out.splitlines() if line.startswith("first, sampled"))
    assert " 10 ms " in line


def test_a_row_that_does_not_exist_is_refused_with_those_that_do(capsys):
    with pytest.raises(SystemExit):
        main(["l2"])
    assert "there is no row 'l2'; the rows are l1, l1-index" in capsys.readouterr().err


@pytest.mark.parametrize("row", [row for row in ROWS if row.contest], ids=lambda row: row.name)
def test_both_sides_of_every_row_run(row):
    contest = row.contest(0.001)
    torchs, ours = in_turns(contest, 1)
    assert min(torchs.seconds, ours.seconds) > 0


def test_both_sides_take_turns():
    order = []
    in_turns(Contest(lambda: 0, lambda _: order.append("torch"), lambda _: order.append("ours"), 1), 2)
    assert order == ["ours", "torch", "ours", "torch", "ours"]
