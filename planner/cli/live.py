"""`planner live`."""

from __future__ import annotations

import click

from planner.cli._extras import needed
from planner.cli._printing import print_text

PLACE = 12


@click.command("live")
@click.argument("file")
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="The port; a free one by default.")
@click.option("--no-browser", "quiet", is_flag=True, help="Do not open the page, only print its address.")
def command(file: str, port: int, quiet: bool) -> int:
    """Edit a model in a browser, its plan beside it.

    The page shows findings, picture, table, input map and sizes while you type. It is served to this machine alone, at
    the address that is printed first, and writes no file but FILE, a model file.
    """
    from planner.cli._ending import Failure
    from planner.diagnostics import Fault

    with needed("live"):
        from planner.server.live.disk import ModelFile
        from planner.server.live.site import serve

    def ready(address: str) -> None:
        import webbrowser

        print_text(f"{address}\n")
        if not quiet:
            webbrowser.open(address)

    try:
        serve(ModelFile(file), port, ready)
    except Fault as fault:
        raise Failure(fault.headline, fault.help) from None
    except OSError as error:
        if not port:
            raise
        said = (error.strerror or "it is refused").lower()
        raise Failure(f"the page cannot be served at port {port}: {said}", "leave --port out for a free one") from None
    return 0
