from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from planner.diagnostics import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence


class NotComplete(Fault):
    """Code was asked for a model that could not be planned to its end.

    Why it matters: without a shape for every step nothing can be constructed.

    When to ignore it: never.

    How to fix it: fix what `planner check` reports.
    """

    code = "NSP503"
    shown_by: ClassVar[str] = "planner code, on a model with a fault"

    def __init__(self, missing: Sequence[str], why: str = "") -> None:
        names = ", ".join(f"`{each}`" for each in missing[:3]) + (", …" if len(missing) > 3 else "")
        label = f"no shape is known for {names}" if missing else "the model has no output"
        super().__init__(
            f"no code can be written for a model that is not planned to its end{f': {why}' if why else ''}",
            label=why or label,
            help="fix what `planner check` reports",
        )
