"""Both models from top to bottom, step beside step: what is changed by itself, and what is alike in one stretch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from planner.comparison import Comparison, Pair, StepChange
from planner.model import Group, around
from planner.outputs.diff._rows import TOLD
from planner.plan import Plan, Step

StretchKind = Literal["+", "-", "~", "→", "≈", "="]
"""Added, removed, changed, renamed, with other shapes or costs only, as before."""


@dataclass(slots=True)
class StepStretch:
    """Steps that stand one after the other, of one kind: a step or a block that is changed, or all between such.

    block   the block that they are, where they are all of it
    """

    kind: StretchKind
    pairs: list[Pair] = field(default_factory=list)
    changes: list[StepChange] = field(default_factory=list)
    block: Group | None = None

    def numbers(self, side: int) -> list[int]:
        """The numbers of its steps in one of the plans."""
        return [number for pair in self.pairs if (number := pair[side]) is not None]


def stretches(both: Comparison) -> list[StepStretch]:
    """All steps but the inputs, from the first to the last."""
    changes = {each.pair: each for each in both.steps}
    plans = both.before.plan, both.after.plan
    kinds = {pair: _kind(changes.get(pair)) for pair in both.pairs if not _step(plans, pair).is_input}
    whole = _uniform(plans, kinds)
    found: list[StepStretch] = []
    for pair, kind in kinds.items():
        block = None if kind == "~" else _outermost(_step(plans, pair).group, whole)
        last = found[-1] if found else None
        if last is None or last.kind != kind or (kind in "+-~" and (block is None or block is not last.block)):
            found.append(last := StepStretch(kind, block=block))
        elif last.block is not block:
            last.block = None
        last.pairs.append(pair)
        last.changes += [changes[pair]] if pair in changes else []
    return found


def _kind(change: StepChange | None) -> StretchKind:
    if change is None:
        return "="
    if change.added or change.removed:
        return "+" if change.added else "-"
    if change.edited:
        return "~"
    return "→" if change.renamed else "≈" if any(name in change.facts for name in TOLD) else "="


def _step(plans: tuple[Plan, Plan], pair: Pair) -> Step:
    side = 0 if pair.after is None else 1
    number = pair[side]
    assert number is not None
    return plans[side].steps[number]


def _uniform(plans: tuple[Plan, Plan], kinds: dict[Pair, StretchKind]) -> set[Group]:
    """The blocks of which all steps are of one kind."""
    counts: dict[tuple[Group, StretchKind], int] = {}
    for pair, kind in kinds.items():
        for group in around(_step(plans, pair).group):
            counts[group, kind] = counts.get((group, kind), 0) + 1
    return {group for (group, _), count in counts.items() if count == group.last - group.first}


def _outermost(group: Group | None, among: set[Group]) -> Group | None:
    return next((each for each in reversed([*around(group)]) if each in among), None)
