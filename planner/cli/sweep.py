"""`planner sweep`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from planner.budget import BOUNDS
from planner.cli import _pictures, _reading
from planner.cli._ending import Failure
from planner.cli._extras import needed
from planner.cli._files import STDOUT, both_ready, format_of, show
from planner.cli._options import (
    Decorator,
    arguments_option,
    engine_option,
    memory_options,
    read_each,
    read_value,
    scale_option,
    screen_option,
    theme_option,
)
from planner.cli._printing import print_text
from planner.cli._progress import Progress
from planner.outputs import formats, renderer, stated
from planner.outputs._screen import Screen
from planner.points import MEASURES

if TYPE_CHECKING:
    from planner.engine import EngineChoice
    from planner.points import Limits, Objective, Question
    from planner.sweeping import StoredRows

PLACE = 3
BOUNDED = [name for name in BOUNDS if name in MEASURES]
"""The measures of rows that have limits, as a budget has them."""


def _read_sets(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, Any]:
    """`width=32:128:8` as a series by its name."""
    from planner.points import read_series

    return read_each(texts, partial(read_series, read=read_value))


def _read_shapes(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, Any]:
    """`160:320:32` as shapes, and `left=160:320:32` as those of one input; "" is the name of the only one."""
    from planner.points import read_shapes

    if len(texts) == 1 and "=" not in texts[0]:
        try:
            return {"": read_shapes(texts[0])}
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
    if not all("=" in text for text in texts):
        raise click.BadParameter("several inputs need a name each: name=160:320:32")
    return read_each(texts, read_shapes)


def _read_bound(context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        way, _, name = str(parameter.name).partition("_")
        return BOUNDS[name].read(text, least=way == "min")
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _read_front(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[Objective, ...]:
    """`least:macs,most:params` as two aims; none where the default stands."""
    from planner.points import read_aims

    try:
        return () if text is None else read_aims(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _bounds(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that bound what is shown, such as `--max-params`."""
    for way in ("min", "max"):
        for name in reversed(BOUNDED):
            example = "256KiB" if BOUNDS[name].of_bytes else "5M"
            more = f"{'more' if way == 'max' else 'less'} {MEASURES[name].noun}"
            option: Decorator = click.option(
                f"--{way}-{name}", f"{way}_{name}", callback=_read_bound, metavar="N",
                help=f"Leave out what has {more}, such as {example}.",
            )  # fmt: skip
            command = option(command)
    return command


@click.command("sweep")
@click.argument("file")
@click.option("--set", "sets", multiple=True, callback=_read_sets, metavar="NAME=VALUES",
              help="Values of a parameter in turn: from:to:step, as 32:128:8, or a list, as 32,48,64.")  # fmt: skip
@click.option("--input", "shapes", multiple=True, callback=_read_shapes, metavar="[NAME=]SIZES",
              help="Sizes of the input in turn: 160:320:32 for all spatial axes, or shapes, as 224x224x3.")  # fmt: skip
@arguments_option
@scale_option
@memory_options
@_bounds
@click.option("--kept", is_flag=True, help="Also what training keeps for backward, which takes longer.")
@click.option("--lossless", is_flag=True, help="Leave out what loses cells that nothing reads.")
@click.option("--front", "aims", callback=_read_front, metavar="AIM,AIM",
              help="What the front is about; by default least:macs,most:params, for each input size.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Processes; by default one for each core.")
