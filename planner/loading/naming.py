"""Sentences about names: what they begin with, and which entries have others."""

from __future__ import annotations

from collections.abc import Iterator

from planner.loading.entries import StateMatch
from planner.loading.names import entries, said
from planner.loading.renaming import substitutions
from planner.loading.sentences import Difference, place_of
from planner.report import Report
from planner.words import counted, joined, named

MOST_RENAMINGS = 8
"""Renamed blocks that have a sentence each."""


def namings(report: Report, found: StateMatch) -> Iterator[Difference]:
    """What differs in names, of entries that are the same."""
    yield from _beginning(found)
    yield from _renamed(report, found)
    for ours, theirs in found.ambiguous:
        text = (
            f"{named(ours)} could be {named(theirs)}: their sizes are the same, and neither order nor names decide it"
        )
        yield Difference("ambiguous", text, tuple(ours), tuple(theirs), place_of(report, ours[0]))


def _beginning(found: StateMatch) -> Iterator[Difference]:
    """What the names of the checkpoint begin with, or lack."""
    affix = found.affix
    inside = [each.name for each in found.saved if each not in found.outside]
    who = "all names" if not found.outside else f"{len(inside):,} of {counted(len(found.saved), 'name')}"
    wrapped = [each for each in affix.wrappers if any(each in name.split(".") for name in inside)]
    front = next((f"{each}." for each in wrapped if all(name.startswith(f"{each}.") for name in inside)), "")
    if front and len(wrapped) == 1 and all(name.count(front) == 1 for name in inside):
        yield Difference("prefix", f"{who} of the checkpoint have the prefix `{front}`", checkpoint=tuple(inside))
    elif wrapped:
        quoted = joined([f"`{each}.`" for each in wrapped])
        yield Difference("prefix", f"names of the checkpoint have {quoted} in them", checkpoint=tuple(inside))
    if affix.without:
        text = f"{who} of the checkpoint have the prefix `{affix.without}`"
        yield Difference("prefix", text, checkpoint=tuple(inside))
    if affix.before:
        text = f"names of the checkpoint lack the prefix `{affix.before}` of the file's"
        yield Difference("prefix", text, checkpoint=tuple(inside))


def _renamed(report: Report, found: StateMatch) -> Iterator[Difference]:
    """Blocks and layers with other names."""
    plain = [(found.affix.applied(was.name) or was.name, now.name) for now, was in found.renamed]
    changes = list(substitutions(plain).items())
    for (was, now), count in changes[:MOST_RENAMINGS]:
        own = [pair for pair, names in zip(found.renamed, plain, strict=True) if _is_of(names, was, now)]
        mine, theirs = tuple(each.name for each, _ in own), tuple(each.name for _, each in own)
        text = f"`{now}` is `{was}` in the checkpoint ({entries(count)})"
        yield Difference("renamed", text, mine, theirs, place_of(report, now, [own[0][0].step]))
    if rest := changes[MOST_RENAMINGS:]:
        keys = {key for key, _ in rest}
        own = [
            pair for pair, names in zip(found.renamed, plain, strict=True) if next(iter(substitutions([names]))) in keys
        ]
        mine, theirs = tuple(each.name for each, _ in own), tuple(each.name for _, each in own)
        text = (
            f"{counted(len(mine), 'more entry')} of {said([each.rpartition('.')[0] for each in mine])} have other names"
        )
        yield Difference("renamed", text, mine, theirs, report.stands(own[0][0].step))


def _is_of(names: tuple[str, str], was: str, now: str) -> bool:
    """Whether a change of a name is this one."""
    return (was, now) in substitutions([names])
