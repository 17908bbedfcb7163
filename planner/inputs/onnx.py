"""Networks of ONNX: `.onnx` files. They need the package onnx, and nothing that a file holds is run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from planner.faults._in_text import shown
from planner.faults.not_imported import NotImported
from planner.inputs._agreement import must_say
from planner.inputs._fixed import with_fixed_weights
from planner.inputs._following import RUNS
from planner.inputs._given import FARTHER
from planner.inputs._graph import NotSayable
from planner.inputs._heads import IMPORTED, OF_THIS_INPUT
from planner.inputs._onnx.following import Follower, followed
from planner.inputs._onnx.given import InputRuns, inputs_of
from planner.inputs._onnx.many import at_many_sizes
from planner.inputs._onnx.network import Network, network_of
from planner.inputs._onnx.reading import model_of
from planner.inputs._onnx.scopes import scoped
from planner.inputs._text import opaque_steps, text_of

ENDINGS = (".onnx",)
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
    """The graph of a network, followed at several sizes, or at one where more can be said of it."""
    meant = inputs_of(network.given, network.nodes, input)
    found = _of_all_sizes(network, name, meant)
    if found is None or any(found.gaps) or not _is_borne_out(found):
        alone = followed(network, name, meant)
        found = alone if found is None or alone.gaps < found.gaps or not _is_borne_out(found) else found
    found.graph.prune()
    if not found.graph.outputs or not found.graph.steps:
        raise NotImported(f"`{name}` has no layer", help="nothing that it gives follows from what it reads")
    return found


def _is_borne_out(found: Follower) -> bool:
    """Whether numbers that follow from the input's size are known from as many sizes as tell what they follow."""
    return not found.graph.follows or found.graph.runs >= RUNS


SIZED = {"Shape", "Size", "Resize", "Upsample", "Reshape", "Slice", "Expand", "Tile"}
"""Operators whose results may have sizes that were worked out."""


def _of_all_sizes(network: Network, name: str, meant: InputRuns) -> Follower | None:
    """The network followed at its size and at others, odd ones among them if it takes such; None where it cannot be."""
    longer = FARTHER[: 2 if any(node.op in SIZED for node in network.nodes) else 1]
    found = _tried(network, name, meant.with_longer(longer))
    if found is None or any(found.gaps):
        least = followed(network, name, meant).gaps
        alone = ((each, _tried(network, name, meant.longer(each))) for each in longer)
        taken = [each for each, one in alone if one is not None and one.gaps <= least]
        if 0 < len(taken) < len(longer):
            found = _tried(network, name, meant.with_longer(taken))
    if found is not None and not any(found.gaps) and found.graph.follows:
        with suppress(NotSayable, NotImported):
            return at_many_sizes(network, name, meant, _finish)
    return found


def _tried(network: Network, name: str, runs: InputRuns) -> Follower | None:
    """The network followed in runs; None where it cannot be."""
    try:
        return followed(network, name, runs)
    except NotSayable:
        return None


def _finish(found: Follower) -> None:
    """Put the steps of a graph into lists of layers as their names tell, if that says the same."""
    graph = found.graph
    graph.prune()
    flat = graph.steps
    scoped(graph, found.places)
    try:
        must_say(text_of(graph), graph)
    except NotSayable:
        graph.top.members = [*flat]
        for step in graph.steps:
            step.scope = graph.top


def text_of_graph(found: Follower) -> str:
    """The text of a graph. Raises NotSayable where it would say something else."""
    _finish(found)
    text = text_of(found.graph)
    must_say(text, found.graph)
    return text


def _head(found: Follower) -> Iterator[str]:
    """What stands above the text: what of the network no layer says."""
    yield f"{found.graph.name}.onnx{IMPORTED}"
    if found.graph.runs == 1:
        yield OF_THIS_INPUT
    for called, reason in found.lost.items():
        yield f"Ends where {called} begins: {reason}"
    yield from opaque_steps(found.graph)
