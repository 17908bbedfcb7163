"""Steps of the planner's layers, added to a graph one after the other, each tried on the shapes that arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from planner.diagnostics import SOURCE, Fault
from planner.faults.not_imported import NotImported
from planner.geometry import Shape
from planner.inputs._building import layer_of
from planner.inputs._graph import Graph, GraphNode, ModuleCall, NotSayable, Output
from planner.inputs._keras.given import Given, Sources

MOST_CALLS = 10_000
"""Models that call models can stand for more than any memory holds."""

ClassMeaning = Callable[["Building", Given, Sources], Output | list[Output]]
"""What a class of Keras means: it adds steps, and gives what comes out."""


class Building:
    """A graph that is being made.

    scope  the model or layer that is under way
    lead   how many axes in front are as a batch, as TimeDistributed has them
    notes  what the model file does not say, for its head
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.scope = graph.top
        self.lead = 0
        self.notes: list[str] = []
        self.calls = 0

    def input(self, name: str, shape: Shape) -> Output:
        step = GraphNode("input", {"name": name}, (), self.graph.top, shapes=((shape,),))
        self.graph.inputs[name] = step
        return Output(step)

    def count_call(self) -> None:
        """Refuse networks whose layers and models are called more often than any network needs."""
        self.calls += 1
        if self.calls > MOST_CALLS:
            raise NotImported(f"the network has more than {MOST_CALLS:,} calls", help="no network needs that")

    def step(self, type_: str, *sources: Output, path: str | None = None, **arguments: Any) -> list[Output]:
        """Add a step, and return all its outputs; None is left out of its arguments."""
        arguments = {name: value for name, value in arguments.items() if value is not None}
        layer = layer_of(type_, arguments)
        try:
            facts = layer.facts(*(self.shape(each) for each in sources))
        except Fault as fault:
            label = fault.label.replace(SOURCE, "its input")
            raise NotSayable(f"{fault.message}: {label}" if label else fault.message) from None
        step = GraphNode(type_, arguments, sources, self.scope, path, (facts.outputs,))
        self.scope.members.append(step)
        return [Output(step, i, len(facts.outputs) > 1) for i in range(len(facts.outputs))]

    def add(self, type_: str, *sources: Output, path: str | None = None, **arguments: Any) -> Output:
        """Add a step of which the first output counts; None is left out of its arguments."""
        return self.step(type_, *sources, path=path, **arguments)[0]

    def shape(self, x: Output) -> Shape:
        return x.step.shapes[0][x.number]

    @contextmanager
    def within(self, path: str, kind: str) -> Iterator[None]:
        """Put the steps that are added meanwhile into a list of their own."""
        outer = self.scope
        self.scope = ModuleCall(path, kind, outer)
        outer.members.append(self.scope)
        try:
            yield
        finally:
            self.scope = outer

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    # Axes

    def rank(self, x: Output) -> int:
        """How many axes Keras' layer sees of a tensor, the batch left out."""
        return len(self.shape(x)) - self.lead

    def axis(self, x: Output, axis: int) -> int:
        """The axis of a shape that an axis of Keras is, where the batch counts as 0."""
        rank = self.rank(x)
        if not -rank <= axis <= rank or axis == 0:
            raise NotSayable(f"there is no axis {axis} in {self.shape(x)}" if axis else "it works on the batch")
        return (axis % (rank + 1)) - 1 + self.lead

    def dim(self, x: Output, axis: int) -> int:
        """PyTorch's `dim` of an axis of Keras, by which a model file counts."""
        place, last = self.axis(x, axis), len(self.shape(x)) - 1
        return 1 if place == last else place + 2

    def must_have(self, x: Output, rank: int) -> None:
        """Refuse tensors of another number of spatial axes than a layer is for."""
        if self.rank(x) != rank + 1:
            raise NotSayable(f"it is called with {self.shape(x)}, which has not {rank} spatial axes")
        if rank + self.lead > 3:
            raise NotSayable("it works on more than 3 axes")

    def spatial(self, given: Given, x: Output) -> int:
        """The number of spatial axes that a layer is for; refuses tensors that have another, or channels first."""
        given.channels_last()
        self.must_have(x, given.rank)
        return given.rank

    def per_axis(self, values: Sequence[int], lead: int = 1) -> int | list[int]:
        """A number for each axis as a model file has it: those in front first, one alone where all are the same."""
        found = [lead] * self.lead + [*values]
        return found[0] if len(set(found)) == 1 else found


MEANINGS: dict[str, ClassMeaning] = {}
"""What each class of Keras means, by its name."""


def means(*kinds: str) -> Callable[[ClassMeaning], ClassMeaning]:
    """Say what classes of Keras mean."""

    def keep(meaning: ClassMeaning) -> ClassMeaning:
        MEANINGS.update(dict.fromkeys(kinds, meaning))
        return meaning

    return keep
