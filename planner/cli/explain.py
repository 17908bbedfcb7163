"""`planner explain`."""

from __future__ import annotations

import click

from planner.cli._options import screen_option
from planner.cli._printing import print_text
from planner.outputs._screen import Screen

PLACE = 4


@click.command("explain")
@click.argument("name", required=False)
@screen_option
def command(name: str | None, screen: Screen) -> int:
    """Print the page on a finding, a layer, a block or a target.

    NAME is a code (NSP202), a finding's name (groups-do-not-divide), a layer (Conv2d), a library of blocks (residual),
    a block (bottleneck) or a target (edgetpu). Without it, all there is.
    """
    from planner import manual

    text = manual.contents(screen) if name is None else manual.page(name, screen)
    if text is None:
        near = manual.nearest(name or "") or "`planner explain` lists what there is"
        raise click.UsageError(f"there is no page on `{name}`; {near}")
    print_text(text)
    return 0
