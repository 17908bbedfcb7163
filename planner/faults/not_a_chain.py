from typing import ClassVar, Literal

from planner.diagnostics import Fault, Path

WORDS = {
    "branch": (
        "nn.Sequential cannot have branches, and `{step}` is at one",
        "it does not just read the layer above and feed the layer below",
    ),
    "weights": (
        "nn.Sequential has a module for each layer, and `{step}` has weights of another layer",
        "only a class of its own can call or assign them again",
    ),
    "order": (
        "nn.Sequential calls a module once, with all that is within it, and `{step}` comes later",
        "layers with the same name before the dot stand above other layers",
    ),
}


class NotAChain(Fault):
    """`planner code --style sequential` was asked for a model that is not a chain: a layer reads something other than
    the layer above, reads several tensors, hands on several, has weights of another layer (`share`, `tie`), or is by
    its name within a module that others have followed (`a.conv`, `b`, `a.norm`).

    Why it matters: `nn.Sequential` can only call its modules one after the other.

    When to ignore it: never.

    How to fix it: leave `--style` out. What is a chain within the model becomes an `nn.Sequential` all the same.
    """

    code = "NSP501"
    shown_by: ClassVar[str] = "planner code --style sequential, on a model with branches"

    def __init__(self, step: str, path: Path, *, why: Literal["branch", "weights", "order"] = "branch") -> None:
        message, label = WORDS[why]
        super().__init__(message.format(step=step), label=label, help="leave `--style sequential` out", key=path)
