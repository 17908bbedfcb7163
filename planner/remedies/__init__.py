"""Remedies: functions that propose what may mend a finding, by the names that kinds give in `mended_by`.

A remedy is a public function from a Case to proposals, found by looking; each file has those that work on the same part
of a model. A new remedy also gets its name in `RemedyName`, so that the type checker knows the names that kinds give.

It may propose whatever the file can say: what does not help is tried and dropped by `fixes`, which asks a remedy that
is named in `NEVER_SAFE` there only where the fixes of others do not suffice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from planner.diagnostics import RemedyName
    from planner.remedies._case import Case, Proposal

    Remedy = Callable[[Case], Iterator[Proposal]]


@cache
def all_remedies() -> dict[RemedyName, Remedy]:
    """Every remedy by its name."""
    files = (import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__) if each.name[0] != "_")
    return {
        cast("RemedyName", name): each
        for file in files
        for name, each in vars(file).items()
        if name[0] != "_" and getattr(each, "__module__", None) == file.__name__ and callable(each)
    }
