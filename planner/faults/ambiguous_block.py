from typing import ClassVar

from planner.diagnostics import Fault


class AmbiguousBlock(Fault):
    """Two libraries bring a block of the same name.

    Why it matters: a layer of that type could be either. Which library is named first must not decide it.

    When to ignore it: never.

    How to fix it: use one of the two, or rename the block in a library of your own. A block of this name in the file
    itself hides both, and is no fault: what stands in the file is what the file means.
    """

    code = "NSP120"
    shown_by: ClassVar[str] = "two files beside a model file that have a block of the same name"

    def __init__(self, name: str, first: str, second: str) -> None:
        super().__init__(
            f"two libraries have a block `{name}`",
            label=f"`{first}` and `{second}` both have it",
            help=f"use one of the two, or define `{name}` under `blocks:` here",
        )
