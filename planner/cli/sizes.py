"""`planner sizes`."""

from __future__ import annotations

from typing import Any

import click

from planner.cli import _reading
from planner.cli._options import format_option, params_option, read_inputs, scale_option, screen_option
from planner.cli._printing import print_text
from planner.outputs import renderer
from planner.outputs._screen import Screen
from planner.words import joined

PLACE = 3
LONGEST_CHART = 1 << 16


def _read_chosen(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[str | None, Any]:
    """The name of one input, and shapes as in `read_inputs`; None for what is not given."""
    names = [text for text in texts if "=" not in text and not text[:1].isdecimal()]
    if len(names) > 1:
        raise click.BadParameter(f"one input is chosen, or all of them, not {joined(names)}")
    shapes = read_inputs(context, parameter, tuple(text for text in texts if text not in names))
    return (names[0] if names else None), shapes


@click.command("sizes")
@click.argument("file")
@click.option(
    "--input",
    "chosen",
    multiple=True,
    callback=_read_chosen,
    metavar="NAME|[NAME=]HxWxC",
    help="One input by its name, or another shape of it to start from.",
)
@params_option
@scale_option
@click.option("--axis", metavar="AXIS", help="One axis by its name, such as height, or its number from 0.")
@click.option(
    "--from", "low", type=click.IntRange(1), default=32, show_default=True, metavar="N", help="First size of the chart."
)
@click.option(
    "--to",
    "high",
    type=click.IntRange(1, LONGEST_CHART),
    default=1024,
    show_default=True,
    metavar="N",
    help="Last size of the chart.",
)
@format_option("text", "sizes")
@screen_option
def command(
    file: str,
    chosen: tuple[str | None, Any],
    params: dict[str, Any],
    scale: str | None,
    axis: str | None,
    low: int,
    high: int,
    format: str,
    screen: Screen,
) -> int:
    """Say which input sizes work and lose nothing.

    For each axis of each input: the sizes with which the model works, with which no layer loses a cell at an edge
    (lossless), and with which nothing at all is left over (exact); the next ones to the size in the file; and which
    layers ask for them. This holds for every size; only the chart has an end.

    FILE is a model file, or - for standard input.
    """
    from planner.analyses.input_sizes import axes_of, input_sizes

    name, shapes = chosen
    if low > high:
        raise click.UsageError(f"--from {low} is more than --to {high}")
    report = _reading.report_on(file, input=shapes, params=params, scale=scale)
    model = report.plan.model
    axes = axes_of(model)
    if model.diagnostics or (not report.builds and not axes):  # faults that no size mends, or nothing to read
        return _reading.nothing_to_show(report, screen)
    if name is not None and name not in axes:
        raise click.UsageError(f"--input: there is no input `{name}` with axes; there are: {', '.join(axes) or 'none'}")
    names = dict.fromkeys(each for owner in axes if name in (None, owner) for each in axes[owner])
    if axis is not None and axis not in names and not (axis.isdecimal() and int(axis) < len(names)):
        raise click.UsageError(f"--axis: there is no axis `{axis}`; there are: {', '.join(names) or 'none'}")
    found = list(input_sizes(model, name, axis))
    print_text(renderer("sizes", format)(found, screen, low, high))
    if any(not works for each in found for works in each.works):
        _reading.print_findings(report, screen, before="\n")
        return 1
    return 0
