"""The contract of this folder: a rule judges a finished plan and yields what it finds.

A new rule is a new file with one class. What mends it, it proposes itself, as edits (`mends` of `at`); a remedy does
where several kinds share it, or where many proposals have to be made and tried, and `mended_by` names that.

The severity says how much it matters, from real loss to remarks:
  warning   input that nothing reads; cells lost by a layer; computation that nobody reads; branches that do not meet
  info      what is harmless in most networks and worth knowing when it is not
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from planner.diagnostics import Diagnostic, Edit, Kind, Path, Severity

if TYPE_CHECKING:
    from planner.plan import Step
    from planner.report import Report


class Rule(Kind):
    """A rule; `drops` says whether it is about cells that nothing reads, so that a lossless size has none of it."""

    severity: ClassVar[Severity] = Severity.WARNING
    drops: ClassVar[bool] = False

    @classmethod
    def judge(cls, report: Report) -> Iterator[Diagnostic]:
        """Every finding of this kind in a report."""
        raise NotImplementedError

    @classmethod
    def at(
        cls,
        step: Step,
        message: str,
        *,
        label: str = "",
        help: str = "",
        key: Path | str = (),
        mends: Iterable[tuple[Edit, ...]] = (),
    ) -> Diagnostic:
        """A finding at a step, or at one of its keys; the paths of edits that may mend it begin at the step."""
        return Diagnostic(
            kind=cls,
            message=message,
            label=label,
            help=help,
            path=step.path + ((key,) if isinstance(key, str) else key),
            step=step.name,
            calls=step.instance.calls,
            mends=tuple(tuple(edit._replace(path=step.path + edit.path) for edit in edits) for edits in mends),
        )
