"""A client of the language server in the same process: messages go through JSON, and nothing else is in between."""

from __future__ import annotations

import asyncio
import json
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

    def _take(self, message: str) -> None:
        data = json.loads(message)
        if "method" in data:
            self.published.append(data)
        else:
            self.answers.pop(data["id"]).set_result(data)

    def notify(self, method: str, **params: Any) -> None:
        self.receive(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}))

    async def ask(self, method: str, **params: Any) -> Any:
        """The whole answer, with its `result` or its `error`."""
        self.last += 1
        self.answers[self.last] = future = asyncio.get_running_loop().create_future()
        self.receive(json.dumps({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}))
        return await future

    async def start(self, **capabilities: Any) -> Any:
        answer = await self.ask("initialize", processId=None, rootUri=None, capabilities=capabilities)
        self.notify("initialized")
        return answer["result"]["capabilities"]

    def open(self, uri: str, text: str, version: int = 1) -> None:
        document = {"uri": uri, "languageId": "yaml", "version": version, "text": text}
        self.notify("textDocument/didOpen", textDocument=document)
