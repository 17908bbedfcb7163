"""All rows of a question, in the order of its points, whoever plans them.

Batches of points are handed out, never more than a few for each worker at once. They come back in any order, and are
given on in theirs; a batch that is lost with its worker is handed out again, so that no point is lost or doubled.
"""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import AbstractContextManager
from typing import Protocol

from planner.points import Question, SweepRow
from planner.sweeping.planning import PointPlanner

Batch = tuple[list[SweepRow], float]
"""The rows of a batch, and the seconds that they took."""

SECONDS = 1.0
"""How long a batch should take, so that little is lost with a worker, and little time with handing out."""
LARGEST = 500
AHEAD = 2
"""Batches that a worker has at once: one in work, and one that waits."""
MOST_WAITING = 50
"""Batches for each worker that may be done before one that comes earlier: behind it, all wait."""
MOST_TRIES = 4


class SweepStopped(Exception):
    """A sweep that cannot go on; the text says why, `help` what to do."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help


class Crew(Protocol):
    """Those who plan batches; entered, they are ready."""

    @property
    def hands(self) -> int:
        """How many batches are worked on at once."""

    def submit(self, first: int, last: int) -> Future[Batch]:
        """Hand out the points from the first up to, and without, the last."""

    def lost(self, error: BaseException) -> str:
        """Why a batch is lost that raised this, where another worker may plan it; "" where none may."""


def rows(
    question: Question, crew: AbstractContextManager[Crew] | None = None, start: int = 0
) -> Generator[SweepRow, None, None]:
    """The rows from the point `start` on, in order; without a crew, planned here."""
    if crew is None:
        planner = PointPlanner(question)
        yield from (planner.row(number) for number in range(start, question.count))
        return
    with crew as ready:
        yield from _Handing(ready, start, question.count).rows()


class _Handing:
    """Hands out batches of points, and gives on their rows in order.

    given   the number of the next point that is given on; `handed` of the next that is handed out
    out     the batches that are out, and how often each has been handed out
    back    those that are back before their turn, by their first points
    """

    def __init__(self, crew: Crew, start: int, end: int) -> None:
        self.crew = crew
        self.given = self.handed = start
        self.end = end
        self.out: dict[Future[Batch], tuple[int, int, int]] = {}
        self.back: dict[int, list[SweepRow]] = {}
        self.size = 1

    def rows(self) -> Generator[SweepRow, None, None]:
        try:
            while self.given < self.end:
                self._hand_out()
                done, _ = wait(self.out, return_when=FIRST_COMPLETED)
                for each in done:
                    self._take_back(each)
                while self.given in self.back:
                    found = self.back.pop(self.given)
                    self.given += len(found)
                    yield from found
        finally:
            for each in self.out:
                each.cancel()

    def _hand_out(self) -> None:
        hands = max(self.crew.hands, 1)
        while self.handed < self.end and len(self.out) < AHEAD * hands and len(self.back) < MOST_WAITING * hands:
            fair = -(-(self.end - self.handed) // (AHEAD * hands))  # the last batches end at about the same time
            last = min(self.handed + min(self.size, fair), self.end)
            self._submit(self.handed, last, 1)
            self.handed = last

    def _submit(self, first: int, last: int, tries: int) -> None:
        self.out[self.crew.submit(first, last)] = first, last, tries

    def _take_back(self, future: Future[Batch]) -> None:
        first, last, tries = self.out.pop(future)
        try:
            found, seconds = future.result()
        except (Exception, CancelledError) as error:
            why = self.crew.lost(error)
            if not why:
                raise
            if tries == MOST_TRIES:
                message = f"points {first:,} to {last - 1:,} were lost {tries} times: {why}"
                help = "is there enough memory for each worker? with --results, a sweep goes on from where it stopped"
                raise SweepStopped(message, help) from None
            self._submit(first, last, tries + 1)
            return
        self.back[first] = found
        wanted = round((last - first) * SECONDS / max(seconds, 1e-4))
        self.size = max(1, min(wanted, 2 * self.size, LARGEST))
