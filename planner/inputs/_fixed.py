"""Sizes of weights that a model file works out from its input: those of a network are what they are, so where a file
would have others at other sizes of its input, it states them and refuses these sizes, as the network does.
"""

from __future__ import annotations

from collections.abc import Iterator

from planner.geometry import Shape
from planner.inputs._building import layer_of
from planner.inputs._following import at_run
from planner.inputs._graph import Graph, GraphNode
from planner.inputs._text import text_of
from planner.layers import all_layers
from planner.propagation import propagate
from planner.source import parse
from planner.unfolding import load

LONGER = ((64, 96, 32), (37, 51, 23), (3, 5, 7))
"""How many cells longer the axes of inputs are, at sizes at which weights are compared."""


def with_fixed_weights(text: str, graph: Graph) -> str:
    """The model file of a graph, with the sizes stated of weights that would be others at other sizes of its input."""
    found = [*dict.fromkeys(_changing(text, graph))]
    # Behind what is refused nothing is known: layers that are alike are taken to be so there, too.
    changing = [step for step in graph.steps if any(_are_alike(step, each) for each in found)]
    for step in changing:
        layer = layer_of(step.type, at_run(step.arguments, 0))
        sizes = layer.derived(*(each.step.shapes[0][each.number] for each in step.sources))
        fields = all_layers()[step.type].model_fields
        step.arguments |= {name: size for name, size in sizes.items() if name in fields and name not in step.arguments}
    return text_of(graph, _inputs(text, graph)) if changing else text


def _are_alike(step: GraphNode, other: GraphNode) -> bool:
    read = [[each.step.shapes[0][each.number].channels for each in some.sources] for some in (step, other)]
    return step.type == other.type and step.arguments == other.arguments and read[0] == read[1]


def _inputs(text: str, graph: Graph) -> dict[str, Shape]:
    """The shapes of the inputs in a file, by the names that the graph has for them."""
    shapes = (each.input for each in load(parse(text)).instances if each.input is not None)
    return dict(zip(graph.inputs, shapes, strict=True))


def _changing(text: str, graph: Graph) -> Iterator[GraphNode]:
    """The steps whose weights have other sizes in the file at other sizes of its input."""
    source, inputs = parse(text), _inputs(text, graph)
    meant, steps = propagate(load(source)).steps, [*graph.inputs.values(), *graph.steps]
    for longer in LONGER:
        shapes = {}
        for name, shape in inputs.items():
            axes = [*range(len(shape) - 1), graph.varied[name][-1]]
            more = [longer[at] if at is not None and at < len(longer) else 0 for at in axes]
            shapes[name] = Shape(n + add for n, add in zip(shape, more, strict=True))
        plan = propagate(load(source, input=shapes if len(shapes) > 1 else next(iter(shapes.values()))))
        for step, own, other in zip(steps, meant, plan.steps, strict=True):
            if own.state and other.state and own.state != other.state:
                yield step
        if plan.complete:
            return
