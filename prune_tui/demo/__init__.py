"""The model and data that ship with prune-tui, so that it has something to open without a user's own code.

The model is the LeNet of the PyTorch pruning tutorial, trained on the handwritten digits of the UCI Machine
Learning Repository; `python -m prune_tui.demo.train` made both files. Importing this package imports no
torch.
"""
