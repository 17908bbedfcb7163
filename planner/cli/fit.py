"""`planner fit`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from planner.cli import _reading
from planner.cli._ending import Failure
from planner.cli._options import (
    dtype_option,
    format_option,
    model_options,
    must_train_in,
    screen_option,
    training_options,
)
from planner.cli._printing import print_text
from planner.outputs import renderer
from planner.outputs._screen import Screen
from planner.quantities import quantity

PLACE = 6


def _read_memory(context: click.Context, parameter: click.Parameter, text: str) -> int:
    """`24GiB` as a number of bytes."""
    try:
        return quantity(text, of_bytes=True)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("fit")
@click.argument("file")
@click.option(
    "--memory", required=True, callback=_read_memory, metavar="SIZE", help="How much there is, such as 24GiB."
)
@model_options
@dtype_option
@training_options
@format_option("text", "fit")
@screen_option
def command(
    file: str,
    memory: int,
    dtype: str,
    autocast: str | None,
    optimizer: str,
    format: str,
    screen: Screen,
    **options: Any,
) -> int:
    """Find the largest batch that can be trained in so much memory.

    And what checkpointing each block would save, and cost, at that batch.

    FILE is a model file, or - for standard input. Exit code 0: a batch fits; 1: none does.
    """
    from planner.training.fitting import largest_batch, savings

    must_train_in(dtype)
    report = _reading.report_on(file, dtype=dtype, **options)
    if not report.plan.complete:
        _reading.print_findings(report, screen)
        return _reading.exit_code(report) or 1
    wanted: Any = optimizer
    training = report.training(autocast=autocast, optimizer=wanted)
    if training.unknown:
        steps = ", ".join(f"`{name}`" for name in training.unknown[:3])
        raise Failure(f"it is not known what {steps} keeps in training", "`planner plan --train` shows what is known")
    batch = largest_batch(training, memory)
    there = replace(training, batch=batch or 1)
    print_text(renderer("fit", format)(there, batch, memory, list(savings(there)), screen))
    return int(not batch)
