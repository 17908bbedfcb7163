from typing import ClassVar

from planner.diagnostics import Fault
from planner.faults._in_text import shown


class PlannerFailed(Fault):
    """The planner itself failed on a file: a mistake of the planner, not of the file.

    Why it matters: nothing is known of this file, or of this point of a sweep. The other files, or points, of the same
    run are not affected.

    When to ignore it: never.

    How to fix it: please report it with the model file; `PLANNER_DEBUG=1` shows where it happened, for a point of a
    sweep with `planner check --set … --input …`. Often it helps to mend what else is unusual in the file.
    """

    code = "NSP118"
    shown_by: ClassVar[str] = "planner check on several files, or planner sweep, when the planner fails on one"

    def __init__(self, error: Exception) -> None:
        super().__init__(
            "the planner failed on this file: an internal error",
            label=shown(f"{type(error).__name__}: {error}", 200),
            help="please report it with the model file; PLANNER_DEBUG=1 shows where it happened",
        )
