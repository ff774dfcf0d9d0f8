"""The catalogue of pruning methods at work: `planners` says for each step what works out its masks.

`torchs_own` are those of torch.nn.utils.prune; the others name their source; `plugins` are a person's own.
"""
