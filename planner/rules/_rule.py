"""The contract of this folder: a rule judges a finished plan and yields what it finds.

A new rule is a new file with one class. Its severity says how much it matters, from real loss to remarks:
  warning   input that nothing reads; cells lost by a layer; computation that nobody reads; branches that do not meet
  info      what is harmless in most networks and worth knowing when it is not
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from planner.diagnostics import Diagnostic, Kind, Path, Severity

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
    def at(cls, step: Step, message: str, *, label: str = "", help: str = "", key: Path | str = ()) -> Diagnostic:
        """A finding at a step, or at one of its keys."""
        path = step.path + ((key,) if isinstance(key, str) else key)
        return Diagnostic(
            kind=cls, message=message, label=label, help=help, path=path, step=step.name, calls=step.instance.calls
        )
