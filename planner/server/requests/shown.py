"""What is shown beside the text: hints behind lines, and what stands above them."""

from __future__ import annotations

from lsprotocol import types as lsp

from planner.server.document import Document
from planner.server.hints import hints
from planner.server.lenses import lenses, sizes
from planner.server.protocol import ContentModified, Server


def bind(server: Server) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_INLAY_HINT)
    async def inlay_hint(params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
        def work(document: Document) -> list[lsp.InlayHint]:
            shown = server.passage(document.text, params.range)
            found = ((document.text.line_passage(each.line).end, each) for each in hints(document))
            return [
                lsp.InlayHint(
                    server.position(document.text, at),
                    each.text,
                    kind=lsp.InlayHintKind.Type,
                    tooltip=each.tip or None,
                    padding_left=True,
                )
                for at, each in found
                if shown.holds(at)
            ]

        return await server.answer(params.text_document.uri, work)

    @server.feature(lsp.TEXT_DOCUMENT_CODE_LENS, lsp.CodeLensOptions(resolve_provider=True))
    async def code_lens(params: lsp.CodeLensParams) -> list[lsp.CodeLens]:
        uri = params.text_document.uri

        def work(document: Document) -> list[lsp.CodeLens]:
            start = [lsp.Position(each.line, 0) for each in lenses(document)]
            return [
                lsp.CodeLens(
                    lsp.Range(at, at),
                    command=lsp.Command(each.text, "") if each.text is not None else None,
                    data={"uri": uri, "version": document.version} if each.text is None else None,
                )
                for at, each in zip(start, lenses(document), strict=True)
            ]

        return await server.answer(uri, work)

    @server.feature(lsp.CODE_LENS_RESOLVE)
    async def resolve(lens: lsp.CodeLens) -> lsp.CodeLens:
        about = lens.data if isinstance(lens.data, dict) else {}
        uri, sheet = str(about.get("uri")), server.desk.sheets.get(str(about.get("uri")))
        if sheet is None or sheet.version != about.get("version"):
            raise ContentModified
        lens.command = lsp.Command(await server.aside(uri, lambda document, goes_on: sizes(document)), "")
        return lens
