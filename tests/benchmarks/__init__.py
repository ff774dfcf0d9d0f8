"""How fast prune-tui is, as ratios against plain torch in the same run: `python -m tests.benchmarks`."""
