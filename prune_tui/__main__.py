"""`python -m prune_tui` is `prune-tui`."""

from prune_tui.cli import main

if __name__ == "__main__":
    main()
