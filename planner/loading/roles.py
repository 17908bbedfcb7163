"""What the axes of a step's entries are: what it gives, what it reads, its kernel; and which steps are at the ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from planner.checkpoints import SavedTensor
from planner.comparison.state import StateEntry
from planner.layers._layer import Sizes
from planner.plan import Plan, Step

SizePair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Resized:
    """A step whose entries have other sizes in the checkpoint.

    outs    the numbers of channels that it gives, here and there, as its entries have them
    reads   the numbers that one of its channels is made of, by the second axis of its weights
    kernel  the sizes of its windows
    other   whether its axes are none of these
    """

    step: Step
    pairs: tuple[tuple[StateEntry, SavedTensor], ...]
    outs: tuple[SizePair, ...] = ()
    reads: tuple[SizePair, ...] = ()
    kernel: tuple[Sizes, Sizes] | None = None
    other: bool = False

    @classmethod
    def of(cls, pairs: Sequence[tuple[StateEntry, SavedTensor]]) -> Resized:
        """What differs in the entries of one step."""
        step = pairs[0][0].step
        outs: dict[SizePair, None] = {}
        reads: dict[SizePair, None] = {}
        kernel = None
        other = not step.inputs
        for entry, tensor in pairs:
            ours, theirs = entry.sizes, tensor.sizes
            if not ours or len(ours) != len(theirs):
                other = True
                continue
            first, second = _axes(step, ours)
            if ours[first] != theirs[first]:
                outs[ours[first], theirs[first]] = None
            if len(ours) > 1 and ours[second] != theirs[second]:
                reads[ours[second], theirs[second]] = None
            if ours[2:] != theirs[2:]:
                kernel = ours[2:], theirs[2:]
        return cls(step, tuple(pairs), tuple(outs), tuple(reads), kernel, other)

    @property
    def is_table(self) -> bool:
        """Whether rows of its weight are looked up."""
        return self.step.layer is not None and bool(self.step.layer.indices)

    @property
    def factor(self) -> Fraction | None:
        """How much wider it is in the checkpoint; None where not all of it is by the same factor."""
        found = {Fraction(now, was) for was, now in self.outs if was}
        return found.pop() if len(found) == 1 else None

    @property
    def channels_read(self) -> SizePair:
        """The channels that it reads, of which its weights have those of one group."""
        was, now = self.reads[0]
        channels = self.step.inputs[0].channels
        return (channels, now * (channels // was)) if was and channels % was == 0 else (was, now)


def _axes(step: Step, sizes: Sizes) -> tuple[int, int]:
    """Which axis of a weight is that of the channels that the step gives, and which that of those it reads."""
    channels = step.outputs[0].channels if step.outputs else 0
    turned = len(sizes) > 1 and sizes[1] == channels != sizes[0] and step.inputs[0].channels != channels
    table = step.layer is not None and bool(step.layer.indices) and len(sizes) == 2
    return (1, 0) if turned or table else (0, 1)


def square_sides(was: int, now: int) -> Iterator[tuple[int, int, int]]:
    """The sides of two squares of places, and how many more places both have in front, as that of a class: 0 or 1."""
    for more in (0, 1):
        sides = isqrt(max(was - more, 0)), isqrt(max(now - more, 0))
        if min(sides) > 1 and [side * side for side in sides] == [was - more, now - more]:
            yield *sides, more


def heads(plan: Plan) -> set[str]:
    """The steps with weights that are the last ones on a path to an output."""
    found, seen = set[str](), set[int]()
    waiting = [each.step for each in plan.outputs]
    while waiting:
        i = waiting.pop()
        if i in seen:
            continue
        seen.add(i)
        step = plan.steps[i]
        if step.state:
            found.add(step.name)
        else:
            waiting += (each.step for each in step.sources)
    return found


def stems(plan: Plan) -> set[str]:
    """The steps with weights that are the first ones on a path from an input."""
    found, reached = set[str](), set[int]()
    for i, step in enumerate(plan.steps):
        if step.is_input or any(each.step in reached for each in step.sources):
            if step.state:
                found.add(step.name)
            else:
                reached.add(i)
    return found
