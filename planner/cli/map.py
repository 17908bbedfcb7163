"""`planner map`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from planner.cli import _pictures, _reading
from planner.cli._files import format_of, ready, save
from planner.cli._options import model_options, picture_options, screen_option, theme_option
from planner.outputs import able, loaded, renderer, stated
from planner.outputs._screen import Screen

PLACE = 8


@click.command("map")
@click.argument("file")
@model_options
@picture_options("map")
@click.option("--of", "name", metavar="INPUT", help="The input, where the model has several.")
@click.option("--step", metavar="NAME", help="Show what one cell of this step sees, instead of all outputs.")
@click.option("--cell", metavar="I,J", help="That cell, counted from 0; the one in the middle when left out.")
@click.option("--windows", metavar="NAME", help="Draw the windows of this step along its axes, instead of the input.")
@click.option("--image", metavar="PATH", help="An image of your own to lay the map over.")
@theme_option
@screen_option
def command(
    file: str,
    input: Any,
    params: dict[str, Any],
    scale: str | None,
    output: str | None,
    format: str | None,
    name: str | None,
    step: str | None,
    cell: str | None,
    windows: str | None,
    image: str | None,
    theme: str,
    screen: Screen,
) -> int:
    """Draw an input as an image: how well each of its cells is read.

    Its colours say how many paths lead from a cell to the outputs; rows and columns that nothing reads are marked.

    FILE is a model file, or - for standard input.
    """
    from planner.outputs.map import _windows
    from planner.outputs.map._seen import NoMap, seen

    if windows is not None:
        _must_be_alone({"--of": name, "--step": step, "--cell": cell, "--image": image})
    ready(output, file, image)
    wanted = format or format_of(output, "map")
    if image and not stated("map", wanted).over_image:
        raise click.UsageError(f"--image is drawn as {able('map', 'over_image')}; a {wanted} has only the cells")
    place = _read_cell(cell)
    report = _reading.report_on(file, input=input, params=params, scale=scale)
    if not report.plan.steps:
        return _reading.nothing_to_show(report, screen)
    try:
        if windows is not None:
            drawing = _windows.render(report, windows, theme).encode()
            made = loaded("draw", wanted).of_svg(drawing, _pictures.drawn)
        else:
            found = seen(report, name, step, place)
            below = Path(image).read_bytes() if image else None
            made = renderer("map", wanted)(report, found, theme, below)
    except NoMap as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"`{image}` cannot be read: {(error.strerror or 'refused').lower()}") from None
    save(made, output)
    return 0


def _must_be_alone(options: dict[str, str | None]) -> None:
    """Refuse the options of a map of an input that are given beside --windows."""
    for option in [option for option, given in options.items() if given is not None]:
        raise click.UsageError(f"{option} belongs to the map of an input; --windows draws one step along its axes")


def _read_cell(text: str | None) -> tuple[int, ...]:
    """The numbers of a cell written as `3,5`; none where no cell is given."""
    parts = text.split(",") if text else []
    if not all(part.strip().isdecimal() and len(part) < 10 for part in parts):
        raise click.UsageError(f"--cell: `{text}` is no cell; write it as 3,5")
    return tuple(map(int, parts))
