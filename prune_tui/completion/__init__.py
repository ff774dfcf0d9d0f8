"""What a shell offers after <TAB>: commands, options, and what an option may be.

`prune_tui/shell` has the scripts of the three shells. They hand the words over as they stand, to the hidden
command `__complete`, and offer what it prints: nothing is told to a shell twice, and what an option may be is
looked up when it is asked for. Nothing here imports torch.
"""
