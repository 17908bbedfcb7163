"""Chains: lists of which each module reads the one before, as nn.Sequential has them, and the moves between these."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from planner.classes.parts import Part, Unit
from planner.outputs.code.torch.layouts import Layouts
from planner.sides import Side


class Chained(NamedTuple):
    """A module of a chain: that of a part, or what moves the channels between two parts.

    after   where the channels are behind it
    turned  it works on the last axis, and is made to take and give its tensor with the channels second
    """

    part: Part | None
    after: Side
    turned: bool = False


def chained(layouts: Layouts, unit: Unit) -> Iterator[Chained]:
    """The modules of a chain in order, with the moves between them."""
    side = layouts.tensor(unit, (-1, -1, 0))
    sides: list[tuple[Part, bool, Side, Side]] = []
    for part in unit.parts:
        ranked = any(use.inputs[0].shape.spatial for _, use in part.uses)
        wanted = layouts.input(part, 0) if ranked else side
        after = layouts.tensor(unit, part.values[0]) if part.first.outputs[0].shape.spatial else wanted
        sides.append((part, ranked, wanted, after))
    ends = layouts.output(unit, 0) if unit.copy.outputs[0].shape.spatial else None
    for i, (part, ranked, wanted, after) in enumerate(sides):
        following = sides[i + 1][2] if i + 1 < len(sides) else ends
        layer = bool(part.calls) and part.plain and ranked
        alone = side == following == "first" and wanted == after == "last" and part.count is None
        if layer and (alone or (wanted == "first" and part.calls[-1].call.layout == "last")):
            yield Chained(part, "first", turned=True)
            continue
        if side != wanted:
            yield Chained(None, wanted)
        yield Chained(part, after)
        side = after
    if ends is not None and ends != side:
        yield Chained(None, ends)


def out_of_order(unit: Unit) -> Part | None:
    """The first part whose name says that it is within a module that others have followed, or within a layer: a
    chain calls its modules one after the other, and of each what is within it.
    """
    closed: set[tuple[str, ...]] = set()
    opened: tuple[str, ...] = ()
    for part in unit.parts:
        *owners, name = str(part.name).split(".") if isinstance(part.name, str) else [""]
        depths = range(1, len(opened) + 1)
        closed |= {opened[:depth] for depth in depths if opened[:depth] != tuple(owners[:depth])}
        opened = tuple(owners)
        own = (*opened, name)
        if name and any(own[:depth] in closed for depth in range(1, len(own) + 1)):
            return part
        closed.add(own)
    return None


def is_plain(layouts: Layouts, unit: Unit) -> bool:
    """Whether a chain is nothing but its modules: all take and give one tensor, and none needs a move before it."""
    if not all(part.plain for part in unit.parts) or out_of_order(unit) is not None:
        return False
    inner = (part.inside for part in unit.parts if part.inside is not None)
    return all(step.part is not None for step in chained(layouts, unit)) and all(
        is_plain(layouts, each) for each in inner
    )
