"""The workers of a running Dask cluster, which plan batches of points.

https://distributed.dask.org
"""

from __future__ import annotations

import asyncio
from concurrent.futures import CancelledError, Future
from time import monotonic
from typing import Any

import planner
from planner.points import Question
from planner.sweeping.planning import batch_rows
from planner.sweeping.rows import Batch, SweepStopped

PATIENCE = 10
"""Seconds in which a scheduler must answer."""
LOOK_AGAIN = 5
"""Seconds after which the workers are counted anew."""


class Cluster:
    """The workers of a cluster, as many as there are: some may come and others go meanwhile."""

    def __init__(self, question: Question, address: str) -> None:
        self._question = question
        self._key = question.key
        self._address = address
        self._counted, self._hands = 0.0, 0
        self._client: Any = None
        self._executor: Any = None

    def __enter__(self) -> Cluster:
        from distributed import Client

        try:
            self._client = Client(self._address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            said = str(error).splitlines()[0] if str(error) else "there is no answer"
            raise SweepStopped(
                f"the cluster at `{self._address}` cannot be reached: {said}",
                "`dask scheduler` prints its address, such as tcp://10.0.0.1:8786",
            ) from None
        self._executor = self._client.get_executor()
        if not self.hands:
            self.__exit__()
            help = f"start some: `dask worker {self._address} --nthreads 1`, with shape-planner installed there"
            raise SweepStopped(f"the cluster at `{self._address}` has no workers", help)
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(wait=False)
        self._client.close(PATIENCE)

    @property
    def hands(self) -> int:
        if not self._hands or monotonic() - self._counted > LOOK_AGAIN:
            self._hands, self._counted = sum(self._client.nthreads().values()), monotonic()
        return self._hands

    def submit(self, first: int, last: int) -> Future[Batch]:
        future: Future[Batch] = self._executor.submit(
            planned_there, self._question, self._key, first, last, planner.__version__
        )
        return future

    def lost(self, error: BaseException) -> str:
        from distributed import KilledWorker
        from distributed.comm import CommClosedError

        if isinstance(error, ModuleNotFoundError):
            help = "install shape-planner on all of them, in the same version"
            raise SweepStopped(f"a worker of the cluster lacks a package: {error}", help) from None
        if isinstance(error, OtherVersion):
            raise SweepStopped(str(error), "install the same version on all of them") from None
        if isinstance(error, KilledWorker):
            return f"the workers that had them were lost, the last one at {error.last_worker.address}"
        kinds = (CancelledError, asyncio.CancelledError, CommClosedError, OSError)
        return f"{type(error).__name__} on the way" if isinstance(error, kinds) else ""


class OtherVersion(Exception):
    """A worker with another version of the planner, whose rows might be others."""


def planned_there(question: Question, key: str, first: int, last: int, version: str) -> Batch:
    """A batch, as a worker plans it."""
    if version != planner.__version__:
        raise OtherVersion(f"a worker has version {planner.__version__} of the planner, and this is {version}")
    return batch_rows(question, key, first, last)
