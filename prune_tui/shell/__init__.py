"""Files for the shell, which a wheel also puts where shells and man look for them.

`prune-tui completion bash|zsh|fish` and `prune-tui man` print them.
"""
