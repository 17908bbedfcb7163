from typing import ClassVar

from planner.diagnostics import Fault, Path


class RefusedModuleName(Fault):
    """A layer with weights has a name that a module of PyTorch cannot have: one with a dot in it, or `training`.

    Why it matters: the name stands in the `state_dict`, where dots part the names of modules within modules, and
    PyTorch keeps its own flag as `training`. Other names that Python or PyTorch use are worked around.

    When to ignore it: never; the plan itself is right.

    How to fix it: give the layer another name. For `features.0`, write a list of layers in place: `- name: features`
    with `layers:` below it.
    """

    code = "NSP502"
    shown_by: ClassVar[str] = "planner code, on a model with a convolution of the name `a.b`"

    def __init__(self, name: str, path: Path) -> None:
        dotted = "." in name
        super().__init__(
            'module name can\'t contain "."' if dotted else f"attribute '{name}' already exists",
            label=f"a module of PyTorch cannot be called `{name}`",
            help=f"use `name: {name.replace('.', '_') if dotted else name + '_'}`",
            key=path,
        )
