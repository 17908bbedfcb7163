"""Runs that bear out what numbers follow from: as many as tell apart all that is known to give them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from planner.inputs._agreement import agreed_text, must_plan
from planner.inputs._following import Longer
from planner.inputs._graph import Graph, NotSayable
from planner.inputs._least import smallest
from planner.inputs._recording import Lower, Recording, Recordings
from planner.inputs._telling import told_apart

FURTHER, APART = 7, 3
"""Sizes at random that all must be borne out at, and those of them of which one axis at a time is taken."""
FAR = ((1_000, 331), (331, 1_000))
"""How much larger inputs are in others: what large strides leave is the same for many sizes."""
IN_VAIN = 12
"""Sizes of a doubt at which the network fails or does something else, after which these are none of what is said."""
MOST = 120
"""Sizes that are tried, after which a network is taken for one that does not follow."""


def borne_out(name: str, traces: Sequence[Recording], runs: Recordings, lower: Lower) -> tuple[Graph, str]:
    """The graph of what a network does at many sizes, and its text, which says it at each of them. Raises NotSayable
    where runs do not tell what a number follows from.
    """
    found = [*traces, *runs.at(traces[0], [*FAR, *at_random(traces[0])])]
    tried: set[Longer] = set()
    ran: set[Longer] = set()
    while True:
        graph = lower(found)
        text = agreed_text(graph, name)
        more: list[Recording] = []
        coarse = True
        while not more:
            doubts = [each for each in graph.doubts if len(tried & {*each}) < IN_VAIN or ran & {*each}]
            places = told_apart(doubts, tried, coarse=not coarse)
            coarse = not coarse
            if not places:
                must_plan(text, graph)
                graph.smallest = smallest(text, graph, traces[0], runs)
                return graph, text
            if len(tried) > MOST:
                raise NotSayable("numbers of which runs do not tell how they follow from the input's size")
            tried.update(places)
            for each in places:
                own = [*runs.at(traces[0], [each])]
                ran |= {each} if own else set()
                more += own
        found += more


def at_random(first: Recording) -> list[Longer]:
    """Sizes in the neighbourhood of a run's: each axis by itself, and all at once."""
    draw = Random(0)
    sizes = first.lengths
    drawn = [[draw.randint(-n // 4, n) for n in sizes] for _ in range(FURTHER)]
    alone = [[n * (i == axis) for i, n in enumerate(each)] for axis in range(len(sizes)) for each in drawn[:APART]]
    return [tuple(each) for each in (*alone, *drawn[APART:])]
