from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from planner.diagnostics import Beside, Diagnostic, Severity
from planner.rules._rule import Rule
from planner.words import percent

if TYPE_CHECKING:
    from planner.budget import Limit
    from planner.report import Report
    from planner.rules._measures import Amount, Blame, Measure


class OverBudget(Rule):
    """The model costs more than its budget allows, or sees less than it asks for.

    A budget stands in the file, `budget: {params: 5M, peak: 256KiB}`, or comes with the command: `--max-params 5M`. The
    finding says by how much the model is over it, and which block or layer has most of it. Of steps of which it is not
    known what they have, at least nothing is counted.

    Why it matters: a model that does not fit is found out on the device, or after the training.

    When to ignore it: never; raise the limit, or take it out.

    How to fix it: make smaller what has most. Where another order of the steps needs less memory at once, the finding
    says which, with the peak that it was planned with.
    """

    code = "NSP410"
    severity = Severity.ERROR
    bad = """
        budget: {params: 1k}  # NSP410
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1}
        """
    good = """
        budget: {params: 2k}
        input: [32, 32, 3]
        layers:
          - {type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1}
        """

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        limits = report.plan.model.budget.limits
        if not limits:
            return  # and nothing is loaded that measures
        from planner.rules._measures import measures

        for limit in limits:
            measure = measures()[limit.measure]
            amount = measure.amount(report)
            if not report.plan.complete and not amount.unknown:
                amount = replace(amount, unknown="not every step could be planned")
            if _is_over(limit, amount):
                yield cls._found(report, limit, measure, amount)

    @classmethod
    def _found(cls, report: Report, limit: Limit, measure: type[Measure], amount: Amount) -> Diagnostic:
        part = measure.part(report, amount)
        place = limit.path or (part.path if part is not None else ())
        return Diagnostic(
            kind=cls,
            message=f"{measure.over} for `{limit.text}`",
            label=_numbers(limit, measure, amount),
            help=_help(report, limit, measure, part, amount),
            path=place,
            beside=(Beside(part.path, part.says),) if part is not None and part.path != place else (),
        )


def _is_over(limit: Limit, amount: Amount) -> bool:
    if limit.kind.least:
        return not amount.unknown and amount.known < limit.amount
    return amount.known > limit.amount


def _numbers(limit: Limit, measure: type[Measure], amount: Amount) -> str:
    more = abs(amount.known - limit.amount)
    if limit.kind.least:
        return f"{amount.place} sees {measure.said(amount.known)}, {more:,} too few"
    share = f", {percent(more, limit.amount)}" if limit.amount else ""
    least = "at least " if amount.unknown else ""
    counted = f" for {amount.place}" if amount.place else ""
    return f"{least}{measure.said(amount.known)}{counted}: {more:,} over{share}"


def _help(report: Report, limit: Limit, measure: type[Measure], part: Blame | None, amount: Amount) -> str:
    said = ["" if report.brief else measure.advice(report)]
    if part is not None and not limit.kind.least:
        said.append(part.says)
    if not amount.unknown:
        verb = "has" if limit.kind.least else "needs"
        said.append(f"it {verb} `{limit.at(limit.kind.written(amount.known))}`")
    return "; ".join(filter(None, said))
