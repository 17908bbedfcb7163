"""How a text is built: its parts, what can be folded, and what its words are."""

from __future__ import annotations

from lsprotocol import types as lsp

from planner.server.document import Document
from planner.server.protocol import Server
from planner.server.structure import NamedPart, folds, symbols
from planner.server.tokens import TOKEN_NAMES, tokens

_SYMBOLS = {
    "section": lsp.SymbolKind.Namespace,
    "input": lsp.SymbolKind.Variable,
    "parameter": lsp.SymbolKind.TypeParameter,
    "layer": lsp.SymbolKind.Field,
    "block": lsp.SymbolKind.Class,
}
LEGEND = lsp.SemanticTokensLegend(list(TOKEN_NAMES), ["definition"])


def bind(server: Server) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def outlined(params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
        def told(document: Document, each: NamedPart) -> lsp.DocumentSymbol:
            return lsp.DocumentSymbol(
                each.name,
                _SYMBOLS[each.kind],
                server.range(document.text, each.whole),
                server.range(document.text, each.name_at),
                detail=each.detail or None,
                children=[told(document, inner) for inner in each.inner],
            )

        def work(document: Document) -> list[lsp.DocumentSymbol]:
            return [told(document, each) for each in symbols(document)]

        return await server.answer(params.text_document.uri, work)

    @server.feature(lsp.TEXT_DOCUMENT_FOLDING_RANGE)
    async def folded(params: lsp.FoldingRangeParams) -> list[lsp.FoldingRange]:
        def work(document: Document) -> list[lsp.FoldingRange]:
            comment = lsp.FoldingRangeKind.Comment
            return [lsp.FoldingRange(a, b, kind=comment if told else None) for a, b, told in folds(document)]

        return await server.answer(params.text_document.uri, work)

    @server.feature(lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, LEGEND)
    async def coloured(params: lsp.SemanticTokensParams) -> lsp.SemanticTokens:
        def work(document: Document) -> lsp.SemanticTokens:
            data: list[int] = []
            line = column = 0
            for each in tokens(document):
                place = server.range(document.text, each.passage)
                here, at = place.start.line, place.start.character
                data += [here - line, at - column if here == line else at, place.end.character - at]
                data += [TOKEN_NAMES.index(each.name), int(each.defines)]
                line, column = here, at
            return lsp.SemanticTokens(data)

        return await server.answer(params.text_document.uri, work)
