"""Where a name is given, and where it is used."""

from __future__ import annotations

from lsprotocol import types as lsp

from planner.server.document import Document
from planner.server.names import definition, name_at
from planner.server.protocol import Server


def bind(server: Server) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    async def defined(params: lsp.DefinitionParams) -> lsp.Location | None:
        uri = params.text_document.uri

        def work(document: Document) -> lsp.Location | None:
            found = name_at(document, server.offset(document.text, params.position))
            place = definition(document, found.name) if found is not None else None
            return server.location(uri, document, place) if place is not None else None

        return await server.answer(uri, work)

    @server.feature(lsp.TEXT_DOCUMENT_REFERENCES)
    async def referred(params: lsp.ReferenceParams) -> list[lsp.Location] | None:
        uri = params.text_document.uri

        def work(document: Document) -> list[lsp.Location] | None:
            found = name_at(document, server.offset(document.text, params.position))
            if found is None:
                return None
            alike = (each for each in document.names if each.name == found.name)
            wanted = (each for each in alike if params.context.include_declaration or not each.defines)
            return [lsp.Location(uri, server.range(document.text, each.passage)) for each in wanted]

        return await server.answer(uri, work)

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    async def highlighted(params: lsp.DocumentHighlightParams) -> list[lsp.DocumentHighlight] | None:
        def work(document: Document) -> list[lsp.DocumentHighlight] | None:
            found = name_at(document, server.offset(document.text, params.position))
            if found is None:
                return None
            kinds = {True: lsp.DocumentHighlightKind.Write, False: lsp.DocumentHighlightKind.Read}
            return [
                lsp.DocumentHighlight(server.range(document.text, each.passage), kinds[each.defines])
                for each in document.names
                if each.name == found.name
            ]

        return await server.answer(params.text_document.uri, work)
