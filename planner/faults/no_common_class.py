from typing import ClassVar

from planner.diagnostics import Fault, Path


class NoCommonClass(Fault):
    """Two calls of a block share their weights, but no class of PyTorch can be written that stands for both: what
    stands in the block depends on the sizes that arrive in a way that a module cannot have.

    Why it matters: `share` calls one module twice, and a module is constructed once.

    When to ignore it: never.

    How to fix it: give both calls inputs of the same sizes, or take what depends on the size out of the block.
    """

    code = "NSP506"
    shown_by: ClassVar[str] = "planner code, on a block that is shared over sizes for which it is written otherwise"

    def __init__(self, owner: str, step: str, path: Path) -> None:
        super().__init__(
            f"no class can stand for both `{owner}` and `{step}`",
            label=f"at these sizes its code differs from that of `{owner}`",
            help="let both read the same sizes, or leave `share` out",
            key=(*path, "share"),
        )
