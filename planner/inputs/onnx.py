"""Networks of ONNX: `.onnx` files. They need the package onnx, and nothing that a file holds is run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from planner.faults._in_text import shown
from planner.faults.not_imported import NotImported
from planner.inputs._agreement import must_say
from planner.inputs._fixed import with_fixed_weights
from planner.inputs._graph import NotSayable
from planner.inputs._heads import IMPORTED, OF_THIS_INPUT
from planner.inputs._onnx.following import Follower, followed
from planner.inputs._onnx.given import inputs_of
from planner.inputs._onnx.network import Network, network_of
from planner.inputs._onnx.reading import model_of
from planner.inputs._onnx.scopes import scoped
from planner.inputs._text import opaque_steps, text_of

LONGEST_NAME = 200


def read(path: str | os.PathLike[str], input: Any = None) -> str:
    """The model file of a network in a file. Raises NotImported."""
    file = Path(path)
    return model_text(network_of(model_of(file)), shown(file.stem, LONGEST_NAME), input)


def model_text(network: Network, name: str, input: Any = None) -> str:
    """The model file of a network. `input` has the sizes that the file leaves open, channels last and without the
    batch; of several inputs by name. Raises NotImported.
    """
    try:
        found = graph_of(network, name, input)
        text = text_of_graph(found)
    except NotSayable as reason:
        help = "name a part of it, or write that part in another way"
        raise NotImported(f"`{name}` cannot be said in a model file", str(reason), help) from reason
    return "".join(f"# {line}\n" for line in _head(found)) + with_fixed_weights(text, found.graph)


def graph_of(network: Network, name: str, input: Any = None) -> Follower:
    """The graph of a network, followed at two sizes, or at one where more can be said of it."""
    inputs = [inputs_of(network.given, network.nodes, input, farther=farther) for farther in (True, False)]
    try:
        found = followed(network, name, inputs[0])
        if any(found.gaps) or found.graph.follows:  # two sizes do not bear arithmetic out
            alone = followed(network, name, inputs[1])
            found = alone if alone.gaps < found.gaps or found.graph.follows else found
    except NotSayable:
        found = followed(network, name, inputs[1])
    found.graph.prune()
    if not found.graph.outputs or not found.graph.steps:
        raise NotImported(f"`{name}` has no layer", help="nothing that it gives follows from what it reads")
    return found


def text_of_graph(found: Follower) -> str:
    """The text of a graph with lists of layers as their names tell, or without where that would say something else.
    Raises NotSayable where it would all the same.
    """
    graph, flat = found.graph, list(found.graph.top.members)
    scoped(graph, found.places)
    try:
        text = text_of(graph)
        must_say(text, graph)
    except NotSayable:
        graph.top.members = flat
        for step in graph.steps:
            step.scope = graph.top
        text = text_of(graph)
        must_say(text, graph)
    return text


def _head(found: Follower) -> Iterator[str]:
    """What stands above the text: what of the network no layer says."""
    yield f"{found.graph.name}.onnx{IMPORTED}"
    if found.graph.runs == 1:
        yield OF_THIS_INPUT
    for called, reason in found.lost.items():
        yield f"Ends where {called} begins: {reason}"
    yield from opaque_steps(found.graph)
