"""`planner plan`."""

from __future__ import annotations

import sys
from typing import Any

import click

from planner.cli import _reading
from planner.cli._options import format_option, memory_options, model_options, screen_option, strict_option
from planner.cli._printing import print_text
from planner.outputs import able, renderer, stated
from planner.outputs._screen import Screen

PLACE = 1


@click.command("plan")
@click.argument("file")
@model_options
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="Fold blocks below N levels of rows.")
@memory_options
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
    format: str,
    strict: bool,
    screen: Screen,
) -> int:
    """Print a model's steps, shapes and costs.

    What is wrong with it comes after the table.

    FILE is a model file, or - for standard input.
    """
    about = stated("plan", format)
    if depth is not None and not about.folds:
        raise click.UsageError(f"--depth folds {able('plan', 'folds')}; {format} has every step")
    report = _reading.report_on(file, input=input, params=params, scale=scale, batch=batch, dtype=dtype)
    text = renderer("plan", format)(report, screen, depth)
    print_text(text)
    if report.diagnostics and about.for_people:
        _reading.print_findings(report, screen, sys.stdout, "\n" if text else "")
    elif report.diagnostics and not about.has_findings:
        _reading.print_findings(report, Screen(screen.width))
    return _reading.exit_code(report, strict)
