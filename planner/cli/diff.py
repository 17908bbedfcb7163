"""`planner diff`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from planner.cli import _pictures, _reading
from planner.cli._files import format_of, ready, show
from planner.cli._options import engine_option, memory_options, model_options, screen_option, theme_option
from planner.outputs import formats, renderer
from planner.outputs._screen import Screen

if TYPE_CHECKING:
    from planner.engine import EngineChoice

PLACE = 3


@click.command("diff")
@click.argument("old")
@click.argument("new", required=False)
@click.option(
    "--git",
    "revision",
    metavar="REV",
    help="Take OLD as it was at this revision of git; NEW is by default the same file as it is now.",
)
@model_options
@memory_options
@click.option("-o", "--output", metavar="PATH", help="Where to; the ending, such as .md or .svg, says the format.")
@click.option("--format", type=click.Choice(formats("diff")), help="The format; by default text, or what PATH ends in.")
@theme_option
@engine_option
@screen_option
def command(
    old: str,
    new: str | None,
    revision: str | None,
    format: str | None,
    output: str | None,
    theme: str,
    engine: EngineChoice,
    screen: Screen,
    **options: Any,
) -> int:
    """Compare two models: what a change does.

    Inputs and outputs, costs, the steps that differ, findings that come and go, and which weights still load. With
    --git main FILE, a file is compared with what it was.

    OLD and NEW are model files, or - for standard input. Exit code 0: nothing differs; 1: something does; 2: it could
    not run.
    """
    from planner.comparison import Comparison

    if new is None and revision is None:
        raise click.UsageError("NEW is missing; or give --git REV, to compare the file with what it was")
    if old == new == _reading.STDIN:
        raise click.UsageError("standard input can be read once; name a file for the other")
    ready(output, None if revision else old, new or old)
    wanted = format or (format_of(output, "diff") if output not in (None, "-") else "text")
    before = _reading.report_at(revision, old, **options) if revision else _reading.report_on(old, **options)
    bench = before.bench  # what layers have answered holds for both
    after = _reading.report_on(new or old, **options, layers=bench.layers, known=bench.known, recall=bench.recall)
    for report in (before, after):
        if not report.plan.steps:
            _reading.print_findings(report, screen)
            return 2
    both = Comparison(before, after)
    made = renderer("diff", wanted)(both, screen, theme, partial(_pictures.drawn, choice=engine))
    show(made, output, "diff", wanted)
    return int(both.differs)
