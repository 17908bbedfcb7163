"""Remedies: functions that propose what may mend a finding, by the names that kinds give in `mended_by`.

Each is a function from a Case to proposals; the files put together what works on the same part of a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.remedies._case import Case, Proposal

    Remedy = Callable[[Case], Iterator[Proposal]]


@cache
def all_remedies() -> dict[str, Remedy]:
    """Every remedy by its name."""
    files = (import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__) if each.name[0] != "_")
    return {
        name: each
        for file in files
        for name, each in vars(file).items()
        if name[0] != "_" and getattr(each, "__module__", None) == file.__name__ and callable(each)
    }
