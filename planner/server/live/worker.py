"""A process of its own in which the parts of the page are made: a layout, or plans of many sizes, take seconds, and the
editor answers meanwhile. It reads a job a line, and writes an answer a line.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from planner.outputs._json import writable

SECONDS = 30
"""What a part may take; afterwards the page says that it took too long."""
LONGEST = 1 << 28
"""Bytes of an answer."""


_PATHS = os.pathsep.join(filter(None, [str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH")]))


class Job(NamedTuple):
    """A part of the page for a text, with other shapes of the inputs where they are given."""

    part: str
    text: str
    file: str
    input: dict[str, list[int]] | None = None
    level: int | None = None


class Worker:
    """The process, as the site sees it: started when it is needed, and anew where it ended."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def ask(self, job: Job, wanted: Callable[[], bool]) -> dict[str, Any] | None:
        """The answer to a job, after those before it; `failed` says why there is none. A job that nobody wants any more
        when its turn comes is not begun.
        """
        async with self._turn:
            if not wanted():
                return None
            try:
                answer: dict[str, Any] = await asyncio.wait_for(self._answer(job), SECONDS)
                return answer
            except TimeoutError:
                await self.stop()
                return {"failed": f"not worked out within {SECONDS} seconds"}
            except (OSError, ValueError, asyncio.IncompleteReadError):
                await self.stop()
                return {"failed": "the process that works it out has ended; it starts again with the next change"}
            except asyncio.CancelledError:
                await self.stop()  # else its answer would be taken for that of the next job
                raise

    async def _answer(self, job: Job) -> Any:
        process = await self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(job._asdict()).encode() + b"\n")
        await process.stdin.drain()
        return json.loads(await process.stdout.readuntil(b"\n"))

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", __name__),
                env={**os.environ, "PYTHONPATH": _PATHS},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LONGEST,
            )
        return self._process

    async def stop(self) -> None:
        """End the process; the next job starts another."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.communicate()


# Within the process


def made(job: Job) -> dict[str, Any]:
    """The answer to a job; an error of the planner is told, and costs this part alone."""
    from planner.server.live.parts import PARTS

    try:
        return PARTS[job.part](_report(job.text, job.file, json.dumps(job.input)), job.level)
    except Exception as error:  # noqa: BLE001 the page says it where the part would stand
        return {"failed": f"internal error: {type(error).__name__}: {error}"[:500]}


@lru_cache(2)
def _report(text: str, file: str, input: str) -> Any:
    from planner.inputs.ultralytics import taken
    from planner.workbench import Workbench

    shapes = json.loads(input)
    given = shapes and {name: tuple(shape) for name, shape in shapes.items()}
    return taken(Workbench.on_text(text, file, input=given)).report


def main() -> None:
    """Answer jobs until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    for line in sys.stdin.buffer:
        answer = writable(json.dumps(made(Job(**json.loads(line))), ensure_ascii=False))
        sys.stdout.buffer.write(answer.encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
