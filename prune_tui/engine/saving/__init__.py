"""Writing a model's tensors so that plain torch and Hugging Face's tools load them, and prune-tui has it all back.

`forms` says which tensors each form has and makes them one at a time; the writers put them into a file or a
folder; `saver` checks what could go wrong before the first byte and puts the result in its place in one move.
"""

from prune_tui.engine.saving.saver import save

__all__ = ["save"]
