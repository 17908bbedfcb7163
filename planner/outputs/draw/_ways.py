"""The ways through a picture: which arrows go past a longer way, and which lend a size alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import TYPE_CHECKING

from planner.analyses.spans import LONGEST_PERIOD
from planner.plan import Plan

if TYPE_CHECKING:
    from planner.outputs.draw._picture import Arrow, Box

BoxPair = tuple[int, int]
"""The numbers of two boxes, of which the second reads the first."""


def lent(plan: Plan, owner: Mapping[int, Box], planned: int, pairs: Iterable[BoxPair]) -> set[BoxPair]:
    """The pairs of boxes of which the second uses nothing but the size of the first."""
    used: set[BoxPair] = set()
    for i, step in enumerate(plan.steps):
        for links in step.links or ([None] * len(step.sources),):
            for ref, link in zip(step.sources, links, strict=False):
                if link is None or not link.empty:
                    used.add((owner[ref.step].number, owner[i].number))
    return {(source, target) for source, target in pairs if target < planned and (source, target) not in used}


def alone(boxes: Iterable[Box], arrows: Iterable[Arrow]) -> set[Box]:
    """The boxes with layers that no other stands beside: all lie on a way to them, or from them."""
    layers = [box for box in boxes if box.rows]
    before: defaultdict[int, int] = defaultdict(int)  # as bits
    behind: defaultdict[int, int] = defaultdict(int)
    reading = sorted({(arrow.source.number, arrow.target.number) for arrow in arrows}, key=itemgetter(1))
    for source, target in reading:
        before[target] |= before[source] | 1 << source
    for source, target in sorted(reading, reverse=True):
        behind[source] |= behind[target] | 1 << target
    every = sum([1 << box.number for box in layers])
    return {box for box in layers if not every & ~(before[box.number] | behind[box.number] | 1 << box.number)}


def hands_on(plan: Plan, box: Box) -> bool:
    """Whether a box gives each cell as it was, or leaves it out: an identity, a crop."""
    if not box.rows or box.is_block:
        return False
    return all(
        step.facts is not None
        and step.macs == 0
        and len(step.sources) - sum(link.empty for link in step.links[0]) == 1
        and all(
            axis.keeps or (axis.period(n) <= LONGEST_PERIOD and (span := axis.span(n)) is not None and span.size == 1)
            for link, x in zip(step.links[0], step.inputs, strict=True)
            if not link.empty
            for axis, n in zip(link.axes, x.spatial, strict=True)
        )
        for step in (plan.steps[i] for steps in box.steps for i in steps)
    )


def skips(count: int, pairs: Iterable[BoxPair], lent: set[BoxPair], passing: set[int]) -> set[BoxPair]:
    """The pairs between which there is also a longer way, along values but for its last piece.

    A box that only hands on what it reads (`passing`) to one other does not end a skip, and is not a way of its own.
    """
    sources: defaultdict[int, list[int]] = defaultdict(list)
    readers: defaultdict[int, list[int]] = defaultdict(list)
    for source, target in pairs:
        sources[target].append(source)
        if (source, target) not in lent:
            readers[source].append(target)
    before = [0] * count  # for each box, as bits, the boxes from which there is a way to it
    found: set[BoxPair] = set()
    for target in range(count):
        around = real = 0
        for source in sources[target]:
            around |= before[source]
            real |= before[source] if source not in passing else 0
        found |= {(source, target) for source in sources[target] if around >> source & 1}
        valued = [source for source in sources[target] if (source, target) not in lent]
        for source in valued:
            before[target] |= before[source] | 1 << source
            behind = [each for each in sources[source] if (each, source) not in lent]
            if source in passing and len(valued) > 1 and len(behind) == 1 and readers[source] == [target]:
                found |= {(behind[0], source), (source, target)} if real >> behind[0] & 1 else set()
    return found - lent
