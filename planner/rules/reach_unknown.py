from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.cells import MOST_RUNS
from planner.diagnostics import Diagnostic, Severity
from planner.rules._rule import Rule

if TYPE_CHECKING:
    from planner.report import Report


class ReachUnknown(Rule):
    """The cells that are read of a tensor are too scattered over a long axis to be worked out, so nothing is said of
    unread cells.

    On axes of more than a million cells the planner keeps what is read as runs of neighbours, runs that repeat being
    kept once; so the work does not grow with the axis. A resize between two long sizes that have no factor in common
    picks cells without such a pattern.

    Why it matters: a check without findings is then no promise that every cell of the input is read, and the loss of
    single layers may be missing too.

    When to ignore it: when you know the layer, and that it reads all that it should.

    How to fix it: a resize by a factor in place of a size, or sizes that have a large factor in common; or check the
    model at a smaller input.
    """

    code = "NSP339"
    severity = Severity.INFO
    bad = """
        input: [2000003, 1]
        layers:
          - {type: Interpolate, size: 1000003, mode: nearest}  # NSP339
        """
    good = """
        input: [2000003, 1]
        layers:
          - {type: Interpolate, scale_factor: 2, mode: nearest}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        if report.ragged is not None:
            yield cls.of(report)

    @classmethod
    def of(cls, report: Report) -> Diagnostic:
        step = report.ragged or report.plan.inputs[0]
        return cls.at(
            step,
            "what is read was not worked out",
            label=f"more than {MOST_RUNS:,} runs of cells on a long axis, from here back to the inputs",
            help="unread and lost cells may be missing from this list",
        )
