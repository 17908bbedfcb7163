"""Networks that do less at the size that is meant than at most others, as those that fill a map up to whole windows do
nothing where it has whole windows: what they do in general is said, where it is the same at this size.
"""

from __future__ import annotations

from collections.abc import Iterable

from planner.diagnostics import Fault
from planner.geometry import Shape
from planner.inputs._bearing import at_random, borne_out
from planner.inputs._following import RUNS
from planner.inputs._graph import Graph, NotSayable
from planner.inputs._recording import Lower, Recording, Recordings
from planner.inputs._text import text_of

Way = list[Recording]
"""Runs in which a network calls the same functions."""
ENOUGH = 10
"""Runs in which most is called, after which no more are looked for."""
TRIED = 3
"""Ways that are taken for the usual one, those in which most is called first."""


def in_general(name: str, runs: Recordings, lower: Lower) -> tuple[Graph, str] | None:
    """The graph of what a network does in general, and its text; None where it is not what the network does at the size
    that is meant, too.
    """
    first, ways = runs.alone()[0], _ways(runs.elsewhere())
    for usual in [way for way in ways if len({tuple(each.lengths) for each in way}) > 1][:TRIED]:
        usual += runs.at(usual[0], at_random(usual[0])) if len(usual) < RUNS else []
        try:
            graph, _ = borne_out(name, usual, runs, lower)
            if graph.opaque:
                continue
            text = text_of(graph, shapes_of(first))
        except (NotSayable, Fault):
            continue
        if runs.computes_the_same(text, first):
            others = (way[0] for way in ways if way is not usual and way[0].outline != first.outline)
            graph.elsewhere = [shapes_of(each) for each in others if not runs.computes_the_same(text, each)]
            return graph, text
    return None


def shapes_of(recording: Recording) -> dict[str, Shape]:
    """The shapes of the inputs in a run."""
    return {name: Shape.of_torch(each.sizes[1:]) for name, each in recording.inputs.items()}


def _ways(recordings: Iterable[Recording]) -> list[Way]:
    """The runs by what was called in them, those in which most was called first."""
    found: list[Way] = []
    for each in recordings:
        way = next((way for way in found if way[0].outline == each.outline), None)
        if way is None:
            found.append([each])
        else:
            way.append(each)
        found.sort(key=lambda way: -len(way[0].events))
        if len(found[0]) == ENOUGH:
            break
    return found
