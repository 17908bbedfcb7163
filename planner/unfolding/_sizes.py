"""The sizes of what goes into a list of layers, as far as they are known while the file is unfolded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from planner.arithmetic import has_arithmetic
from planner.diagnostics import Fault
from planner.format import UNKNOWN, Block, Entry, Values, expressions
from planner.geometry import Shape
from planner.guesses import outputs_meant
from planner.layers._layer import axis_name
from planner.model import Ref, SizeOf
from planner.sight import named
from planner.unfolding._draft import Draft, Handed, Standing, Standings, elsewhere, together

Outputs = tuple[Shape, ...] | None
"""The shapes of what a step hands on; None where they are not known."""
FROM_THE_END = {"channels": -1, "width": -2, "length": -2, "height": -3, "depth": -4}
"""The axes that have names, whatever the number of axes."""


class ListSizes:
    """Asks the layers that are there for the shapes that they make, where arithmetic reads a size."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self._outputs: dict[int, Outputs] = {}
        self._answers: dict[tuple[int, tuple[Shape, ...]], Outputs] = {}
        """What layers have answered, by layer and input shapes."""

    def of(self, block: Block, sources: Sequence[Handed]) -> tuple[Values, Standings]:
        """The sizes of the inputs of a list, by their names in arithmetic, as `input.height`; nothing where the list
        reads none.
        """
        values: dict[str, Any] = {}
        standing: dict[str, Standing] = {}
        for name, handed in named(block.inputs, sources).items() if block.sizes else ():
            if not handed.refs:
                continue
            shape = None if handed.slips.doubtful else self._shape(handed.refs[0])
            for axis, at in _axes(shape):
                size = f"{name}.{axis}"
                values[size] = UNKNOWN if shape is None else shape[at]
                standing[size] = _standing(SizeOf(handed.refs[0], at), size)
        return values, standing

    def within(
        self, values: Values, standing: Standings, block: Block, sources: Sequence[Handed]
    ) -> tuple[dict[str, Any], Standings]:
        """What is in sight of a list in place: the parameters around it, and the sizes of its own inputs."""
        around = {name: value for name, value in values.items() if "." not in name}
        own, own_standing = self.of(block, sources)
        kept = {name: each for name, each in standing.items() if "." not in name}
        return {**around, **own}, {**kept, **own_standing}

    def of_argument(self, entry: Entry, key: str, values: Values, standing: Standings) -> Standings:
        """What an argument of a call stands on, by its name; nothing where it reads no size."""
        read = {name: standing[name] for name in entry.read_by(key) if name in standing}

        def at(sizes: Mapping[SizeOf, int]) -> Any:
            found = entry.arguments(elsewhere(values, read, sizes))
            for fault in found.faults:
                raise fault
            return UNKNOWN if key in found.lost else found.values[key]

        computed = [each for path, each in entry.computed if path[0] == key]
        return {key: together(read, computed, values, at)} if read else {}

    def of_default(self, key: str, default: Any, values: Values, standing: Standings) -> Standings:
        """What the default of a parameter stands on, by its name; nothing where it reads no size. `values` are those of
        the parameters before it.
        """
        if not standing or not has_arithmetic(default):
            return {}
        try:
            computed = tuple(expressions({key: default}, ()))
        except Fault:  # told where it was evaluated
            return {}
        entry = Entry((), "", args={key: default}, computed=computed)
        return self.of_argument(entry, key, values, standing)

    def _shape(self, ref: Ref) -> Shape | None:
        waiting = [ref.step]
        while waiting:
            step = waiting[-1]
            sources = self.draft.instances[step].sources
            before = [each.step for each in sources if each.step not in self._outputs]
            if not before:
                self._outputs[waiting.pop()] = self._made(step)
            waiting += before
        return _output(self._outputs[ref.step], ref)

    def _made(self, step: int) -> Outputs:
        """What a step hands on, where that is known of its sources."""
        instance = self.draft.instances[step]
        if instance.input is not None:
            return (instance.input,)
        inputs = [_output(self._outputs[ref.step], ref) for ref in instance.sources]
        known = tuple([shape for shape in inputs if shape is not None])
        if len(known) < len(inputs):
            return None
        key = id(instance.layer or instance.guess), known
        if key not in self._answers:
            self._answers[key] = outputs_meant(instance.layer, instance.guess, known)
        return self._answers[key]


def _axes(shape: Shape | None) -> Iterator[tuple[str, int]]:
    """The names of a shape's axes, with their places from the end; all names where the shape is not known."""
    if shape is None:
        yield from FROM_THE_END.items()
    else:
        rank = len(shape.spatial)
        names = ((axis_name(axis, rank), axis - rank - 1) for axis in range(rank + 1))
        yield from ((name, at) for name, at in names if FROM_THE_END.get(name) == at)


def _standing(size: SizeOf, name: str) -> Standing:
    return Standing((size,), lambda sizes: sizes[size], spatial="" if size.axis == -1 else name)


def _output(outputs: Outputs, ref: Ref) -> Shape | None:
    number = ref.output or 0
    return outputs[number] if outputs is not None and number < len(outputs) else None
