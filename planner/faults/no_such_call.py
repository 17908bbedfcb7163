from typing import ClassVar

from planner.diagnostics import Fault, Path


class NoSuchCall(Fault):
    """A layer cannot be written in PyTorch, as no code is known for the call that it stands for.

    Why it matters: the layer can be planned, counted and drawn, but its line in the program would be a guess.

    When to ignore it: never; the plan itself is right.

    How to fix it: use a layer that has a class or function of PyTorch, or leave this one out of the file whose code you
    want, and put its call into the class by hand.
    """

    code = "NSP505"
    shown_by: ClassVar[str] = "planner code, on a layer of your own whose call is no class or function of PyTorch"

    def __init__(self, kind: str, target: str, path: Path) -> None:
        super().__init__(
            f"{kind} cannot be written in PyTorch",
            label=f"it stands for `{target}`, and no code is known for that",
            help="use a layer that PyTorch has, or write this one by hand",
            key=path,
        )
