"""What comes after a change of an open file: from the change until its findings are published and its hints answered.

The promise is a time, not a ratio: the yardstick is what one may wait. Each change makes another kernel of the first
convolution, so that every shape after it is another. Time is the process's own; the client is in the same process, and
its messages go through JSON.
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.measure import Measurement
from planner.server import connected, language_server
from planner.server.rubbish import Rubbish

CHANGES = 150
WAIT = {"resnet50": 0.06, "densenet201": 0.2}
"""Seconds that one may wait, by configuration."""
_WHOLE = {"start": {"line": 0, "character": 0}, "end": {"line": 9999, "character": 0}}


async def laps(name: str) -> list[float]:
    """How long each change takes."""
    path = Path("configs") / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    line = next(i for i, each in enumerate(lines) if "kernel_size: " in each)
    column = lines[line].index("kernel_size: ") + len("kernel_size: ")
    seen: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    server = language_server()
    server.desk.rubbish = Rubbish()
    receive = connected(server, lambda message: seen.put_nowait(json.loads(message)))

    def send(method: str, number: int | None = None, **params: Any) -> None:
        about = {} if number is None else {"id": number}
        receive(json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **about}))

    send("initialize", 0, processId=None, rootUri=None, capabilities={})
    await seen.get()
    document = {"uri": path.resolve().as_uri(), "version": 0}
    send("textDocument/didOpen", textDocument={**document, "languageId": "yaml", "text": text})
    await seen.get()
    place = {"start": {"line": line, "character": column}, "end": {"line": line, "character": column + 1}}
    found = []
    for number in range(1, CHANGES + 1):
        start = process_time()
        change = {"range": place, "text": str(5 + 2 * (number % 3))}
        send("textDocument/didChange", textDocument={**document, "version": number}, contentChanges=[change])
        send("textDocument/inlayHint", number, textDocument=document, range=_WHOLE)
        while "id" not in await seen.get():
            pass
        found.append(process_time() - start)
        await asyncio.sleep(0)
    server.desk.shutdown()
    gc.enable()
    return sorted(found[CHANGES // 10 :])  # the first warm up


def measure() -> Iterator[Measurement]:
    for name, wait in WAIT.items():
        found = asyncio.run(laps(name))
        gc.unfreeze()
        for what, at in (("median", len(found) // 2), ("95 %", len(found) * 95 // 100)):
            yield Measurement(f"{name}: a change typed, {what}", found[at], "what one may wait", wait, 1)
