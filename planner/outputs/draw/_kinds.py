"""Kinds of blocks, and the kinds of which a picture opens a copy.

Blocks of one kind have the same type and are made of the same types of layers and blocks: the stages of a ResNet are
of one kind, its bottlenecks with a projection and those without it are of two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from planner.model import Group, around
from planner.outputs._fold import Opens
from planner.plan import Plan

BlockKind = tuple[str, frozenset[str]]

MOST_TRIED = 24
"""Kinds of blocks for which it is tried whether the page has room for an opened copy."""


class Kinds:
    """The kinds of a plan's blocks."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        inside: dict[Group | None, set[str]] = {group: set() for group in plan.model.groups}
        for step in plan.layers:
            if step.group is not None:
                inside[step.group].add(step.type)
        for group in reversed(plan.model.groups):  # blocks inside a block come after it
            if group.parent is not None:
                inside[group.parent] |= inside[group] | {group.type}
        self.kinds: dict[Group, BlockKind] = {
            group: (group.type, frozenset(inside[group])) for group in plan.model.groups if group.first < group.last
        }

    def opening(self, wanted: set[BlockKind]) -> Opens:
        """Open the first block of each of these kinds, with the blocks that stand beside it."""
        firsts: dict[BlockKind, Group] = {}

        def opens(group: Group, level: int) -> bool:
            kind = self.kinds[group]
            return kind in wanted and self._beside(group, firsts.setdefault(kind, group))

        return opens

    def _beside(self, group: Group, first: Group) -> bool:
        """Whether a block is the same as another, or stands in the same block and reads nothing that depends on it."""
        steps = self.plan.steps[group.first : group.last]
        outer = (ref.step for step in steps for ref in step.sources if ref.step < group.first)
        return group is first or (group.parent is first.parent and all(ref < first.first for ref in outer))

    def down_to(self, depth: int) -> Opens:
        """Open the first block of each kind down to a depth, and every block that takes one box."""
        first = self.opening(set(self.kinds.values()))

        def opens(group: Group, level: int) -> bool:
            return level + 1 < depth and (is_one_box(self.plan, group) or first(group, level))

        return opens

    def by_weight(self) -> Iterator[set[BlockKind]]:
        """The kinds that are worth opening, with those of the blocks around the first of them: the repeated ones before
        the others, the outer ones before the inner ones, and of equals the most frequent first.
        """
        worth = sorted(self._worth(), key=lambda each: (each[0] == 1, len(each[1]), -each[0]))
        return (set(kinds) for _, kinds in worth[:MOST_TRIED])

    def main(self) -> set[BlockKind]:
        """The kind with the most blocks, with the kinds of the blocks around its first block."""
        return set(max(self._worth(), key=lambda each: (each[0], -len(each[1])), default=(0, []))[1])

    def _worth(self) -> Iterator[tuple[int, list[BlockKind]]]:
        """The number of blocks of each kind, with the kinds of its first block and of those around."""
        counts = Counter(self.kinds.values())
        firsts: dict[BlockKind, Group] = {}
        for group, kind in self.kinds.items():
            firsts.setdefault(kind, group)
        for kind, group in firsts.items():
            if not is_one_box(self.plan, group):
                yield counts[kind], [self.kinds[each] for each in around(group)]


def is_one_box(plan: Plan, block: Group) -> bool:
    """Whether a block is a layer and layers that only work on its values, one after the other."""
    return all(
        step.group is block and only_works_on_values(plan, i)
        for i, step in enumerate(plan.steps[block.first + 1 : block.last], block.first + 1)
    )


def only_works_on_values(plan: Plan, i: int) -> bool:
    """Whether a step changes the values of the step before cell by cell, and reads nothing else."""
    step = plan.steps[i]
    if step.facts is None or step.macs != 0 or len(step.sources) != 1 or len(step.outputs) != 1:
        return False
    return (
        step.sources[0].step == i - 1
        and step.outputs == step.inputs
        and all(axis.keeps for axis in step.links[0][0].axes)
    )
