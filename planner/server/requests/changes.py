"""What a client asks to be changed in a file: fixes and new names."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lsprotocol import types as lsp

from planner.editing import Splice
from planner.server.actions import Action, actions, fix_all
from planner.server.document import Document
from planner.server.protocol import Declined, Server
from planner.server.renaming import CannotRename, renamed, renamed_at
from planner.server.text import Passage

FIX_ALL = "source.fixAll.planner"
_KINDS = [lsp.CodeActionKind.QuickFix, FIX_ALL]


def bind(server: Server) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions(code_action_kinds=_KINDS))
    async def acted(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        uri, only = params.text_document.uri, params.context.only

        def work(document: Document, goes_on: Callable[[], bool]) -> list[lsp.CodeAction]:
            found: list[Action] = []
            if only is None or "quickfix" in only:
                found += actions(document, server.passage(document.text, params.range), goes_on)
            asked = params.context.trigger_kind is not lsp.CodeActionTriggerKind.Automatic
            if goes_on() and (asked if only is None else any(FIX_ALL.startswith(each) for each in only)):
                every = fix_all(document)
                found += [every] if every is not None else []
            return [_action(server, uri, document, params, each) for each in found]

        return await server.aside(uri, work)

    @server.feature(lsp.TEXT_DOCUMENT_PREPARE_RENAME)
    async def may_be_renamed(params: lsp.PrepareRenameParams) -> lsp.PrepareRenamePlaceholder:
        def work(document: Document) -> lsp.PrepareRenamePlaceholder:
            found = renamed_at(document, server.offset(document.text, params.position))
            return lsp.PrepareRenamePlaceholder(server.range(document.text, found.passage), found.name.text)

        try:
            return await server.answer(params.text_document.uri, work)
        except CannotRename as why:
            raise Declined(str(why)) from None

    @server.feature(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameOptions(prepare_provider=True))
    async def rename(params: lsp.RenameParams) -> lsp.WorkspaceEdit:
        uri = params.text_document.uri

        def work(document: Document) -> lsp.WorkspaceEdit:
            found = renamed(document, server.offset(document.text, params.position), params.new_name)
            return _edit(server, uri, document, found)

        try:
            return await server.answer(uri, work)
        except CannotRename as why:
            raise Declined(str(why)) from None


def _action(
    server: Server, uri: str, document: Document, params: lsp.CodeActionParams, action: Action
) -> lsp.CodeAction:
    mended = None
    if action.mends is not None:
        place = server.range(document.text, action.mends.passage)
        code = action.mends.diagnostic.code
        mended = [each for each in params.context.diagnostics if each.code == code and each.range == place] or None
    return lsp.CodeAction(
        action.title,
        kind=FIX_ALL if action.kind == "source.fixAll" else lsp.CodeActionKind.QuickFix,
        diagnostics=mended,
        is_preferred=action.safe or None,
        edit=_edit(server, uri, document, action.splices),
    )


def _edit(server: Server, uri: str, document: Document, splices: Iterable[Splice]) -> lsp.WorkspaceEdit:
    """The changes for the client: with the version that they are for, if the client knows these."""
    edits = [lsp.TextEdit(server.range(document.text, Passage(a, b)), text) for a, b, text in splices]
    can = server.client_capabilities.workspace
    if can is not None and can.workspace_edit is not None and can.workspace_edit.document_changes:
        file = lsp.OptionalVersionedTextDocumentIdentifier(uri, document.version)
        return lsp.WorkspaceEdit(document_changes=[lsp.TextDocumentEdit(file, [*edits])])
    return lsp.WorkspaceEdit(changes={uri: edits})
