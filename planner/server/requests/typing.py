"""What may come next while somebody types."""

from __future__ import annotations

from collections.abc import Callable

from lsprotocol import types as lsp

from planner.server.completion import Offer, completion
from planner.server.desk import Answer
from planner.server.document import Document
from planner.server.protocol import Server
from planner.server.signature import signature

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


def bind(server: Server) -> None:
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
