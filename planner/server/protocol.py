"""The features bound to the Language Server Protocol."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, default_converter
from pygls.uris import from_fs_path, to_fs_path

from planner import __version__
from planner.diagnostics import Place, Severity
from planner.server.desk import Answer, Desk, Passed, Sheet
from planner.server.document import Document
from planner.server.findings import Underlined, findings
from planner.server.hints import Hint, hints
from planner.server.hover import hover
from planner.server.text import EditorText, Passage, Point, Units

_SEVERITIES = {
    Severity.ERROR: lsp.DiagnosticSeverity.Error,
    Severity.WARNING: lsp.DiagnosticSeverity.Warning,
    Severity.INFO: lsp.DiagnosticSeverity.Information,
}
_UNITS: dict[str, Units] = {"utf-8": "utf-8", "utf-16": "utf-16", "utf-32": "utf-32"}


class ContentModified(JsonRpcException):
    """The text has changed while an answer was worked out, so that there is none."""

    CODE = lsp.LSPErrorCodes.ContentModified.value
    MESSAGE = "the text has changed"


class Server(LanguageServer):
    """The language server for one connection."""

    def __init__(
        self,
        *,
        told: Callable[[Sheet], None] | None = None,
        manual: Callable[[str], str | None] | None = None,
    ) -> None:
        super().__init__(
            "shape-planner",
            __version__,
            text_document_sync_kind=lsp.TextDocumentSyncKind.Incremental,
            protocol_cls=LanguageServerProtocol,
            converter_factory=default_converter,
        )
        self.desk = Desk(self._tell)
        self.manual = manual or (lambda code: None)
        self._told = told
        _bind(self)

    @property
    def units(self) -> Units:
        return _UNITS[str(getattr(self.workspace.position_encoding, "value", self.workspace.position_encoding))]

    # Places

    def offset(self, text: EditorText, position: lsp.Position) -> int:
        return text.offset(Point(position.line, position.character), self.units)

    def position(self, text: EditorText, offset: int) -> lsp.Position:
        return lsp.Position(*text.point(offset, self.units))

    def range(self, text: EditorText, span: Passage) -> lsp.Range:
        return lsp.Range(self.position(text, span.start), self.position(text, span.end))

    def span(self, text: EditorText, range: lsp.Range) -> Passage:
        return Passage(self.offset(text, range.start), self.offset(text, range.end))

    # What comes of a plan

    def _tell(self, sheet: Sheet) -> None:
        document = sheet.current
        if document is not None:
            found = [_diagnostic(self, sheet, document, each) for each in findings(document)]
            self.text_document_publish_diagnostics(
                lsp.PublishDiagnosticsParams(sheet.uri, found, version=document.version)
            )
        if self._told is not None:
            self._told(sheet)


def receiver(server: LanguageServer, send: Callable[[str], object]) -> Callable[[str | bytes], None]:
    """The function that takes the messages of a client, each as a text of JSON."""
    writer: Any = _Messages(send)
    server.protocol.set_writer(writer, include_headers=False)

    def receive(message: str | bytes) -> None:
        server.protocol.handle_message(json.loads(message, object_hook=server.protocol.structure_message))

    return receive


class _Messages:
    """A writer of pygls that hands messages on one by one."""

    def __init__(self, send: Callable[[str], object]) -> None:
        self._send = send

    def write(self, data: bytes) -> object:
        return self._send(data.decode())

    def close(self) -> None:
        pass


def _bind(server: Server) -> None:
    desk = server.desk

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: lsp.DidOpenTextDocumentParams) -> None:
        opened = params.text_document
        file = to_fs_path(opened.uri) if opened.uri.startswith("file:") else None
        desk.open(opened.uri, file, opened.text, opened.version)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: lsp.DidChangeTextDocumentParams) -> None:
        sheet = desk.sheets.get(params.text_document.uri)
        if sheet is None:
            return
        text = sheet.text
        for change in params.content_changes:
            if isinstance(change, lsp.TextDocumentContentChangePartial):
                text = text.changed(server.span(text, change.range), change.text)
            else:
                text = EditorText(change.text)
        desk.change(sheet.uri, text, params.text_document.version)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: lsp.DidCloseTextDocumentParams) -> None:
        desk.close(params.text_document.uri)
        server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(params.text_document.uri, []))

    @server.feature(lsp.SHUTDOWN)
    def shutdown(params: None) -> None:
        desk.shutdown()

    @server.feature(lsp.TEXT_DOCUMENT_INLAY_HINT)
    async def inlay_hint(params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
        def work(document: Document) -> list[lsp.InlayHint]:
            shown = server.span(document.text, params.range)
            return [_hint(server, document, each) for each in hints(document) if shown.holds(each.at)]

        return await _answer(server, params.text_document.uri, work)

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    async def hovered(params: lsp.HoverParams) -> lsp.Hover | None:
        def work(document: Document) -> lsp.Hover | None:
            text = hover(document, server.offset(document.text, params.position))
            return None if text is None else lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, text))

        return await _answer(server, params.text_document.uri, work)


async def _answer(server: Server, uri: str, work: Callable[[Document], Answer]) -> Answer:
    try:
        return await server.desk.answer(uri, work)
    except Passed:
        raise ContentModified from None


# Our terms in those of the protocol


def _hint(server: Server, document: Document, hint: Hint) -> lsp.InlayHint:
    return lsp.InlayHint(
        server.position(document.text, hint.at),
        hint.text,
        kind=lsp.InlayHintKind.Type,
        tooltip=hint.tip or None,
        padding_left=True,
    )


def _diagnostic(server: Server, sheet: Sheet, document: Document, each: Underlined) -> lsp.Diagnostic:
    found = each.diagnostic
    address = server.manual(found.code)
    related = [
        lsp.DiagnosticRelatedInformation(_location(server, sheet, document, one.place), one.text)
        for one in each.related
    ]
    return lsp.Diagnostic(
        server.range(document.text, each.span),
        each.text,
        severity=_SEVERITIES[found.severity],
        code=found.code,
        code_description=lsp.CodeDescription(address) if address else None,
        source="planner",
        related_information=related or None,
    )


def _location(server: Server, sheet: Sheet, document: Document, place: Place) -> lsp.Location:
    """A place of the file, or of a library that it uses."""
    if place.file is None:
        return lsp.Location(sheet.uri, server.range(document.text, document.span(place)))
    source = document.source.shelf.of_file(place.file)
    text = EditorText(source.text)
    start = source.offset(place.line, place.column)
    uri = from_fs_path(str(FilePath(place.file).resolve())) or sheet.uri
    return lsp.Location(uri, server.range(text, Passage(start, start + place.length)))
