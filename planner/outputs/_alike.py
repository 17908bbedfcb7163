"""Likeness of blocks: which blocks are alike but for numbers, in which numbers they differ, and how they are placed.

Blocks are alike if they have the same layers, wired in the same way, with arguments that are the same, or are numbers
in both: the layers of a network whose dilation grows are copies of one block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from planner.geometry import Shape
from planner.layers._layer import Layer
from planner.model import Group
from planner.outputs._screen import printable
from planner.plan import Plan

MOST_NUMBERS = 5
"""Numbers of a series that are shown; of a longer series, the first and the last."""
MOST_ARGUMENTS = 2
MANY = 5
"""From this many on, equal blocks side by side are shown as one."""


class Likeness:
    """Tells which blocks of a plan are alike; what is worked out about a layer is kept."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.layers: dict[int, tuple[object, ...]] = {}

    def signature(self, block: Group) -> tuple[object, ...]:
        """The key that blocks have in common when they are alike: their layers and how these are wired."""
        outside = {ref: i for i, ref in enumerate(self.plan.arriving(block))}
        return tuple(
            (
                step.type,
                self._layer(step.layer),
                tuple(
                    (ref.step - block.first, ref.output) if ref.step >= block.first else ~outside[ref]
                    for ref in step.sources
                ),
            )
            for step in self.plan.steps[block.first : block.last]
        )

    def runs(self, alike: list[Group]) -> Iterator[list[Group]]:
        """Neighbours that are alike, as runs that may be shown as one: chains, in which every block but the first reads
        the one before, and many blocks side by side that read the same. Two towers are two runs.
        """
        for together, chains in groupby(self._chains(alike), lambda run: len(run) == 1 and self.plan.arriving(run[0])):
            found = list(chains)
            if together and len(found) >= MANY and all(self._told_apart(found[0][0], run[0]) for run in found):
                yield [run[0] for run in found]
            else:
                yield from found

    def _chains(self, alike: list[Group]) -> Iterator[list[Group]]:
        run = alike[:1]
        for block in alike[1:]:
            if not self._follows(block, run) or not self._told_apart(run[-1], block):
                yield run
                run = []
            run.append(block)
        yield run

    def differences(self, copies: Sequence[Group]) -> str:
        """The numbers in which copies differ, by the names of their arguments: `dilation 1, 2, 4`."""
        if len(copies) == 1:
            return ""
        found: dict[str, list[object]] = {}
        for layers in self._layers(copies):
            for name in type(layers[0]).model_fields:
                values = [getattr(layer, name) for layer in layers]
                if any(value != values[0] for value in values):
                    found.setdefault(name, values)
        # Lists, such as a padding for each side, would repeat what the numbers say.
        told = [each for each in found.items() if _is_number(each[1][0])]
        return "; ".join(series(name, values) for name, values in told[:MOST_ARGUMENTS])

    def _told_apart(self, first: Group, second: Group) -> bool:
        """Whether differing layers differ in a plain number, and not only in a list of numbers or also in shapes."""
        found = list(self._layers([first, second]))
        return (not found or self._shapes(first) == self._shapes(second)) and all(
            any(_is_number(getattr(one, name)) for name in differing)
            for one, other in found
            if (differing := [name for name in type(one).model_fields if getattr(one, name) != getattr(other, name)])
        )

    def _shapes(self, block: Group) -> list[tuple[Shape, ...]]:
        """The shapes that the steps of a block read and hand on."""
        return [step.inputs + step.outputs for step in self.plan.steps[block.first : block.last]]

    def _layers(self, copies: Sequence[Group]) -> Iterator[list[Layer]]:
        """The layers of the copies, place by place, where the layers differ."""
        for i in range(copies[0].last - copies[0].first):
            layers = [layer for each in copies if (layer := self.plan.steps[each.first + i].layer) is not None]
            if any(layer is not layers[0] and layer != layers[0] for layer in layers):
                yield layers

    def _follows(self, block: Group, run: list[Group]) -> bool:
        """Whether a block reads the last block of a run, and otherwise reads what that one does."""
        last = run[-1]
        size = last.last - last.first
        chained = False
        for ours, theirs in zip(self.plan.arriving(block), self.plan.arriving(last), strict=True):
            inside = ours.step >= last.first
            if len(run) > 1 and inside and (theirs.step, theirs.output) != (ours.step - size, ours.output):
                return False
            if not inside and ours != theirs:
                return False
            chained = chained or inside
        return chained

    def _layer(self, layer: Layer | None) -> tuple[object, ...]:
        """A layer's arguments, with a mark for every number."""
        if layer is None:
            return ()
        if id(layer) not in self.layers:
            values = (getattr(layer, name) for name in type(layer).model_fields)
            self.layers[id(layer)] = tuple(map(_marked, values))
        return self.layers[id(layer)]


def _marked(value: object) -> object:
    if isinstance(value, list | tuple):
        return tuple(map(_marked, value))
    return "a number" if _is_number(value) else repr(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def series(name: str, values: Sequence[object]) -> str:
    """Values of copies, one after the other, in a few characters: `dilation 1, 2, … 128`."""
    texts = [printable(str(value)) for value in values]
    if len(texts) > MOST_NUMBERS:
        texts = [texts[0], texts[1], f"… {texts[-1]}"]
    return f"{name} {', '.join(texts)}"
