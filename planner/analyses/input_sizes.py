"""The sizes of all axes of a model's inputs, each found with the other axes at a size with which the model works."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from planner.analyses.reach import reach
from planner.analyses.sizes import AxisSizes, NotPeriodic, sizes
from planner.geometry import Shape
from planner.layers._layer import axis_name
from planner.model import Model
from planner.plan import Known, Plan, Step, propagate

NEAR = 64
"""Cells on either side of the given size that are looked through for one that works."""
ROUND = (128, 256, 512, 1024, 2048)
"""Sizes that are tried where none near the given one works: large, and multiples of what strides multiply to."""


@dataclass(frozen=True, slots=True)
class Unsolved:
    """An axis of which nothing can be said for every size, and why."""

    name: str
    given: int
    reason: str


@dataclass(frozen=True, slots=True)
class InputSizes:
    """One input of a model, with the sizes of its spatial axes.

    at      the shape that the other axes were held at
    unread  cells that nothing reads with the shape as it is; None where it does not work, or is too large to tell
    """

    input: str
    shape: Shape
    at: Shape
    unread: int | None
    axes: tuple[AxisSizes | Unsolved, ...]

    @property
    def works(self) -> list[bool]:
        """For each axis whether any size works."""
        return [isinstance(axis, AxisSizes) and bool(axis.works) for axis in self.axes]


def axes_of(model: Model) -> dict[str, list[str]]:
    """The names of the spatial axes of each input that has any."""
    shapes = {each.name: each.input for each in model.instances if each.input is not None and each.input.spatial}
    return {name: [axis_name(i, len(x.spatial)) for i in range(len(x.spatial))] for name, x in shapes.items()}


def input_sizes(model: Model, input: str | None = None, axis: str | None = None) -> Iterator[InputSizes]:
    """The sizes of every input, or of one, on all its axes, or on one by its name or number."""
    names = axes_of(model)
    for instance in model.instances:
        shape = instance.input
        if shape is None or instance.name not in names or input not in (None, instance.name):
            continue
        axes = [i for i, name in enumerate(names[instance.name]) if axis in (None, name, str(i))]
        if axes:
            at = _working(model, instance.name, shape)
            found = tuple(_axes(model, instance.name, shape, at, axes))
            yield InputSizes(instance.name, shape, at, _unread(model, instance.name), found)


def _axes(model: Model, name: str, shape: Shape, at: Shape, axes: list[int]) -> Iterator[AxisSizes | Unsolved]:
    alike = len(axes) > 1 and len(set(at.spatial)) == 1 and _alike(propagate(model, inputs={name: at}))
    first: AxisSizes | Unsolved | None = None
    for axis in axes:
        title, given = axis_name(axis, len(shape.spatial)), shape[axis]
        if isinstance(first, AxisSizes) and alike:
            yield replace(first, axis=axis, name=title, given=given)
            continue
        try:
            first = replace(sizes(model, name, axis, at=at), given=given)
        except NotPeriodic as why:
            first = Unsolved(title, given, str(why))
        yield first


def _unread(model: Model, name: str) -> int | None:
    plan = propagate(model)
    reached = reach(plan)
    if reached is None:
        return None
    unread = next(each for step, each in zip(plan.steps, reached.unread, strict=True) if step.name == name)
    return unread[0].cells if unread else None


def _working(model: Model, name: str, shape: Shape) -> Shape:
    """The shape, or the next one to it with all axes of one size that works; the shape itself where none does."""
    known: Known = {}

    def works(spatial: tuple[int, ...]) -> bool:
        inputs = {name: Shape((*spatial, shape.channels))}
        return propagate(model, inputs=inputs, known=known).complete

    if works(shape.spatial) or any(each.severity == "error" for each in model.diagnostics):
        return shape
    largest = max(shape.spatial)
    near = [largest + sign * far for far in range(NEAR + 1) for sign in (1, -1) if largest + sign * far > 0]
    size = next((n for n in (*near, *ROUND) if works((n,) * len(shape.spatial))), None)
    return shape if size is None else Shape((*((size,) * len(shape.spatial)), shape.channels))


def _alike(plan: Plan) -> bool:
    """Whether a plan treats all spatial axes in the same way, so that an answer for one is one for all."""
    return plan.complete and all(map(_treats_alike, plan.steps))


def _treats_alike(step: Step) -> bool:
    for links in step.links:
        for link in links:
            kept = link.landing == tuple(range(len(link.axes))) and len(set(link.axes)) == 1
            if link.axes and not kept and len(set(link.landing)) > 1:
                return False
    return True
