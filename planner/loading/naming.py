"""Sentences about names: what they begin with, and which entries have others."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from planner.checkpoints import SavedTensor
from planner.comparison.state import StateEntry
from planner.loading.entries import StateMatch
from planner.loading.names import MOST_NAMES, entries, module_of, own_of, pattern, said
from planner.loading.sentences import Difference, place_of_name
from planner.report import Report
from planner.words import counted, joined, named


def namings(report: Report, found: StateMatch) -> Iterator[Difference]:
    """What differs in names, of entries that are the same."""
    yield from _beginning(found)
    yield from _renamed(report, found)
    for ours, theirs in found.ambiguous:
        why = "their sizes are the same, and neither order nor names decide it"
        text = f"{named(ours, 2)} could be {named(theirs, 2)}: {why}"
        yield Difference("ambiguous", text, tuple(ours), tuple(theirs), place_of_name(report, ours[0]))


def _beginning(found: StateMatch) -> Iterator[Difference]:
    """What the names of the checkpoint begin with, or lack."""
    affix = found.affix
    inside = [each.name for each in found.saved if each not in found.outside and affix.applied(each.name) is not None]
    if affix.slashes:
        ends = " and end in `:0`" if all(each.endswith(":0") for each in inside) else ""
        kinds = joined([f"`{each}/`" for each in affix.wrappers if any(name.startswith(f"{each}/") for name in inside)])
        ends = f", and {kinds} in front" if kinds else ends
        yield Difference("prefix", f"names of the checkpoint have `/` in place of `.`{ends}", checkpoint=tuple(inside))
    who = "all names" if len(inside) == len(found.saved) else f"{len(inside):,} of {counted(len(found.saved), 'name')}"
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
    """Blocks and layers with other names; copies with the same change in one sentence."""
    groups: defaultdict[tuple[str, str], list[tuple[str, str, StateEntry, SavedTensor]]] = defaultdict(list)
    for now, was in found.renamed:
        before, after = _substitution(found.affix.applied(was.name) or was.name, now.name)
        own = module_of(before) == module_of(after) and after == now.name
        key = (own_of(before), own_of(after)) if own else (pattern(before), pattern(after))
        groups[key].append((before, after, now, was))
    for some in groups.values():
        first = some[0]
        befores, afters = [*dict.fromkeys(each[0] for each in some)], [*dict.fromkeys(each[1] for each in some)]
        count = entries(len(some))
        if module_of(first[0]) == module_of(first[1]) and first[1] == first[2].name and len(afters) > 1:
            layers = [module_of(each) for each in afters]
            text = f"`{own_of(first[1])}` of {counted(len(layers), 'layer')} is `{own_of(first[0])}` in the checkpoint"
            text = f"{text}: {said(layers)}"
        else:
            text = f"{_are(afters, befores)} in the checkpoint ({count})"
        at = place_of_name(report, first[1], [first[2].step])
        yield Difference(
            "renamed", text, tuple(each[2].name for each in some), tuple(each[3].name for each in some), at
        )


def _substitution(was: str, now: str) -> tuple[str, str]:
    """What a name has become, without what both end in."""
    left, right = was.split("."), now.split(".")
    while len(left) > 1 and len(right) > 1 and left[-1] == right[-1]:
        left.pop()
        right.pop()
    return ".".join(left), ".".join(right)


def _are(afters: list[str], befores: list[str]) -> str:
    """What is what: copies as one, as far as their numbers say which is which; else one by one."""
    ours, theirs = said(afters), said(befores)
    numbers = [re.findall(r"\{.*?\}", text) for text in (ours, theirs)]
    if len(afters) == 1 or numbers[0] == numbers[1] != []:
        return f"{ours} {'is' if len(afters) == 1 else 'are'} {theirs}"
    shown = [f"`{now}` is `{was}`" for now, was in zip(afters, befores, strict=False)]
    more = f" and {len(shown) - MOST_NAMES:,} more" if len(shown) > MOST_NAMES else ""
    return ", ".join(shown[:MOST_NAMES]) + more
