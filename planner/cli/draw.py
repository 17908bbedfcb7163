"""`planner draw`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from planner.cli import _pictures, _reading
from planner.cli._files import format_of, ready, save
from planner.cli._options import engine_option, model_options, picture_options, screen_option, theme_option
from planner.outputs import able, renderer, stated
from planner.outputs._screen import Screen

if TYPE_CHECKING:
    from planner.engine import EngineChoice

PLACE = 7


@click.command("draw")
@click.argument("file")
@model_options
@picture_options("draw")
@click.option(
    "--style",
    type=click.Choice(["graph", "volumes"]),
    default="graph",
    show_default=True,
    help="Boxes and arrows, or the tensors as boxes to scale.",
)
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    metavar="N",
    help="Open N levels of blocks; by default, as many as a page holds.",
)
@click.option(
    "--copies",
    type=click.Choice(["one", "all"]),
    default="one",
    show_default=True,
    help="Which blocks of a kind to open.",
)
@click.option(
    "--direction",
    type=click.Choice(["down", "right", "up", "left"]),
    default="down",
    show_default=True,
    help="The direction in which data flows.",
)
@theme_option
@click.option(
    "--label",
    "labels",
    type=click.Choice(["args", "params", "macs", "bytes", "field", "line", "none"]),
    multiple=True,
    default=["args"],
    show_default=True,
    help="What boxes say; may be given several times.",
)
@click.option(
    "--shade",
    type=click.Choice(["params", "macs", "bytes"]),
    help="Colour boxes by how much of this they have, instead of by family.",
)
@engine_option
@screen_option
def command(
    file: str,
    input: Any,
    params: dict[str, Any],
    scale: str | None,
    output: str | None,
    format: str | None,
    style: str,
    copies: str,
    theme: str,
    engine: EngineChoice,
    screen: Screen,
    **look: Any,
) -> int:
    """Draw a model as a graph.

    Steps are boxes in the colour of their family, blocks are frames around them; what loses cells, does not line up
    or is at fault is marked. Without -o, the picture goes to standard output, as SVG.

    FILE is a model file, or - for standard input.
    """
    from planner.outputs.draw._look import Look
    from planner.outputs.draw._picture import TooManyBoxes

    ready(output, file)
    wanted = format or format_of(output, "draw")
    volumes = style == "volumes"
    if volumes and not stated("draw", wanted).has_volumes:
        raise click.UsageError(f"volumes are drawn as {able('draw', 'has_volumes')}; {wanted} has only the graph")
    report = _reading.report_on(file, input=input, params=params, scale=scale)
    if not report.plan.steps:
        return _reading.nothing_to_show(report, screen)
    how = Look(theme_name=theme, every=copies == "all", volumes=volumes, **look)
    try:
        picture = renderer("draw", wanted)(report, how, partial(_pictures.drawn, choice=engine))
    except TooManyBoxes as error:
        raise click.UsageError(str(error)) from None
    save(picture, output)
    if not report.ok:
        _reading.print_findings(report, screen)
    return _reading.exit_code(report)
