"""What a client asks about a file, bound to the functions that answer in our own terms."""

from __future__ import annotations

from collections.abc import Callable

from lsprotocol import types as lsp

from planner.server.completion import Offer, completion
from planner.server.desk import Answer
from planner.server.document import Document
from planner.server.hints import hints
from planner.server.hover import hover
from planner.server.lenses import lenses, sizes
from planner.server.names import definition, name_at
from planner.server.protocol import ContentModified, Server
from planner.server.signature import signature
from planner.server.structure import NamedPart, folds, symbols
from planner.server.tokens import TOKEN_NAMES, tokens

_ITEMS = {
    "key": lsp.CompletionItemKind.Property,
    "layer": lsp.CompletionItemKind.Class,
    "block": lsp.CompletionItemKind.Function,
    "value": lsp.CompletionItemKind.Value,
    "name": lsp.CompletionItemKind.Variable,
    "parameter": lsp.CompletionItemKind.TypeParameter,
    "function": lsp.CompletionItemKind.Function,
    "rule": lsp.CompletionItemKind.EnumMember,
    "library": lsp.CompletionItemKind.Module,
}
_SYMBOLS = {
    "section": lsp.SymbolKind.Namespace,
    "input": lsp.SymbolKind.Variable,
    "parameter": lsp.SymbolKind.TypeParameter,
    "layer": lsp.SymbolKind.Field,
    "block": lsp.SymbolKind.Class,
}
LEGEND = lsp.SemanticTokensLegend(list(TOKEN_NAMES), ["definition"])


def bind_requests(server: Server) -> None:
    _bind_shown(server)
    _bind_pointed_at(server)
    _bind_names(server)
    _bind_typed(server)
    _bind_structure(server)


def _bind_shown(server: Server) -> None:
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


def _bind_pointed_at(server: Server) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    async def hovered(params: lsp.HoverParams) -> lsp.Hover | None:
        def work(document: Document) -> lsp.Hover | None:
            text = hover(document, server.offset(document.text, params.position))
            return None if text is None else lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, text))

        return await server.answer(params.text_document.uri, work)


def _bind_names(server: Server) -> None:
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


def _bind_typed(server: Server) -> None:
    async def typed(uri: str, work: Callable[[Document], Answer]) -> Answer:
        """Answer from the newest text, without waiting for its plan where there is one of an earlier text."""
        sheet = server.desk.sheets.get(uri)
        if sheet is None or sheet.document is None:
            return await server.answer(uri, work)
        return work(sheet.current or sheet.document.retyped(sheet.text))

    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=["$", "{", " ", "."]))
    async def completed(params: lsp.CompletionParams) -> lsp.CompletionList | None:
        def work(document: Document) -> lsp.CompletionList | None:
            found = completion(document, server.offset(document.text, params.position))
            if found is None:
                return None
            place = server.range(document.text, found.word)
            return lsp.CompletionList(False, [_item(server, each, place, i) for i, each in enumerate(found.items)])

        return await typed(params.text_document.uri, work)

    @server.feature(lsp.TEXT_DOCUMENT_SIGNATURE_HELP, lsp.SignatureHelpOptions(trigger_characters=[",", ":", " "]))
    async def signed(params: lsp.SignatureHelpParams) -> lsp.SignatureHelp | None:
        def work(document: Document) -> lsp.SignatureHelp | None:
            found = signature(document, server.offset(document.text, params.position))
            if found is None:
                return None
            parameters = [
                lsp.ParameterInformation(found.text[each.start : each.end], each.doc or None)
                for each in found.parameters
            ]
            shown = lsp.SignatureInformation(found.text, found.doc, parameters, active_parameter=found.active)
            return lsp.SignatureHelp([shown], active_signature=0, active_parameter=found.active)

        return await typed(params.text_document.uri, work)


def _item(server: Server, item: Offer, range: lsp.Range, number: int) -> lsp.CompletionItem:
    can = server.client_capabilities.text_document
    able = can.completion.completion_item if can is not None and can.completion is not None else None
    snippets = bool(able is not None and able.snippet_support)
    text = item.text if snippets or not item.snippet else _plain(item.text)
    is_snippet = item.snippet and snippets
    return lsp.CompletionItem(
        item.label,
        kind=_ITEMS[item.kind],
        detail=item.detail or None,
        documentation=lsp.MarkupContent(lsp.MarkupKind.Markdown, item.doc) if item.doc else None,
        sort_text=f"{item.rank}{number:04}",  # within a rank in our order: the nearest name, PyTorch's first argument
        filter_text=item.label,
        insert_text_format=lsp.InsertTextFormat.Snippet if is_snippet else lsp.InsertTextFormat.PlainText,
        text_edit=lsp.TextEdit(range, text),
    )


def _plain(snippet: str) -> str:
    """A snippet without what is left to fill in."""
    from re import sub

    return sub(r"\$\{\d+:([^}]*)\}|\$\{?\d+\}?", lambda found: found[1] or "", snippet)


def _bind_structure(server: Server) -> None:
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
