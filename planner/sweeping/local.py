"""Processes of this machine that plan batches of points, one for each core.

Each reads a job from its standard input and writes the answer to its standard output, so it ends with whoever started
it, however that ends, and nothing of the caller's own program runs in it.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from planner.points import Question
from planner.sweeping.planning import batch_rows
from planner.sweeping.rows import Batch

_PATHS = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LostProcess(Exception):
    """A process that has ended with a job of its own."""


class Processes:
    """As many processes as are asked for; one that has ended is started anew."""

    def __init__(self, question: Question, hands: int) -> None:
        self.hands = hands
        self._question = question
        self._threads = ThreadPoolExecutor(hands)
        self._own = threading.local()
        self._started: list[_Process] = []
        self._closing = False

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        for each in self._started:
            each.end()
        self._threads.shutdown(cancel_futures=True)

    def submit(self, first: int, last: int) -> Future[Batch]:
        return self._threads.submit(self._planned, first, last)

    def lost(self, error: BaseException) -> str:
        return str(error) if isinstance(error, LostProcess) else ""

    def _planned(self, first: int, last: int) -> Batch:
        """A batch as the process of this thread plans it."""
        process: _Process | None = getattr(self._own, "process", None)
        if process is None:
            process = self._own.process = _Process(self._question)
            self._started.append(process)
        try:
            if self._closing:
                raise LostProcess("the sweep is over")
            return process.ask((first, last))
        except (OSError, EOFError, pickle.UnpicklingError):
            self._own.process = None
            raise LostProcess(f"a process ended {process.end()}") from None


class _Process:
    """A process of ours, which has been told the question."""

    def __init__(self, question: Question) -> None:
        self._process = subprocess.Popen(
            (sys.executable, "-P", "-m", __name__),
            env={**os.environ, "PYTHONPATH": _PATHS},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._question: Question | None = question

    def ask(self, job: tuple[int, int]) -> Batch:
        """The answer to a job; raises OSError, or EOFError, where the process ends meanwhile."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if self._question is not None:
            pickle.dump(self._question, self._process.stdin)
            self._question = None
        pickle.dump(job, self._process.stdin)
        self._process.stdin.flush()
        answer: Batch = pickle.load(self._process.stdout)
        return answer

    def end(self) -> str:
        """End it; gives how it ended, in words."""
        code = self._process.poll()
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:  # what was not written yet
                    pass
        code = self._process.returncode if code is None else code
        return f"by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"


# Within the process


def main() -> None:
    """Answer jobs until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    jobs, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything prints is no answer
    question: Any = pickle.load(jobs)
    while True:
        try:
            first, last = pickle.load(jobs)
        except EOFError:
            return
        answer = pickle.dumps(batch_rows(question, "question", first, last))
        try:
            answers.write(answer)
            answers.flush()
        except BrokenPipeError:  # whoever started it has ended
            os._exit(1)


if __name__ == "__main__":
    main()
