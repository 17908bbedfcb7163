"""The server: messages in and out, open files, and what is published about them. `requests` binds what a client asks
for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, default_converter
from pygls.protocol.language_server import lsp_method
from pygls.uris import from_fs_path, to_fs_path

from planner import __version__
from planner.diagnostics import Place, Severity
from planner.server.arguments import know_all
from planner.server.desk import Answer, Desk, Passed, Sheet
from planner.server.document import Document
from planner.server.findings import Underlined, findings
from planner.server.text import EditorText, Passage, Point, TextUnits

_SEVERITIES = {
    Severity.ERROR: lsp.DiagnosticSeverity.Error,
    Severity.WARNING: lsp.DiagnosticSeverity.Warning,
    Severity.INFO: lsp.DiagnosticSeverity.Information,
}
_UNITS: dict[str, TextUnits] = {"utf-8": "utf-8", "utf-16": "utf-16", "utf-32": "utf-32"}


class ContentModified(JsonRpcException):
    """The text has changed while an answer was worked out, so that there is none."""

    CODE = lsp.LSPErrorCodes.ContentModified.value
    MESSAGE = "the text has changed"


class Declined(JsonRpcException):
    """What is asked for cannot be done; the message says why."""

    CODE = lsp.LSPErrorCodes.RequestFailed.value
    MESSAGE = "it cannot be done"


class Unreadable(NamedTuple):
    """A request that cannot be read, and why."""

    id: int | str
    why: JsonRpcException


class Protocol(LanguageServerProtocol):
    """pygls' protocol, but that nothing is answered about a text that has changed since it was asked about."""

    _server: Server

    def __init__(self, server: Server, converter: Any) -> None:
        super().__init__(server, converter)
        self._asked: dict[int | str, tuple[Sheet, EditorText]] = {}

    @lsp_method(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: lsp.DidChangeTextDocumentParams) -> None:
        """The desk alone keeps texts: pygls' own would end lines where no editor does, and miss changes by that."""
        self.fm.features[lsp.TEXT_DOCUMENT_DID_CHANGE](params)

    @lsp_method(lsp.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: lsp.DidOpenTextDocumentParams) -> None:
        self.fm.features[lsp.TEXT_DOCUMENT_DID_OPEN](params)

    @lsp_method(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: lsp.DidCloseTextDocumentParams) -> None:
        self.fm.features[lsp.TEXT_DOCUMENT_DID_CLOSE](params)

    def structure_message(self, data: dict[str, Any]) -> Any:
        """The message that is meant by data; a request that is not as the protocol wants it is one to be refused, where
        pygls would leave the client waiting.
        """
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if isinstance(data.get("id"), int | str) and "method" in data:
                return Unreadable(data["id"], error)
            raise

    def handle_message(self, message: Any) -> None:
        if isinstance(message, Unreadable):
            self._send_response(message.id, error=message.why.to_response_error())
        else:
            super().handle_message(message)

    def _handle_request(self, msg_id: int | str, method_name: str, params: Any) -> None:
        uri = getattr(getattr(params, "text_document", None), "uri", "")
        sheet = self._server.desk.sheets.get(uri)
        if sheet is not None:
            self._asked[msg_id] = sheet, sheet.text
        super()._handle_request(msg_id, method_name, params)

    def _send_response(self, msg_id: int | str, result: Any = None, error: lsp.ResponseError | None = None) -> None:
        sheet, text = self._asked.pop(msg_id, (None, None))
        if error is None and sheet is not None and sheet.text is not text:
            self._result_types.pop(msg_id, None)
            error = ContentModified().to_response_error()
        super()._send_response(msg_id, result, error)


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
            protocol_cls=Protocol,
            converter_factory=default_converter,
        )
        from planner.server.pages import Pages
        from planner.server.requests import bind_all

        self.desk = Desk(self._tell)
        self.manual = manual or Pages(self.desk.run_aside).address
        self._told = told
        _bind_files(self)
        bind_all(self)

    @property
    def units(self) -> TextUnits:
        """What the client counts columns in."""
        agreed = self.workspace.position_encoding
        return _UNITS[str(getattr(agreed, "value", agreed))]

    async def answer(self, uri: str, work: Callable[[Document], Answer]) -> Answer:
        """What `work` makes of the file as it is now; an error where the text changes meanwhile."""
        try:
            return await self.desk.answer(uri, work)
        except Passed:
            raise ContentModified from None

    async def aside(self, uri: str, work: Callable[[Document, Callable[[], bool]], Answer]) -> Answer:
        """What `work` makes of the file, like `answer`, aside of other requests: for what takes long."""
        try:
            return await self.desk.aside(uri, work)
        except Passed:
            raise ContentModified from None

    # Places

    def offset(self, text: EditorText, position: lsp.Position) -> int:
        return text.offset(Point(position.line, position.character), self.units)

    def position(self, text: EditorText, offset: int) -> lsp.Position:
        return lsp.Position(*text.point(offset, self.units))

    def range(self, text: EditorText, passage: Passage) -> lsp.Range:
        return lsp.Range(self.position(text, passage.start), self.position(text, passage.end))

    def passage(self, text: EditorText, range: lsp.Range) -> Passage:
        return Passage(self.offset(text, range.start), self.offset(text, range.end))

    def location(self, uri: str, document: Document, place: Place | Passage) -> lsp.Location:
        """A place of the file, or of a library that it uses."""
        if isinstance(place, Passage):
            return lsp.Location(uri, self.range(document.text, place))
        if place.file is None:
            return lsp.Location(uri, self.range(document.text, document.passage(place)))
        source = document.report.source.shelf.of_file(place.file)
        text, start = EditorText(source.text), source.offset(place.line, place.column)
        address = from_fs_path(str(FilePath(place.file).resolve())) or uri
        return lsp.Location(address, self.range(text, Passage(start, start + place.length)))

    # What comes of a plan

    def _tell(self, sheet: Sheet) -> None:
        document = sheet.current
        if document is None:
            return
        found = [self._diagnostic(sheet.uri, document, each) for each in findings(document)]
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(sheet.uri, found, version=document.version))
        if self._told is not None:
            self._told(sheet)

    def _diagnostic(self, uri: str, document: Document, each: Underlined) -> lsp.Diagnostic:
        found = each.diagnostic
        address = self.manual(found.code)
        related = [
            lsp.DiagnosticRelatedInformation(self.location(uri, document, one.place), one.text) for one in each.related
        ]
        return lsp.Diagnostic(
            self.range(document.text, each.passage),
            each.text,
            severity=_SEVERITIES[found.severity],
            code=found.code,
            code_description=lsp.CodeDescription(address) if address else None,
            source="planner",
            related_information=related or None,
        )


