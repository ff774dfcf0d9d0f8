"""`prune-tui completion`: the script that has a shell complete what is typed after prune-tui."""

from __future__ import annotations

from importlib import resources
from typing import Literal

from prune_tui.commands.answering import answered
from prune_tui.exit_codes import DONE

SCRIPTS = {"bash": "prune-tui.bash", "zsh": "_prune_tui", "fish": "prune-tui.fish"}


def completion(shell: Literal["bash", "zsh", "fish"], /) -> int:
    """Print the script that completes commands, options, files and names of modules in a shell.

    Args:
        shell: In ~/.bashrc: eval "$(prune-tui completion bash)". In ~/.zshrc, after compinit:
            eval "$(prune-tui completion zsh)". In ~/.config/fish/config.fish: prune-tui completion fish | source.
    """
    script = resources.files("prune_tui.shell") / SCRIPTS[shell]
    return answered(lambda: (DONE, script.read_text("utf-8").rstrip("\n")), {}, json=False, debug=False)
