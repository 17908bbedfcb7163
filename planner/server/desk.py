"""The open files: their newest text at once, and what is known about it as soon as it has been planned.

Plans are made in one thread, the newest text first: while one is made, the editor's messages are read on, and texts
that come and pass meanwhile are never planned. Everything else here runs in the thread of the event loop.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from planner.server.document import Document
from planner.server.rubbish import Rubbish
from planner.server.text import EditorText

Answer = TypeVar("Answer")


class Passed(Exception):
    """The text that something was asked about has changed, or its file was closed."""


@dataclass(eq=False)
class Sheet:
    """An open file: its newest text, and the Document of the newest text that was planned.

    real  where the file stands when links are followed; None where it is no file yet
    """

    uri: str
    file: str | None
    real: str | None
    text: EditorText
    version: int
    document: Document | None = None
    waiting: list[asyncio.Future[Document]] = field(default_factory=list)
    busy: asyncio.Task[None] | None = None

    @property
    def current(self) -> Document | None:
        """The Document of the newest text, if that has been planned."""
        return self.document if self.document is not None and self.document.text is self.text else None


class Desk:
    """All open files by their addresses.

    told     called with a file whenever the plan of its newest text is there
    rubbish  collects what versions that have passed leave; None where Python is left to do that
    """

    def __init__(self, told: Callable[[Sheet], None]) -> None:
        self.told = told
        self.rubbish: Rubbish | None = None
        self.sheets: dict[str, Sheet] = {}
        self._planner = ThreadPoolExecutor(1, "planner")
        self._beside = ThreadPoolExecutor(1, "beside")

    def open(self, uri: str, file: str | None, text: str, version: int) -> None:
        self.close(uri)
        self.sheets[uri] = sheet = Sheet(uri, file, _real(file), EditorText(text), version)
        self._plan(sheet)
        self._plan_users(sheet)

    def change(self, uri: str, text: EditorText, version: int) -> None:
        """A file has another text now; whoever waits for what was known about the one before is told that it passed."""
        sheet = self.sheets[uri]
        self._renew(sheet, text, version)
        self._plan_users(sheet)

    def close(self, uri: str) -> None:
        sheet = self.sheets.pop(uri, None)
        if sheet is not None:
            self._pass(sheet)
            self._plan_users(sheet)

    async def planned(self, uri: str) -> Document:
        """The Document of a file's text as it is now, when it has been planned; raises Passed."""
        sheet = self.sheets.get(uri)
        if sheet is None:
            raise Passed
        if (found := sheet.current) is not None:
            return found
        future: asyncio.Future[Document] = asyncio.get_running_loop().create_future()
        sheet.waiting.append(future)
        return await future

    async def answer(self, uri: str, work: Callable[[Document], Answer]) -> Answer:
        """What `work` makes of the Document of a file's text as it is now; raises Passed where the text has changed
        when it is done. It is done in the thread that plans, since a report works out much when it is asked.
        """
        document = await self.planned(uri)
        found = await asyncio.get_running_loop().run_in_executor(self._planner, work, document)
        sheet = self.sheets.get(uri)
        if sheet is None or sheet.text is not document.text:
            raise Passed
        return found

    async def aside(self, uri: str, work: Callable[[Document, Callable[[], bool]], Answer]) -> Answer:
        """The answer to what takes long: it is worked out in a thread of its own, so that no plan waits for it. `work`
        may ask whether the text is still the newest.
        """
        document = await self.planned(uri)

        def goes_on() -> bool:
            sheet = self.sheets.get(uri)
            return sheet is not None and sheet.text is document.text

        found = await asyncio.get_running_loop().run_in_executor(self._beside, work, document, goes_on)
        if not goes_on():
            raise Passed
        return found

    def run_aside(self, work: Callable[[], object]) -> None:
        """Something that nobody waits for."""
        self._beside.submit(work)

    def anew(self) -> None:
        """Plan the files again that use libraries of their own, one of which may have changed."""
        for sheet in self.sheets.values():
            document = sheet.document
            if document is None or document.uses_files:
                self._renew(sheet, EditorText(sheet.text.text), sheet.version)

    def shutdown(self) -> None:
        for uri in [*self.sheets]:
            self._pass(self.sheets.pop(uri))
        for each in (self._planner, self._beside):
            each.shutdown(wait=False, cancel_futures=True)

    def _renew(self, sheet: Sheet, text: EditorText, version: int) -> None:
        sheet.text, sheet.version = text, version
        self._pass(sheet)
        self._plan(sheet)

    def _plan_users(self, library: Sheet) -> None:
        """Plan the files again that use one whose text, saved or not, is another now."""
        for sheet in self.sheets.values():
            document = sheet.document
            if sheet is not library and library.real and document is not None and document.uses(library.real):
                self._renew(sheet, EditorText(sheet.text.text), sheet.version)

    def _plan(self, sheet: Sheet) -> None:
        if sheet.busy is None:
            sheet.busy = asyncio.get_running_loop().create_task(self._work(sheet))

    async def _work(self, sheet: Sheet) -> None:
        """Plan the newest text until no newer one has come meanwhile."""
        loop = asyncio.get_running_loop()
        try:
            while self.sheets.get(sheet.uri) is sheet and sheet.current is None:
                text, version = sheet.text, sheet.version
                opened = {each.real: each.text.text for each in self.sheets.values() if each.real and each is not sheet}
                make = partial(Document, text, version, sheet.file, sheet.document, opened)
                document = await loop.run_in_executor(self._planner, make)
                if text is sheet.text and self.sheets.get(sheet.uri) is sheet:
                    self._done(sheet, document)
        finally:
            sheet.busy = None

    def _done(self, sheet: Sheet, document: Document) -> None:
        sheet.document = document
        waiting, sheet.waiting = sheet.waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(document)
        self.told(sheet)
        if self.rubbish is not None:
            self.rubbish.planned()

    @staticmethod
    def _pass(sheet: Sheet) -> None:
        waiting, sheet.waiting = sheet.waiting, []
        for each in waiting:
            if not each.done():
                each.set_exception(Passed())


def _real(file: str | None) -> str | None:
    try:
        return os.path.realpath(file) if file else None
    except ValueError:  # a character that no path can hold
        return None
