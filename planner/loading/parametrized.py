"""Weights that a checkpoint holds in parts, as under weight norm, in sentences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from planner.loading.entries import StateMatch
from planner.loading.names import said
from planner.loading.parts import BESIDE, FORMS
from planner.loading.sentences import Difference, place_of_step
from planner.report import Report
from planner.words import counted


def parametrized(report: Report, found: StateMatch) -> Iterator[Difference]:
    """Entries that are missing, where the parts are there of which they are made."""
    groups: defaultdict[str, list[tuple[str, list[str]]]] = defaultdict(list)
    for entry in found.missing:
        module, _, own = entry.name.rpartition(".")
        for norm, forms in FORMS.items():
            parts = next((some for form in forms if (some := _parts(found, module, own, form))), None)
            if parts:
                groups[norm].append((entry.name, parts))
                break
    for norm, pairs in groups.items():
        names = [name for name, _ in pairs]
        whose = f"`{names[0]}` stands" if len(names) == 1 else f"{counted(len(names), 'entry')} ({said(names)}) stand"
        text = f"{whose} in parts in the checkpoint, under {norm}: take it off before the network is saved"
        step = next(each.step for each in found.missing if each.name == names[0])
        there = [part for _, some in pairs for part in some]
        yield Difference("norm", text, tuple(names), tuple(there), place_of_step(report, step))


def _parts(found: StateMatch, module: str, own: str, form: tuple[str, ...]) -> list[str]:
    """The names of the parts, as the checkpoint has them; nothing where one is not there."""
    names = [f"{module}.{each.format(own)}" for each in form]
    if not all(name in found.unexpected for name in names):
        return []
    names += [name for each in BESIDE if (name := f"{module}.{each.format(own)}") in found.unexpected]
    return [found.unexpected[name].name for name in dict.fromkeys(names)]
