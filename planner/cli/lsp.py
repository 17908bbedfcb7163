"""`planner lsp`."""

from __future__ import annotations

import click

from planner.cli._extras import needed

PLACE = 11
QUICK = 0.001
"""Seconds after which a thread that plans lets the one that reads messages have its turn."""


@click.command("lsp")
@click.option(
    "--stdio",
    is_flag=True,
    hidden=True,
    help="Serve on standard input and output, the only way there is.",
)
def command(stdio: bool) -> int:
    """Serve an editor while a model file is typed.

    Shapes behind the lines, findings with their fixes, completion and more. It speaks the Language Server Protocol on
    standard input and output; docs/editor.md has the settings of editors.
    """
    import logging
    import os
    import sys

    with needed("lsp"):
        from planner.server import language_server
        from planner.server.rubbish import Rubbish

        server = language_server()
    server.desk.rubbish = Rubbish()
    sys.setswitchinterval(QUICK)
    if not os.environ.get("PLANNER_DEBUG"):
        logging.disable()  # an editor shows as an error whatever comes on stderr
    server.start_io()
    return 0
