"""The names under which a checkpoint's metadata have what is ours. Needs no torch."""

RECIPE, TOOK = "prune_tui.recipe", "prune_tui.took"
"""The steps that made its masks, and for each how many entries it took where."""
PREFIX = "prune_tui.prefix"
"""What every name begins with, and the steps' targets do not."""
COMPACT = "prune_tui.compact"
"""The shapes of the tensors that are saved as kept values and bits."""
