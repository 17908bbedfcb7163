"""Which of two sides each vertex of a graph is on, so that as few edges as possible lead from one side to the other.

It is a minimum cut (Ford and Fulkerson, 1956). The sides are those of channels: a tensor has them `first`, behind the
batch, or `last`; the axes have to be moved where a tensor is read with its channels elsewhere.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Literal

Side = Literal["first", "last"]
Vertex = Hashable


class Sides:
    """Vertices that are told which belong together, which are on a given side, and between which there are edges; the
    rest follows. It is worked out when a side is first asked for, and nothing may be told after that.
    """

    def __init__(self) -> None:
        self._same: dict[Vertex, Vertex] = {}
        self._fixed: dict[Vertex, Side] = {}
        self._edges: list[tuple[Vertex, Vertex]] = []
        self._last: set[Vertex] | None = None

    def join(self, a: Vertex, b: Vertex) -> None:
        """Put two vertices on the same side."""
        a, b = self._root(a), self._root(b)
        if a != b:
            self._same[a] = b
            if a in self._fixed:
                self._fixed.setdefault(b, self._fixed.pop(a))

    def fix(self, vertex: Vertex, side: Side) -> None:
        """Put a vertex on a side, unless one that it belongs to is on the other already."""
        self._fixed.setdefault(self._root(vertex), side)

    def link(self, a: Vertex, b: Vertex) -> None:
        """Say that it costs something if two vertices are on different sides."""
        self._edges.append((a, b))

    def is_fixed(self, vertex: Vertex) -> bool:
        return self._root(vertex) in self._fixed

    def of(self, vertex: Vertex) -> Side:
        """The side of a vertex: the first one where nothing speaks for the other."""
        if self._last is None:
            self._last = self._cut() if "last" in self._fixed.values() else set()
        return "last" if self._root(vertex) in self._last else "first"

    def _root(self, vertex: Vertex) -> Vertex:
        """The vertex that stands for all that are on the same side as this one."""
        while (above := self._same.get(vertex, vertex)) != vertex:
            vertex = above
        return vertex

    def _cut(self) -> set[Vertex]:
        """The vertices on the side of those that are `last`, at the cheapest cut."""
        import networkx

        graph: networkx.Graph[Vertex] = networkx.Graph()
        for a, b in self._edges:
            a, b = self._root(a), self._root(b)
            if a != b:
                graph.add_edge(a, b, capacity=graph.get_edge_data(a, b, {"capacity": 0})["capacity"] + 1)
        for vertex, side in self._fixed.items():
            graph.add_edge(vertex, side)  # without a capacity, which is never cut
        graph.add_node("first")
        _, (_, lasts) = networkx.minimum_cut(graph, "first", "last")
        return lasts - {"last"}
