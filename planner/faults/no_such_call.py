from typing import ClassVar

from planner.diagnostics import Fault, Path


class NoSuchCall(Fault):
    """A layer means a call that is not known to be written in PyTorch.

    Why it matters: the layer can be planned, counted and drawn, but what the program would say for it would be a guess.

    When to ignore it: never; the plan itself is right.

    How to fix it: use a layer that has a class or function of PyTorch, or leave this one out of the file whose code you
    want, and put its call into the class by hand.
    """

    code = "NSP505"
    shown_by: ClassVar[str] = "planner code, on a layer of your own whose call is no class or function of PyTorch"

    def __init__(self, kind: str, target: str, path: Path) -> None:
        super().__init__(
            f"{kind} cannot be written in PyTorch",
            label=f"it means `{target}`, of which no code is known",
            help="use a layer that PyTorch has, or write this one by hand",
            key=path,
        )
