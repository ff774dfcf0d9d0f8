"""The engine: everything that touches a tensor.

It imports torch and never Textual. `session.py` is the only place that changes a model; `server.py` puts it
behind the protocol; the other modules look at a model (`outline`, `modules`, `hooks`, `tiles`, `statistics`) or
say what a step would do to it (`methods`).
"""
