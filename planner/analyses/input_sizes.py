"""The sizes of all axes of a model's inputs: each for itself, and together where they depend on one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from planner.analyses.coupling import Coupling, Group, groups
from planner.analyses.line import InputLine, NotPeriodic
from planner.analyses.reach import reach
from planner.analyses.residues import NO_SIZE, Residues, union
from planner.analyses.sizes import AxisSizes, along, listed
from planner.analyses.walk import walk
from planner.geometry import Shape
from planner.layers._layer import axis_name
from planner.model import Model
from planner.plan import Known, Plan, Step, propagate

NEAR = 64
"""Cells on either side of the given size that are looked through for one that works."""
ROUND = (128, 256, 512, 1024, 2048)
"""Sizes that are tried where none near the given one works: large, and multiples of what strides multiply to."""
KINDS = ("works", "lossless", "exact")
LONGEST_SEEN = 1024
"""The other axes are brought near this size where they are longer, while what one of them loses is looked at."""


@dataclass(frozen=True, slots=True)
class Unsolved:
    """An axis of which nothing can be said for every size, and why."""

    name: str
    given: int
    reason: str


@dataclass(frozen=True, slots=True)
class InputSizes:
    """One input of a model, with the sizes of its spatial axes.

    unread    cells that nothing reads with the shape as it is; None where it does not work, or is too large to tell
    axes      what holds for each axis: the sizes beside which some size of the others does
    together  where axes depend on one another, the sizes that go together: for each axis a set, of which every size
              works with every one of the other axes' sets
    coupled   the steps that ask several axes at once
    diagonal  the sizes that all axes may have at once, where each alone holds beside given sizes of the others only
    """

    input: str
    shape: Shape
    unread: int | None
    axes: tuple[AxisSizes | Unsolved, ...]
    together: tuple[tuple[AxisSizes, ...], ...] = ()
    coupled: tuple[str, ...] = ()
    diagonal: AxisSizes | None = None

    @property
    def works(self) -> list[bool]:
        """For each axis whether any size works."""
        return [isinstance(axis, AxisSizes) and bool(axis.works) for axis in self.axes]

    @property
    def equal(self) -> AxisSizes | None:
        """The sizes that all axes may have at once, where they depend on one another."""
        if not self.together:
            return None
        works, lossless, exact = (
            union([_shared([getattr(axis, kind) for axis in each]) for each in self.together]) for kind in KINDS
        )
        given = max(self.shape.spatial)
        return replace(self.together[0][0], name="n", given=given, works=works, lossless=lossless, exact=exact)

    def group(self, sizes: Sequence[int], kind: str = "works") -> tuple[AxisSizes, ...] | None:
        """The sets that hold these sizes together, of those that work, are lossless, or are exact."""
        for each in self.together:
            if all(n in getattr(axis, kind) for n, axis in zip(sizes, each, strict=True)):
                return each
        return None


def axes_of(model: Model) -> dict[str, list[str]]:
    """The names of the spatial axes of each input that has any."""
    shapes = {each.name: each.input for each in model.instances if each.input is not None and each.input.spatial}
    return {name: [axis_name(i, len(x.spatial)) for i in range(len(x.spatial))] for name, x in shapes.items()}


def input_sizes(model: Model, input: str | None = None, axis: str | None = None) -> Iterator[InputSizes]:
    """The sizes of every input, or of one, on all its axes, or on one by its name or number."""
    names = axes_of(model)
    plan = propagate(model)
    reached = reach(plan)
    for i, step in enumerate(plan.steps):
        if step.name not in names or not step.is_input or input not in (None, step.name):
            continue
        unread = reached.unread[i] if reached is not None else None
        axes = [k for k, name in enumerate(names[step.name]) if axis in (None, name, str(k))]
        if axes:
            found = _Input(plan, i).answer()
            yield replace(
                found,
                unread=unread[0].cells if unread else None,
                axes=tuple(found.axes[k] for k in axes),
                together=found.together if len(axes) > 1 else (),
            )


@dataclass
class _Input:
    """One input, by its step in the plan of the model as it is."""

    plan: Plan
    source: int
    known: Known = field(default_factory=dict)

    def answer(self) -> InputSizes:
        name, shape = self.step.name, self.step.outputs[0]
        if any(each.severity == "error" for each in self.plan.model.diagnostics):
            why = "the model file has faults that no input size mends"
            unsolved = tuple(Unsolved(axis_name(i, len(shape.spatial)), n, why) for i, n in enumerate(shape.spatial))
            return InputSizes(name, shape, None, unsolved)
        base = self.working()
        try:
            coupling, found = groups(base, self.source, self.known)
            alone = self.alone(coupling)
            sets = [self.sets(alone, coupling, each) for each in found]
        except NotPeriodic as why:
            return InputSizes(name, shape, None, tuple(self.beside(base, str(why))), diagonal=self.diagonal(base))
        if not coupling.steps:
            (axes,) = sets or [self.nothing()]
            return InputSizes(name, shape, None, axes)
        named = tuple(base.steps[i].name for i in coupling.steps if coupling.refuses(i))
        axes = tuple(self.projected(k, [each[k] for each in sets]) for k in range(len(shape.spatial)))
        whole = len(sets) == 1
        return InputSizes(name, shape, None, sets[0] if whole else axes, () if whole else tuple(sets), named)

    @property
    def step(self) -> Step:
        return self.plan.steps[self.source]

    # Where to start from

    def at(self, spatial: Sequence[int]) -> Plan:
        """The model with these sizes of the input."""
        return InputLine(self.plan, self.source, (0,), self.known).at(spatial)

    def working(self) -> Plan:
        """The plan, or that of the next shape to it with all axes of one size that works; itself where none does."""
        spatial = self.step.outputs[0].spatial
        if self.plan.complete or len(spatial) == 1:
            return self.plan
        largest = max(spatial)
        near = [largest + sign * far for far in range(NEAR + 1) for sign in (1, -1) if largest + sign * far > 0]
        for n in (*near, *ROUND):
            plan = self.at((n,) * len(spatial))
            if plan.complete:
                return plan
        try:
            equal = walk(InputLine(self.plan, self.source, range(len(spatial)), self.known)).works.nearest(largest)
        except NotPeriodic:
            equal = None
        return self.plan if equal is None else self.at((equal,) * len(spatial))

    # What goes together

    def sets(self, alone: Sequence[AxisSizes], coupling: Coupling, group: Group) -> tuple[AxisSizes, ...]:
        """Which sizes of a group lose nothing, and which have nothing over, axis by axis."""
        if not coupling.steps:
            return tuple(alone)
        shape = self.step.outputs[0]
        plan = self.at([_near(each, min(n, LONGEST_SEEN)) for each, n in zip(group.sets, shape.spatial, strict=True)])
        found = []
        for axis, works in enumerate(group.sets):
            line, steps = InputLine(plan, self.source, (axis,), self.known), coupling.before
            kept = listed(line, works, steps) if not works.residues else along(walk(line), steps)
            lossless = kept.lossless & works if group.lossless else NO_SIZE
            exact = kept.exact & works if group.exact else NO_SIZE
            found.append(replace(alone[axis], works=works, lossless=lossless, exact=exact))
        if not all(each.lossless for each in found):
            found = [replace(each, lossless=NO_SIZE) for each in found]
        if not all(each.exact for each in found):
            found = [replace(each, exact=NO_SIZE) for each in found]
        return tuple(found)

    def alone(self, coupling: Coupling) -> list[AxisSizes]:
        """What each axis asks for by itself."""
        found: list[AxisSizes] = []
        for axis, n in enumerate(self.step.outputs[0].spatial):
            if found and coupling.alike:
                found.append(replace(found[0], axis=axis, name=axis_name(axis, coupling.rank), given=n))
                continue
            each = along(coupling.walks[axis])
            conditions = tuple([c for c in each.conditions if not coupling.couples(c.step)])
            found.append(replace(each, given=n, conditions=conditions))
        return found

    def projected(self, axis: int, sets: Sequence[AxisSizes]) -> AxisSizes:
        """What holds for one axis beside some size of the others."""
        if not sets:
            return self.nothing()[axis]
        works, lossless, exact = (union([getattr(each, kind) for each in sets]) for kind in KINDS)
        return replace(sets[0], works=works, lossless=lossless, exact=exact)

    def nothing(self) -> tuple[AxisSizes, ...]:
        """The answer where no size of any axis works."""
        name, spatial = self.step.name, self.step.outputs[0].spatial
        return tuple(
            AxisSizes(name, i, axis_name(i, len(spatial)), n, NO_SIZE, NO_SIZE, NO_SIZE) for i, n in enumerate(spatial)
        )

    def diagonal(self, base: Plan) -> AxisSizes | None:
        """The sizes that all axes may have at once; None where that is not known, or there is one axis."""
        rank = len(self.step.outputs[0].spatial)
        if rank == 1:
            return None
        try:
            return replace(along(walk(InputLine(base, self.source, range(rank), self.known))), name="n")
        except NotPeriodic:
            return None

    def beside(self, base: Plan, why: str) -> Iterator[AxisSizes | Unsolved]:
        """What holds for each axis beside the others as they are in `base`; why it is no more than that."""
        spatial, at = self.step.outputs[0].spatial, base.steps[self.source].outputs[0].spatial
        names = [axis_name(i, len(spatial)) for i in range(len(spatial))]
        for axis, n in enumerate(spatial):
            try:
                each = along(walk(InputLine(base, self.source, (axis,), self.known)))
            except NotPeriodic as reason:
                yield Unsolved(names[axis], n, str(reason))
                continue
            others = tuple((names[i], at[i]) for i in range(len(at)) if i != axis)
            yield replace(each, given=n, beside=others, because=why)


def _shared(sets: Sequence[Residues]) -> Residues:
    """The sizes that are in all of the sets."""
    shared = sets[0]
    for each in sets[1:]:
        shared &= each
    return shared


def _near(sizes: Residues, n: int) -> int:
    near = sizes.nearest(n)
    assert near is not None
    return near
