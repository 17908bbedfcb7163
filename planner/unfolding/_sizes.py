"""The sizes of what goes into a list of layers, as far as they are known while the file is unfolded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from planner.format import UNKNOWN, Block, Values
from planner.geometry import Shape
from planner.guesses import outputs_meant
from planner.model import Ref
from planner.sight import named
from planner.unfolding._draft import Draft, Handed

Outputs = tuple[Shape, ...] | None
"""The shapes of what a step hands on; None where they are not known."""


class Sizes:
    """Asks the layers that are there for the shapes that they make, where arithmetic reads a size."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self._outputs: dict[int, Outputs] = {}
        self._answers: dict[tuple[int, tuple[Shape, ...]], Outputs] = {}
        """What layers have answered, by layer and input shapes."""

    def of(self, block: Block, sources: Sequence[Handed]) -> Values:
        """The sizes of the inputs of a list, by their names in arithmetic, as `input.channels`; nothing where the list
        reads none.
        """
        found = {}
        for name, handed in named(block.inputs, sources).items() if block.sizes else ():
            shape = self._shape(handed.refs[0]) if handed.refs and not handed.slips.doubtful else None
            found[f"{name}.channels"] = UNKNOWN if shape is None else shape.channels
        return found

    def within(self, values: Values, block: Block, sources: Sequence[Handed]) -> dict[str, Any]:
        """What is in sight of a list in place: the parameters around it, and the sizes of its own inputs."""
        around = {name: value for name, value in values.items() if "." not in name}
        return {**around, **self.of(block, sources)}

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


def _output(outputs: Outputs, ref: Ref) -> Shape | None:
    number = ref.output or 0
    return outputs[number] if outputs is not None and number < len(outputs) else None
