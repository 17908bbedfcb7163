"""`planner report`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from planner.cli import _pictures, _reading
from planner.cli._files import ready, save
from planner.cli._options import engine_option, memory_options, model_options, screen_option
from planner.outputs import renderer
from planner.outputs._screen import Screen

if TYPE_CHECKING:
    from planner.engine import EngineChoice

PLACE = 9


@click.command("report")
@click.argument("file")
@model_options
@memory_options
@click.option("-o", "--output", metavar="PATH", help="Where to; standard output when left out.")
@engine_option
@screen_option
def command(
    file: str,
    input: Any,
    params: dict[str, Any],
    scale: str | None,
    batch: int,
    dtype: str,
    output: str | None,
    engine: EngineChoice,
    screen: Screen,
) -> int:
    """Write all that is known about a model as one HTML page.

    Findings with their fixes, the diagram, every step, the input map and the sizes that lose nothing. The page needs
    no network.

    FILE is a model file, or - for standard input.
    """
    from planner.outputs.report.html import drawings, to_lay_out

    ready(output, file)
    found = _reading.report_on(file, input=input, params=params, scale=scale, batch=batch, dtype=dtype)
    if not found.plan.steps:
        return _reading.nothing_to_show(found, screen)
    pictures = drawings(found)
    laid_out = [_pictures.drawn(to_lay_out(picture), "svg", choice=engine).decode() for picture in pictures]
    save(renderer("report", "html")(found, pictures, laid_out), output)
    return _reading.exit_code(found)
