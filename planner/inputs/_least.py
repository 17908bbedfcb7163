"""The smallest inputs that a model file takes, where the network takes smaller ones: a part that is a few cells less
than a map holds nothing at small sizes, which PyTorch allows and a plan does not.
"""

from __future__ import annotations

import re

from planner.diagnostics import Fault
from planner.geometry import Shape
from planner.inputs._graph import Graph
from planner.inputs._recording import Recording, Recordings
from planner.layers._layer import axis_name
from planner.propagation import propagate
from planner.source import Source, parse
from planner.unfolding import load

LESS = re.compile(r"\$[^\"\]]* - \d|(stop|start): -\d")
"""What may be less than nothing at small sizes."""


def smallest(text: str, graph: Graph, first: Recording, runs: Recordings) -> dict[str, int]:
    """The axes along which a network still runs where its file has errors, each with its smallest size in the file."""
    if len(graph.inputs) > 1 or not LESS.search(text):
        return {}
    source, shape = parse(text), next(iter(graph.inputs.values())).shapes[0][0]
    varied = next(iter(graph.varied.values()))
    found = {}
    for axis, n in enumerate(shape.spatial):
        if varied[axis] is None:
            continue
        low, high = 0, n
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if _plans(source, shape, axis, middle) else (middle, high)
        shorter = tuple((low - n) * (at == varied[axis]) for at in range(len(first.lengths)))
        if low and any(runs.at(first, [shorter])):
            found[axis_name(axis, len(shape.spatial))] = high
    return found


def _plans(source: Source, shape: Shape, axis: int, size: int) -> bool:
    """Whether a file plans with another size of an axis."""
    try:
        model = load(source, input=Shape((*shape[:axis], size, *shape[axis + 1 :])))
        return not model.diagnostics and not any(each.severity == "error" for each in propagate(model).diagnostics)
    except Fault:
        return False
