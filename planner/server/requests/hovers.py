"""What is said of the place that a pointer is at."""

from __future__ import annotations

from lsprotocol import types as lsp

from planner.server.document import Document
from planner.server.hover import hover
from planner.server.protocol import Server


def bind(server: Server) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    async def hovered(params: lsp.HoverParams) -> lsp.Hover | None:
        def work(document: Document) -> lsp.Hover | None:
            text = hover(document, server.offset(document.text, params.position))
            return None if text is None else lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, text))

        return await server.answer(params.text_document.uri, work)
