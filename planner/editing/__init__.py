"""Edits to a model: to its data, and to its text, where everything else stays as it was written.

Both are done, the text is read again, and what it says must be what the data say: else the edit cannot be written.
A file's layout is kept: a new key stands as the keys around it do, on a line of its own or behind the last one.

A new action of an edit is made in both, in `data` and in `text`. An edit that cannot be written raises CannotEdit: no
text is written that was not read again.
"""

from __future__ import annotations

from collections.abc import Iterable

from planner.diagnostics import Edit, Fault
from planner.editing.data import CannotEdit, edited, same
from planner.editing.lines import parts_of
from planner.editing.text import Splice, Splices, spliced, splices_of, written
from planner.source import Source, parse

__all__ = ["CannotEdit", "Splice", "can_be_written", "edited", "rewritten", "same", "spliced", "splices", "written"]


def rewritten(source: Source, edits: Iterable[Edit]) -> Source:
    """The source with the edits made in its text. Raises CannotEdit if the new text would not say what the data say."""
    return _rewritten(source, tuple(edits))[0]


def can_be_written(source: Source, edits: Iterable[Edit]) -> bool:
    """Whether `rewritten` would make the edits in the source's text. Only the lines that they are about are read."""
    try:
        for part, inside in parts_of(source, tuple(edits)):
            _rewritten(part, inside)
    except CannotEdit:
        return False
    return True


def splices(source: Source, edits: Iterable[Edit]) -> Splices:
    """The changes to the source's text that the edits make, for an editor to apply. Raises CannotEdit as `rewritten`
    does.
    """
    return _rewritten(source, tuple(edits))[1]


def _rewritten(source: Source, edits: tuple[Edit, ...]) -> tuple[Source, Splices]:
    if source.format and edits:
        raise CannotEdit(f"the text is {source.format}")
    meant = edited(source.data, edits)
    found = splices_of(source.text, edits)
    try:
        after = parse(spliced(source.text, found), source.file)
    except Fault as fault:
        raise CannotEdit(f"the text could not be read any more: {fault.message}") from None
    if not same(after.data, meant):
        raise CannotEdit("it would change other places too, through an anchor or a merge key")
    after.shelf = source.shelf
    return after, found
