"""Which graph says most of a network: of runs on several sizes, on one, or on most."""

from __future__ import annotations

from itertools import islice

from planner.faults.not_imported import NotImported
from planner.inputs._agreement import agreed_text, not_sayable
from planner.inputs._bearing import FAR, borne_out
from planner.inputs._following import RUNS
from planner.inputs._general import in_general
from planner.inputs._graph import Graph, NotSayable
from planner.inputs._recording import Lower, Recording, Recordings

FURTHER = 5
"""Recordings on odd sizes that a network is held to which looks at sizes."""


def best_text(name: str, runs: Recordings, lower: Lower) -> tuple[Graph, str]:
    """The graph that says most of a network, and its text: from all its traces, or else from those at the size that is
    meant, or else from those at most sizes, if they hold at this one too.
    """
    found = _of_all_sizes(name, runs, lower)
    if runs.traces[0].elsewhere and (found is None or found[0].pinned):
        found = in_general(name, runs, lower) or found
    if found is not None:
        return found
    try:
        graph = _of_one_size(runs, lower)
    except NotSayable as reason:
        raise not_sayable(name, reason) from reason
    return graph, agreed_text(graph, name)


def _of_all_sizes(name: str, runs: Recordings, lower: Lower) -> tuple[Graph, str] | None:
    """The graph of what a network does at this size and at others, and its text."""
    traces, steady = runs.traces, None
    try:
        if len(traces) > 1:
            graph = _of(traces, runs, lower)
            if not graph.follows:
                steady = graph, agreed_text(graph, name)
                if not traces[0].sized:
                    return steady
                graph.pinned = True
                more = [*islice(runs.others(), FURTHER), *runs.at(traces[0], FAR)]
                further = _of([*traces, *more], runs, lower)
                if not (further.pinned or further.follows or traces[0].elsewhere):
                    return further, agreed_text(further, name)
            several = [*traces, *islice(runs.others(), RUNS - len(traces))]
            graph, text = borne_out(name, several, runs, lambda found: _of(found, runs, lower))
            graph.pinned = traces[0].elsewhere
            return graph, text
    except (NotSayable, NotImported):
        return steady
    return None


def _of(traces: list[Recording], runs: Recordings, lower: Lower) -> Graph:
    """The graph of traces; of those at one size where more can be said of it."""
    graph = lower(traces)
    if graph.opaque:
        fixed = _of_one_size(runs, lower)
        return fixed if len(fixed.opaque) < len(graph.opaque) else graph
    return graph


def _of_one_size(runs: Recordings, lower: Lower) -> Graph:
    graph = lower(runs.alone())
    graph.pinned = True
    return graph
