"""`planner mcp`."""

from __future__ import annotations

import click

PLACE = 13


@click.command("mcp")
def command() -> int:
    """Serve agents: what the planner answers, as tools.

    The tools are check, plan, sizes, fix, code, import and explain. It speaks the Model Context Protocol on standard
    input and output. Only `import` runs code, that of the network that it is given, and only `fix` writes, where it is
    told to.
    """
    from planner.cli._extras import needed

    with needed("mcp"):
        from planner.server.mcp import server
    server().run()
    return 0
