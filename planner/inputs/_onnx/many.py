"""A network of ONNX followed at many sizes of its inputs, which bear out what its numbers follow from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from planner.inputs._axes import Sizes
from planner.inputs._bearing import borne_out
from planner.inputs._following import Longer
from planner.inputs._given import FARTHER
from planner.inputs._graph import Graph, NotSayable
from planner.inputs._onnx.following import Follower, followed
from planner.inputs._onnx.given import InputRuns, made_longer
from planner.inputs._onnx.network import Network
from planner.inputs._recording import Recording, Recordings, TensorValue


def at_many_sizes(network: Network, name: str, meant: InputRuns, finish: Callable[[Follower], None]) -> Follower:
    """The network followed at as many sizes as tell what numbers follow from. Raises NotSayable, or NotImported.

    finish  what is done to each that is followed, before its text is written
    """
    kinds = {each.name: each.kind for each in network.given}
    made: dict[Graph, Follower] = {}

    def at(sizes: Sequence[Sizes]) -> Recording:
        values = {each: TensorValue(own, each, "input", kinds[each]) for each, own in zip(kinds, sizes, strict=True)}
        return Recording(inputs=values, sized=True, varied=meant.varied)

    def follow(recordings: Sequence[Recording]) -> Follower:
        sizes = [[each.inputs[key].sizes for each in recordings] for key in kinds]
        runs = InputRuns(sizes, meant.batch[:1] * len(recordings), meant.last, meant.varied)
        found = followed(network, name, runs)
        if any(found.gaps):
            raise NotSayable("a part that no layer says at several sizes")
        return found

    def lower(recordings: Sequence[Recording]) -> Graph:
        found = follow(recordings)
        finish(found)
        made[found.graph] = found
        return found.graph

    def others(first: Recording, longer: Sequence[Longer]) -> Iterator[Recording]:
        """Recordings of the network at other sizes, as far as it can be followed there."""
        for each in longer:
            sizes = [made_longer(value.sizes, meant.varied[key], each) for key, value in first.inputs.items()]
            if all(n > 0 for own in sizes for n in own):
                found = at(sizes)
                try:
                    follow([found])
                except NotSayable:
                    continue
                yield found

    first = at([own[0] for own in meant.sizes])
    runs = Recordings([first], tuple, lambda: [first], at=others)
    graph, _ = borne_out(name, [first, *others(first, FARTHER)], runs, lower)
    return made[graph]
