"""The calls of PyTorch that layers mean, run on tensors without values: one function for each kind of call.

What each keeps is what PyTorch's own backward formulas name (`tools/autograd/derivatives.yaml`), on the CPU. A new call
is a function in the file of its family, and a line in the table at its end.
"""

from planner.autograd.calls import modules, places, values, windowed
from planner.autograd.calls._running import Handler, Running

HANDLERS: dict[str, Handler] = {**values.HANDLERS, **modules.HANDLERS, **windowed.HANDLERS, **places.HANDLERS}
"""How each call is run, by its target."""

__all__ = ["HANDLERS", "Handler", "Running"]
