"""`planner match`."""

from __future__ import annotations

from typing import Any

import click

from planner.cli import _reading
from planner.cli._ending import Failure
from planner.cli._files import both_ready, save, show
from planner.cli._options import format_option, model_options, screen_option
from planner.outputs import renderer
from planner.outputs._screen import Screen

PLACE = 3


@click.command("match")
@click.argument("file")
@click.argument("weights")
@model_options
@click.option("--key", metavar="KEY", help="The key under which the weights stand in the file, such as state_dict_ema.")
@click.option(
    "--rename-map", "map_to", metavar="PATH", help="Write a JSON file of the model's names by the checkpoint's."
)
@click.option("-o", "--output", metavar="PATH", help="Where to; standard output when left out.")
@format_option("text", "match")
@screen_option
def command(
    file: str,
    weights: str,
    key: str | None,
    map_to: str | None,
    output: str | None,
    format: str,
    screen: Screen,
    **options: Any,
) -> int:
    """Say whether a checkpoint belongs to a model.

    Which names and sizes of its state_dict agree; what differs, in sentences; options that were tried and fit better;
    and with --rename-map the names of one by those of the other, as far as order and sizes determine them.

    WEIGHTS is a file of safetensors or an index of several, what torch.save wrote, .npz, .onnx, or a JSON file of sizes
    by names. Nothing in it is run, and no numbers are read. Exit code 0: all agree; 1: something differs; 2: it could
    not run.
    """
    from planner.checkpoints import read
    from planner.diagnostics import Fault
    from planner.inputs.matching import matched
    from planner.outputs._json import laid_out

    both_ready((output, map_to), file, weights)
    report = _reading.report_on(file, **options)
    if not report.plan.steps:
        _reading.print_findings(report, screen)
        return 2
    try:
        match = matched(report, read(weights), key)
        made = renderer("match", format)(match, screen)
    except Fault as fault:
        raise Failure(fault.headline, fault.help) from None
    show(made, output, "match", format)
    if map_to is not None:
        save(laid_out(dict(match.renaming), 1), map_to)
    return 0 if match.agrees else 1
