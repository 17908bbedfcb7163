"""Moving: which tensors walk over an input axis cell by cell, so that it makes sense to ask where they look.

Receptive fields are those of an endless image, and of the union of all paths. Two things are missing there: an axis
that has shrunk to a single cell no longer moves, whatever its stride was, nor does an axis that is enlarged from it;
and where tensors are joined end to end, cell i comes from only one of them.
"""

from __future__ import annotations

from enum import IntEnum
from functools import partial

from planner.analyses.recall import Recall
from planner.analyses.receptive_field import AxisField, Fields, hands_on
from planner.analyses.spans import LONGEST_PERIOD
from planner.geometry import Link, Shape
from planner.plan import Plan, Step, Tensor


class Moves(IntEnum):
    """Whether a tensor walks over an axis of an input: it stands still, it walks, or that is unknown."""

    STANDS = 0
    WALKS = 1
    UNKNOWN = 2


AxisMoves = dict[int, tuple[Moves, ...]]
"""For each input, by the number of its step, and each of its spatial axes."""


class Moving:
    """How every tensor of a plan moves over the inputs, worked out from `fields`, the plan's receptive fields."""

    def __init__(self, plan: Plan, fields: list[tuple[Fields, ...]], recall: Recall) -> None:
        self._known: list[tuple[AxisMoves, ...]] = []
        for i, step in enumerate(plan.steps):
            if step.is_input and step.facts is not None:
                sizes = step.outputs[0].spatial
                own: AxisMoves = {i: tuple([Moves.WALKS if n > 1 else Moves.STANDS for n in sizes])}
                self._known.append((recall.alike(own),))
                continue
            if step.facts is not None and hands_on(step):
                at, output = step.sources[0]
                self._known.append((self._known[at][output],) * len(step.links))
                continue
            work = partial(self._of, i, step, fields, recall)
            self._known.append(recall.answer("moves", (step.facts, *self.seen(step, fields)), work))

    def seen(self, step: Step, fields: list[tuple[Fields, ...]]) -> list[object]:
        """The moves and the fields of the sources of a step."""
        if step.facts is None:
            return []
        return [each for at, o in step.sources for each in (self._known[at][o], fields[at][o])]

    def walks(self, ref: Tensor, source: int, axis: int) -> bool:
        """Whether a tensor is known to walk over an axis of an input."""
        return self._known[ref.step][ref.output][source][axis] is Moves.WALKS

    def _of(self, i: int, step: Step, fields: list[tuple[Fields, ...]], recall: Recall) -> tuple[AxisMoves, ...]:
        """How the outputs of step i move over the inputs."""
        return tuple([recall.alike(self._of_output(i, step, o, fields)) for o in range(len(step.links))])

    def _of_output(self, i: int, step: Step, output: int, fields: list[tuple[Fields, ...]]) -> AxisMoves:
        """How one output of step i moves over the inputs."""
        links, y = step.links[output], step.outputs[output]
        read = [each for each in zip(step.sources, links, step.inputs, strict=True) if not each[1].empty]
        joined: AxisMoves = {}
        for ref, link, x in read:
            known, onto = self._known[ref.step][ref.output], fields[ref.step][ref.output]
            if link.keeps_places:
                found = known
            else:
                found = {
                    source: tuple(
                        _in_pieces(moves, behind, alone=len(read) == 1)
                        if link.pieces is not None or field.parted is not None
                        else _through(moves, field.onto, link, x, y, alone=len(read) == 1)
                        for moves, field, behind in zip(
                            known[source], onto[source], fields[i][output][source], strict=True
                        )
                    )
                    for source in known
                }
            for source, here in found.items():
                before = joined.get(source)
                joined[source] = here if before is None or before == here else tuple(map(max, before, here))
        return joined


def _in_pieces(moves: Moves, behind: AxisField, *, alone: bool) -> Moves:
    """How a tensor moves over an input axis that lies in pieces before it, or behind it."""
    if moves is Moves.STANDS or (behind.onto is None and behind.parted is None and behind.wide is not None):
        return Moves.STANDS
    return moves if alone and behind.stride else Moves.UNKNOWN


def _through(moves: Moves, axis: int | None, link: Link, x: Shape, y: Shape, *, alone: bool) -> Moves:
    """How a tensor y moves over an input axis, given how a tensor x moves that y reads through a link."""
    if moves is Moves.STANDS or axis is None or axis >= len(link.axes):
        return moves if moves is Moves.STANDS else Moves.UNKNOWN
    along, to, n = link.axes[axis], link.landing[axis], x[axis]
    if to is None or y[to] == 1:
        return Moves.STANDS
    if moves is Moves.UNKNOWN:
        return moves
    if along.period(n) <= LONGEST_PERIOD and along.span(n) is None:  # every cell reads all of them
        return Moves.STANDS
    return Moves.WALKS if alone or along.keeps else Moves.UNKNOWN
