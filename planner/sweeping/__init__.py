"""Sweeping: a model planned at all points of a question, here or on other machines, each row as it is planned.

planning  the row of a point
rows      all rows in order, of whoever plans them, and of those that were planned before
local     processes of this machine
cluster   the workers of a Dask cluster
stored    the file that keeps the rows, from which a sweep goes on that was stopped
importing  a network that is no model file, at several sizes of its input
asking    the question that is meant by what a caller gives

Who else may plan is a `Crew` of `rows`: a new file beside `local` and `cluster`. Rows come in the order of points,
whoever plans them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from os import PathLike, fspath

from planner.points import Question, SweepRow
from planner.sweeping.asking import asked, question_of
from planner.sweeping.importing import Unasked, brought
from planner.sweeping.planning import PointPlanner
from planner.sweeping.rows import Crew, SweepStopped, rows
from planner.sweeping.stored import StoredRows

__all__ = [
    "PointPlanner",
    "StoredRows",
    "SweepStopped",
    "Unasked",
    "asked",
    "brought",
    "crew_of",
    "question_of",
    "rows",
    "swept",
]

FEW = 50
"""Points for which no other process is started."""


def crew_of(
    question: Question, *, jobs: int | None = None, dask: str | None = None, start: int = 0
) -> AbstractContextManager[Crew] | None:
    """The crew that plans the points from `start` on: the workers of a cluster, so many processes, or by default one
    for each core; None for few points, which are planned here.
    """
    if dask is not None:
        from planner.sweeping.cluster import Cluster

        return Cluster(question, dask)
    from planner.sweeping.local import Processes, cores

    hands = min(jobs or cores(), -(-(question.count - start) // FEW))
    return Processes(question, hands) if hands > 1 else None


def swept(
    question: Question,
    *,
    jobs: int | None = 1,
    dask: str | None = None,
    results: str | PathLike[str] | None = None,
) -> Iterator[SweepRow]:
    """All rows of a question: those that a file of results has, and the others, which it gets, as they are planned."""
    if results is None:
        yield from rows(question, crew_of(question, jobs=jobs, dask=dask))
        return
    with StoredRows(question, fspath(results)) as stored:
        yield from stored.rows()
        if stored.count < question.count:
            crew = crew_of(stored.question, jobs=jobs, dask=dask, start=stored.count)
            with closing(rows(stored.question, crew, stored.count)) as found:
                for row in found:
                    stored.add(row)
                    yield row
