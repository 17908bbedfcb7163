"""`planner lsp`."""

from __future__ import annotations

import click

PLACE = 11


@click.command("lsp")
@click.option("--stdio", is_flag=True, hidden=True, help="What many editors add; there is no other way.")
def command(stdio: bool) -> int:
    """Serve an editor: shapes, findings and fixes while a model file is typed.

    Speaks the Language Server Protocol on standard input and output; docs/editor.md has the settings of editors.
    """
    try:
        from planner.server import language_server

        server = language_server()
    except ModuleNotFoundError as missing:
        if missing.name not in ("pygls", "lsprotocol"):
            raise
        from planner.cli._ending import Failure

        raise Failure(f"`{missing.name}` is not installed", "pip install 'shape-planner[lsp]'") from None
    server.start_io()
    return 0
