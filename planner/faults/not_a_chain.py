from typing import ClassVar

from planner.diagnostics import Fault, Path


class NotAChain(Fault):
    """`planner code --style sequential` was asked for a model that is not a chain: a layer reads something other than
    the layer above, reads several tensors, hands on several, or has weights of another layer (`share`, `tie`).

    Why it matters: `nn.Sequential` can only call its modules one after the other.

    When to ignore it: never.

    How to fix it: leave `--style` out. What is a chain within the model becomes an `nn.Sequential` all the same.
    """

    code = "NSP501"
    shown_by: ClassVar[str] = "planner code --style sequential, on a model with branches"

    def __init__(self, step: str, path: Path, *, borrows: bool = False) -> None:
        """`borrows` says that it is for the weights of another layer."""
        super().__init__(
            f"nn.Sequential has a module for each layer, and `{step}` has weights of another layer"
            if borrows
            else f"nn.Sequential cannot have branches, and `{step}` is at one",
            label="these are called again, or assigned, by a class of its own"
            if borrows
            else "it does not just read the layer above and feed the layer below",
            help="leave `--style sequential` out",
            key=path,
        )
