"""Choosing what to prune, exactly and without copies: which entries or channels go, planned as a rule.

`search` brackets the threshold by a sample and finds it in one pass: `passes` on the CPU, else `device_passes`.
`ties` says which of several equal magnitudes go. `smallest`, `channels` and `random_scores` make plans of that, as
`planned_masks` describes them; `product` gives torch's hook the product that was made in the same pass.
"""
