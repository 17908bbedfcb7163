"""Asking: what a step by itself says to other shapes, and to other sizes that its arguments read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.diagnostics import Fault
from planner.geometry import Shape
from planner.plan import Step


def works(step: Step, shapes: Sequence[Shape]) -> bool:
    """Whether a step works by itself where it reads these shapes."""
    return fault_of(step, shapes) is None


def seen(step: Step) -> tuple[Shape, ...]:
    """The shapes that a step reads, and the sizes that its arguments read as one more."""
    return (*step.inputs, Shape(step.sizes)) if step.sizes else step.inputs


def fault_of(step: Step, shapes: Sequence[Shape]) -> Fault | None:
    """What is wrong with a step that reads these shapes, and arguments that read these sizes."""
    layer, sized = step.layer, step.instance.sized
    try:
        if sized is not None:
            *shapes, sizes = shapes
            layer = sized.layer(tuple(sizes))
        assert layer is not None
        step.instance.placed(layer, layer.facts(*shapes), shapes)
    except Fault as fault:
        return fault
    return None


def numbers(step: Step) -> list[list[int]]:
    """The lists of numbers among the arguments of a step, a number alone being a list of one; the numbers of the
    arithmetic, where they are worked out from sizes.
    """
    given = step.layer.given() if step.layer is not None else {}
    sized = step.instance.sized
    if sized is None:
        return [*_lists(given)]
    return [*_lists([*(value for key, value in given.items() if key not in sized.keys), *sorted(sized.numbers)])]


def _lists(value: object) -> Iterator[list[int]]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _lists(each)
    elif isinstance(value, list | tuple):
        yield [each for each in value if isinstance(each, int)]
        for each in value:
            if not isinstance(each, int):
                yield from _lists(each)
    elif isinstance(value, int):
        yield [value]
