from typing import ClassVar

from planner.diagnostics import Fault, Path


class NotAChain(Fault):
    """`planner code --style sequential` was asked for a model in which a layer reads something else than what stands
    above it, or more than one tensor, or hands on more than one.

    Why it matters: `nn.Sequential` can only call its modules one after the other.

    When to ignore it: never.

    How to fix it: leave `--style` out. What is a chain within the model becomes an `nn.Sequential` all the same.
    """

    code = "NSP501"
    shown_by: ClassVar[str] = "planner code --style sequential, on a model with branches"

    def __init__(self, step: str, path: Path) -> None:
        super().__init__(
            f"nn.Sequential cannot have branches, and `{step}` is at one",
            label="this reads, or hands on, something else than what stands next to it",
            help="leave `--style sequential` out",
            key=path,
        )