def receiver(server: Server, send: Callable[[str], object]) -> Callable[[str | bytes], None]:
    """The function that takes the messages of a client, each as a text of JSON."""
    writer: Any = _Messages(send)
    server.protocol.set_writer(writer, include_headers=False)

    def receive(message: str | bytes) -> None:
        try:
            read = json.loads(message, object_hook=server.protocol.structure_message)
            server.protocol.handle_message(read)
        except (JsonRpcException, ValueError, AttributeError, RecursionError):
            pass  # no message, and nobody who waits for an answer

    return receive


class _Messages:
    """A writer of pygls that hands messages on one by one."""

    def __init__(self, send: Callable[[str], object]) -> None:
        self._send = send

    def write(self, data: bytes) -> object:
        return self._send(data.decode())

    def close(self) -> None:
        pass


def _bind_files(server: Server) -> None:
    desk = server.desk

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: lsp.DidOpenTextDocumentParams) -> None:
        opened = params.text_document
        desk.open(opened.uri, _file_of(opened.uri), opened.text, opened.version)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: lsp.DidChangeTextDocumentParams) -> None:
        sheet = desk.sheets.get(params.text_document.uri)
        if sheet is None:
            return
        text = sheet.text
        for change in params.content_changes:
            if isinstance(change, lsp.TextDocumentContentChangePartial):
                text = text.changed(server.passage(text, change.range), change.text)
            else:
                text = EditorText(change.text)
        desk.change(sheet.uri, text, params.text_document.version)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: lsp.DidCloseTextDocumentParams) -> None:
        desk.close(params.text_document.uri)
        server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(params.text_document.uri, []))

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def did_save(params: lsp.DidSaveTextDocumentParams) -> None:
        desk.anew()

    @server.feature(lsp.INITIALIZED)
    def watch(params: lsp.InitializedParams) -> None:
        desk.run_aside(know_all)
        can = server.client_capabilities.workspace
        watched = can.did_change_watched_files if can is not None else None
        if watched is not None and watched.dynamic_registration:
            files = lsp.DidChangeWatchedFilesRegistrationOptions([lsp.FileSystemWatcher("**/*.{yaml,yml}")])
            asked = lsp.Registration("libraries", lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, files)
            server.client_register_capability(lsp.RegistrationParams([asked]))

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def did_change_on_disk(params: lsp.DidChangeWatchedFilesParams) -> None:
        desk.anew()

    @server.feature(lsp.SHUTDOWN)
    def shutdown(params: None) -> None:
        desk.shutdown()


def _file_of(uri: str) -> str | None:
    """The file that an address means; None where it means none."""
    try:
        return to_fs_path(uri) if uri.startswith("file:") else None
    except ValueError:
        return None
