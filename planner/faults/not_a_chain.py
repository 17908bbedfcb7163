from typing import ClassVar

from planner.diagnostics import Fault, Path


class NotAChain(Fault):
    """`planner code --style sequential` was asked for a model that is not a chain: a layer reads something other than
    the layer above, reads several tensors, or hands on several.

    Why it matters: `nn.Sequential` can only call its modules one after the other.

    When to ignore it: never.

    How to fix it: leave `--style` out. What is a chain within the model becomes an `nn.Sequential` all the same.
    """

    code = "NSP501"
    shown_by: ClassVar[str] = "planner code --style sequential, on a model with branches"

    def __init__(self, step: str, path: Path) -> None:
        super().__init__(
            f"nn.Sequential cannot have branches, and `{step}` is at one",
            label="it does not just read the layer above and feed the layer below",
            help="leave `--style sequential` out",
            key=path,
        )
