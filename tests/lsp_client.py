"""A client of the language server in the same process: messages go through JSON, and nothing else is in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from planner.server import connected, language_server


class Client:
    """Sends requests and collects what the server publishes."""

    def __init__(self, **options: Any) -> None:
        self.server = language_server(**options)
        self.receive = connected(self.server, self._take)
        self.answers: dict[int, asyncio.Future[Any]] = {}
        self.published: list[dict[str, Any]] = []
        self.last = 0
        self.latest: dict[str, int] = {}
        self.asked: dict[int, tuple[str, int | None]] = {}
        self.late: list[dict[str, Any]] = []
        """What came about a version of a file that is not its latest."""

    def _take(self, message: str) -> None:
        data = json.loads(message)
        if "method" in data:
            self.published.append(data)
            about = data["params"]
            latest = self.latest.get(about.get("uri"))
            if latest is not None and about.get("version", latest) != latest:
                self.late.append(data)
            return
        uri, version = self.asked.pop(data["id"])
        if "error" not in data and version != self.latest.get(uri):
            self.late.append(data)
        self.answers.pop(data["id"]).set_result(data)

    def notify(self, method: str, **params: Any) -> None:
        self.receive(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}))

    async def ask(self, method: str, **params: Any) -> Any:
        """The whole answer, with its `result` or its `error`."""
        self.last += 1
        self.answers[self.last] = future = asyncio.get_running_loop().create_future()
        uri = params.get("textDocument", {}).get("uri", "")
        self.asked[self.last] = uri, self.latest.get(uri)
        self.receive(json.dumps({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}))
        return await future

    async def start(self, **capabilities: Any) -> Any:
        answer = await self.ask("initialize", processId=None, rootUri=None, capabilities=capabilities)
        self.notify("initialized")
        return answer["result"]["capabilities"]

    def open(self, uri: str, text: str, version: int = 1) -> None:
        document = {"uri": uri, "languageId": "yaml", "version": version, "text": text}
        self.notify("textDocument/didOpen", textDocument=document)

    def change(self, uri: str, version: int, *changes: dict[str, Any]) -> None:
        self.notify("textDocument/didChange", textDocument={"uri": uri, "version": version}, contentChanges=[*changes])

    @staticmethod
    def edited(text: str, edit: dict[str, Any], columns: Callable[[str], int]) -> str:
        """The text with a workspace edit made in it, by a way of its own of finding the places."""
        (edits,) = edit["changes"].values() if edit.get("changes") else [edit["documentChanges"][0]["edits"]]
        lines = text.split("\n")

        def offset(at: dict[str, int]) -> int:
            line = lines[at["line"]]
            inside = next(i for i in range(len(line) + 1) if columns(line[:i]) == at["character"])
            return sum(len(each) + 1 for each in lines[: at["line"]]) + inside

        for each in sorted(edits, key=lambda each: offset(each["range"]["start"]), reverse=True):
            start, end = offset(each["range"]["start"]), offset(each["range"]["end"])
            text = text[:start] + each["newText"] + text[end:]
        return text
