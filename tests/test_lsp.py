"""The language server by the protocol: what a client is told, and when."""

from __future__ import annotations

import asyncio
from pathlib import Path

from lsp_client import Client

CONFIGS = Path(__file__).parents[1] / "configs"
WHOLE = {"start": {"line": 0, "character": 0}, "end": {"line": 10_000, "character": 0}}


def test_a_file_is_opened_changed_and_closed() -> None:
    async def session() -> None:
        client, uri = Client(), "file:///tmp/model.yaml"
        await client.start()
        client.open(uri, "input: [8, 8, 3]\nlayers:\n  - {type: Conv2d, out_channels: 4, kernel_size: 3, stride: 3}\n")
        hints = await client.ask("textDocument/inlayHint", textDocument={"uri": uri}, range=WHOLE)
        assert [each["label"] for each in hints["result"]] == ["→ 2×2×4 ⚠ loses 2 of 8"]
        (first,) = client.published
        assert first["params"]["version"] == 1
        assert "NSP320" in {each["code"] for each in first["params"]["diagnostics"]}
        at = {"start": {"line": 0, "character": 8}, "end": {"line": 0, "character": 12}}
        document = {"uri": uri, "version": 2}
        client.notify("textDocument/didChange", textDocument=document, contentChanges=[{"range": at, "text": "9, 9"}])
        hints = await client.ask("textDocument/inlayHint", textDocument={"uri": uri}, range=WHOLE)
        assert [each["label"] for each in hints["result"]] == ["→ 3×3×4"]
        client.notify("textDocument/didClose", textDocument={"uri": uri})
        assert [each["params"].get("version") for each in client.published] == [1, 2, None]
        assert client.published[-1]["params"]["diagnostics"] == []

    asyncio.run(session())