@click.option("--dask", "address", metavar="ADDRESS", help="Plan on the workers of a Dask cluster: tcp://…:8786.")
@click.option("--results", metavar="PATH", help="Keep each row in this file; started again, the sweep continues there.")
@click.option("-o", "--output", metavar="PATH", help="Where to; the ending, such as .csv or .svg, says the format.")
@click.option("--format", type=click.Choice(formats("sweep")), help="The format; by default table, or as PATH ends.")
@theme_option
@engine_option
@screen_option
def command(
    file: str,
    sets: dict[str, Any],
    shapes: dict[str, Any],
    scale: str | None,
    batch: int,
    dtype: Any,
    kept: bool,
    lossless: bool,
    aims: tuple[Objective, ...],
    jobs: int | None,
    address: str | None,
    results: str | None,
    output: str | None,
    format: str | None,
    theme: str,
    engine: EngineChoice,
    screen: Screen,
    **bounds: int | None,
) -> int:
    """Plan every combination of parameters and input sizes.

    A row for each: parameters, MACs, peak memory, and whether cells are lost. Rows over a limit are left out, and those
    that no other row beats in two measures are the front, which -o front.svg draws. What cannot be planned is a row
    that says why.

    FILE is a model file, or - for standard input. Exit code 1: no row is left that could be planned.
    """
    from planner.diagnostics import Fault
    from planner.points import SweepOutcome
    from planner.sweeping import StoredRows, SweepStopped
    from planner.writing import NotWritten

    both_ready((output, results), file)
    wanted = format or (format_of(output, "sweep") if output not in (None, STDOUT) else "table")
    limits = _limits(bounds, lossless)
    try:
        kept = kept or _about_kept(limits, aims)
        question = _question(file, sets, shapes, scale, batch=batch, dtype=dtype, kept=kept)
        _must_be_there(wanted, aims, question)
        with StoredRows(question, results) as stored:
            _fill(stored, jobs, address)
            outcome = SweepOutcome(stored.question, stored.rows, limits, aims)
            made = renderer("sweep", wanted)(outcome, screen, theme, partial(_pictures.drawn, choice=engine))
            show(made, output, "sweep", wanted)
            return int(outcome.tally["kept"] == outcome.tally["failed"])
    except Fault as fault:
        return _reading.unreadable(fault, file, screen)
    except (NotWritten, SweepStopped) as error:
        raise Failure(str(error), error.help) from None


def _limits(bounds: dict[str, int | None], lossless: bool) -> Limits:
    from planner.points import Limits

    most, least = (
        {name: bound for name in BOUNDED if (bound := bounds[f"{way}_{name}"]) is not None} for way in ("max", "min")
    )
    return Limits(most, least, lossless)


def _about_kept(limits: Limits, aims: tuple[Objective, ...]) -> bool:
    """Whether a limit or the front is about what training keeps."""
    return any("kept" in names for names in (limits.most, limits.least, [aim.measure for aim in aims]))


def _question(file: str, sets: dict[str, Any], shapes: dict[str, Any], scale: str | None, **options: Any) -> Question:
    """The question; raises the fault of a file that cannot be read."""
    from planner.faults.not_imported import NotImported
    from planner.inputs import is_source
    from planner.sweeping import Unasked, asked, brought

    try:
        if not is_source(file):
            return asked(_reading.source_of(file, scale), sets, shapes, scale=scale, **options)
        _reading.must_take_options(file, scale)
        found = brought(file, shapes, partial(_reading.text_of, file))
        return asked(found.source, sets, found.inputs, alone=found.alone, **options)
    except NotImported as fault:
        raise Failure(fault.headline, fault.help) from None
    except Unasked as error:
        raise Failure(str(error), error.help) from None


def _must_be_there(format: str, aims: tuple[Objective, ...], question: Question) -> None:
    """See, before any work is done, that there is what a format and a front need."""
    from planner.points import MEASURES

    for aim in aims:
        if aim.measure not in MEASURES and aim.measure not in question.params:
            known = ", ".join([*MEASURES, *question.params])
            raise click.UsageError(f"--front: there is no measure `{aim.measure}`; there are: {known}")
    if package := stated("sweep", format).needs:
        with needed(format, f"planner sweep --format {format}"):
            import_module(package)


def _fill(stored: StoredRows, jobs: int | None, address: str | None) -> None:
    """Plan the points whose rows are not there yet."""
    from planner.sweeping import crew_of, rows

    question = stored.question
    if stored.count == question.count:
        return
    with needed("dask", "planner sweep --dask"):
        crew = crew_of(question, jobs=jobs, dask=address, start=stored.count)
        found = rows(question, crew, stored.count)
        try:
            with closing(found), Progress(question.count, "points", stored.count) as progress:
                for row in found:
                    stored.add(row)
                    progress.step()
        except KeyboardInterrupt:
            kept = f"; --results {stored.path} goes on from there" if stored.lasting else ", which are lost"
            hint = "" if stored.lasting else ": --results PATH keeps them"
            print_text(f"stopped after {stored.count:,} of {question.count:,} points{kept}{hint}\n", sys.stderr)
            raise
