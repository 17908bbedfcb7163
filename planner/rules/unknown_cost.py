from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.diagnostics import Diagnostic, Severity
from planner.rules._rule import Rule

if TYPE_CHECKING:
    from planner.report import Report


class UnknownCost(Rule):
    """A budget bounds something of which it is not known how much the model has.

    What a layer has that the planner does not know, as a `Custom` without `params`, nobody can count.

    Why it matters: the model may be over its budget, and a check that passed would say that it is not.

    When to ignore it: never; take the limit out where it cannot be kept track of.

    How to fix it: say what the layer has, as `params: 1200` and `macs: 90000` of a `Custom`.
    """

    code = "NSP411"
    severity = Severity.ERROR
    bad = """
        budget: {macs: 1M}  # NSP411
        input: [32, 32, 3]
        layers:
          - {type: Custom, class: mypkg.Gate, output: [32, 32, 3], params: 0}
        """
    good = """
        budget: {macs: 1M}
        input: [32, 32, 3]
        layers:
          - {type: Custom, class: mypkg.Gate, output: [32, 32, 3], params: 0, macs: 3072}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        limits = report.plan.model.budget.limits
        if not limits or not report.plan.complete:
            return  # what stops the plan is told, and is an error
        from planner.rules._measures import measures

        for limit in limits:
            amount = measures()[limit.measure].amount(report)
            if amount.unknown and (limit.kind.least or amount.known <= limit.amount):
                yield Diagnostic(
                    kind=cls,
                    message=f"it is not known whether the model is within `{limit.text}`",
                    label=amount.unknown,
                    help=amount.mend or f"leave `{limit.measure}` out of the budget",
                    path=limit.path or (),
                )
