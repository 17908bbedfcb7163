"""One page that is open in a browser: the language server, and a few messages of our own, over one WebSocket.

What the page asks, beside the Language Server Protocol:

    planner/open  {}             the file's text, its name and its address in the protocol
    planner/look  {input}        other shapes of the inputs, by name, to plan with; null as the file has it
    planner/part  {part, level}  a part of the page for the text as it is now; null where it has passed
    planner/save  {base, text}   to write a text that was made of `base`

and what it is told:

    planner/planned  the plan of the newest text, whenever it is there
    planner/disk     {text}: the file holds another text, or is gone (null)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from planner.outputs._json import writable
from planner.server.desk import Passed, Sheet
from planner.server.document import Document
from planner.server.live.disk import ModelFile
from planner.server.live.parts import PARTS, plan
from planner.server.live.worker import Job, Worker
from planner.server.protocol import Server, receiver
from planner.writing import HasChanged, NotWritten

Answer = dict[str, Any] | None


class Tab:
    """A connection of a page to its file.

    out    the messages that wait to be sent
    input  the shapes that are looked at in place of the file's
    """

    def __init__(self, file: ModelFile, worker: Worker, manual: Callable[[str], str]) -> None:
        self.file = file
        self.worker = worker
        self.out: asyncio.Queue[str] = asyncio.Queue()
        self.input: dict[str, list[int]] | None = None
        self._sheet: Sheet | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = Server(told=self._told, manual=manual)
        self._receive = receiver(self._server, self.out.put_nowait)
        self._asked: dict[str, Callable[..., Awaitable[Answer]]] = {
            "planner/open": self._open,
            "planner/look": self._look,
            "planner/part": self._part,
            "planner/save": self._save,
        }
        file.listeners.add(self._changed)

    def close(self) -> None:
        self.file.listeners.discard(self._changed)
        for task in self._tasks:
            task.cancel()
        self._server.desk.shutdown()
        self._server.shutdown()  # type: ignore[no-untyped-call]

    def receive(self, message: str) -> None:
        """Take a message of the page; what is ours is answered here, the rest by the language server. What is no such
        message is left alone.
        """
        try:
            data = json.loads(message)
            asked = self._asked.get(data["method"])
            work = asked(**(data.get("params") or {})) if asked is not None else None
        except (ValueError, TypeError, KeyError, RecursionError):
            work = None
        if work is None:
            self._receive(message)
        else:
            self._start(self._answer(data.get("id"), work))

    # What the page asks

    async def _open(self) -> Answer:
        return {"text": self.file.text, "name": self.file.name, "uri": self.file.uri}

    async def _look(self, input: dict[str, list[int]] | None) -> Answer:
        self.input = input if _are_shapes(input) else None
        if self._sheet is not None:
            self._told(self._sheet)
        return None

    async def _part(self, part: str, level: int | None = None) -> Answer:
        sheet, shapes = self._sheet, self.input
        if sheet is None:
            return None
        if part not in PARTS:
            return {"failed": f"there is no part {part}"}
        text = sheet.text

        def wanted() -> bool:
            return sheet.text is text and self.input is shapes

        found = await self.worker.ask(Job(part, text.text, self.file.path, shapes, level), wanted)
        return found if wanted() else None

    async def _save(self, base: str, text: str) -> Answer:
        try:
            self.file.save(base, text)
        except HasChanged:
            return {"changed": True}
        except (NotWritten, UnicodeEncodeError) as error:
            return {"failed": str(error)}
        return {}

    # What it is told

    def _told(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._start(self._plan(sheet))

    async def _plan(self, sheet: Sheet) -> None:
        shapes = self.input
        given: Any = shapes and {name: tuple(shape) for name, shape in shapes.items()}

        def work(document: Document) -> str:
            report = document.report
            found = plan(report if given is None else report.bench.judged(document.source, given))
            return _message(method="planner/planned", params={**found, "looked": shapes})

        try:
            message = await self._server.desk.answer(sheet.uri, work)
        except Passed:
            return
        if self.input is shapes:
            self.out.put_nowait(message)

    def _changed(self) -> None:
        self.out.put_nowait(_message(method="planner/disk", params={"text": self.file.text}))

    # Messages

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, number: object, work: Awaitable[Answer]) -> None:
        self.out.put_nowait(_message(id=number, result=await work))


def _are_shapes(input: object) -> bool:
    """Whether it is a shape for each of some inputs."""
    if not isinstance(input, dict):
        return False
    return all(isinstance(shape, list) and all(type(size) is int for size in shape) for shape in input.values())


def _message(**content: Any) -> str:
    return writable(json.dumps({"jsonrpc": "2.0", **content}, ensure_ascii=False))
