from typing import ClassVar

from planner.diagnostics import Fault, Path


class RefusedModuleName(Fault):
    """A layer with weights has a name that a module of PyTorch cannot have: `training`, one with nothing before or
    behind a dot, or one by which the layer that the dot is behind has something of its own.

    Why it matters: the name stands in the `state_dict`, where dots part the names of modules within modules. PyTorch
    keeps its own flag as `training`, and `bn.weight` is the weight of the layer `bn`. Other names that Python or
    PyTorch use are worked around, and a layer `head.conv` is the module `conv` of a module `head`.

    When to ignore it: never; the plan itself is right.

    How to fix it: give the layer another name.
    """

    code = "NSP502"
    shown_by: ClassVar[str] = "planner code, on a model with a BatchNorm2d `bn` and a Parameter `bn.weight`"

    def __init__(self, name: str, path: Path, owner: str = "") -> None:
        """`owner` is the layer that has something of its own there."""
        piece = name.removeprefix(f"{owner}.").partition(".")[0] if owner else "training"
        empty = not owner and "" in name.split(".")
        super().__init__(
            'module name can\'t be empty string ""' if empty else f"attribute '{piece}' already exists",
            label=f"`{owner}` has something of its own as `{piece}`"
            if owner
            else f"a module of PyTorch cannot be called `{name}`",
            help=f"use `name: {name.replace('.', '_').strip('_') or 'layer'}{'' if '.' in name else '_'}`",
            key=path,
        )
