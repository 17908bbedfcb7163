"""`planner plan`."""

from __future__ import annotations

import sys
from typing import Any

import click

from planner.cli import _reading
from planner.cli._options import (
    format_option,
    memory_options,
    model_options,
    must_train_in,
    screen_option,
    strict_option,
    training_options,
)
from planner.cli._printing import print_text
from planner.outputs import able, formats, renderer, stated
from planner.outputs._screen import Screen
from planner.words import joined

PLACE = 1


@click.command("plan")
@click.argument("file")
@model_options
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="Fold blocks below N levels of rows.")
@memory_options
@click.option("--train", is_flag=True, help="Show the memory that training takes, instead of shapes and costs.")
@training_options
@format_option("table", "plan")
@strict_option
@screen_option
def command(
    file: str,
    input: Any,
    params: dict[str, Any],
    scale: str | None,
    depth: int | None,
    batch: int,
    dtype: str,
    train: bool,
    autocast: str | None,
    optimizer: Any,
    format: str,
    strict: bool,
    screen: Screen,
) -> int:
    """Print a model's steps, shapes and costs.

    What is wrong with it comes after the table.

    FILE is a model file, or - for standard input.
    """
    if not train and (autocast or optimizer != "none"):
        raise click.UsageError("--autocast and --optimizer say how it is trained: give --train too")
    if train and format not in formats("train"):
        raise click.UsageError(
            f"--train is shown as {joined(formats('train'), 'or')}; {format} has shapes and costs alone"
        )
    if train:
        must_train_in(dtype)
    about = stated("train" if train else "plan", format)
    if depth is not None and not about.folds:
        raise click.UsageError(f"--depth folds {able('plan', 'folds')}; {format} has every step")
    budget = {"autocast": autocast} if autocast else {}
    report = _reading.report_on(file, input=input, params=params, scale=scale, batch=batch, dtype=dtype, budget=budget)
    if train and report.plan.complete:
        training = report.training(autocast=autocast, optimizer=optimizer)
        text = renderer("train", format)(report, training, screen, depth)
    else:
        text = renderer("plan", format)(report, screen, depth)
    print_text(text)
    if report.diagnostics and about.for_people:
        _reading.print_findings(report, screen, sys.stdout, "\n" if text else "")
    elif report.diagnostics and not about.has_findings:
        _reading.print_findings(report, Screen(screen.width))
    return _reading.exit_code(report, strict)
