"""The commands that need no screen, one file each: they parse, hand over, print and return an exit code.

`prune_tui.cli` registers them. What imports torch is imported inside the function that needs it, so that
`prune-tui --help` and the app itself never wait for it.
"""
