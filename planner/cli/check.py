"""`planner check`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from planner.cli import _reading
from planner.cli._ending import Failure, print_trace
from planner.cli._options import (
    BUDGET,
    autocast_option,
    budget_options,
    format_option,
    memory_options,
    model_options,
    screen_option,
    strict_option,
)
from planner.cli._printing import print_text
from planner.cli._reading import STDIN
from planner.outputs import renderer, stated
from planner.outputs._screen import Screen

if TYPE_CHECKING:
    from planner.report import Report
    from planner.source import Source
    from planner.workbench import Checked

PLACE = 2
UP_AND_EMPTY = "\x1b[A\x1b[2K"
"""Takes back the line that was written last on a terminal."""


@click.command("check")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@model_options
@budget_options
@memory_options
@autocast_option
@click.option(
    "--target", "targets", multiple=True, metavar="NAME",
    help="Where the model is to run, such as edgetpu or onnx-opset=17, in place of the file's; several are judged.",
)  # fmt: skip
@format_option("full", "check")
@click.option("--fix", is_flag=True, help="Fix the files: write the first safe fix of each error and warning.")
@click.option("--unsafe-fixes", "unsafe", is_flag=True, help="As --fix, with the fixes that are not safe as well.")
@click.option("--diff", is_flag=True, help="Show what --fix would write, or --unsafe-fixes, and write nothing.")
@strict_option
@screen_option
def command(
    files: tuple[str, ...],
    input: Any,
    params: dict[str, Any],
    scale: str | None,
    batch: int,
    dtype: str,
    autocast: str | None,
    targets: tuple[str, ...],
    format: str,
    fix: bool,
    unsafe: bool,
    diff: bool,
    strict: bool,
    screen: Screen,
) -> int:
    """Judge models: what is wrong, and where.

    Each FILE is a model file, or - for standard input.
    """
    codes = [0]
    about = {"batch": batch, "dtype": dtype, "budget": _budget(), "targets": _known(targets)}
    fix = fix or unsafe
    if (fix or diff) and not stated("check", format).for_people:
        option = "unsafe-fixes" if unsafe else "fix" if fix else "diff"
        raise click.UsageError(f"--{option} shows what it changes, for which {format} has no room")
    if fix and not diff and STDIN in files:
        raise click.UsageError("standard input cannot be written; --diff shows what --fix would write")

    def reports() -> Iterator[Report]:
        report: Report
        for file in _progress(files, "checking"):
            try:
                report = checked = _reading.report_on(file, input=input, params=params, scale=scale, **about)
                code = _reading.exit_code(report, strict)
                if (fix or diff) and report.source.format:
                    said = f"`{file}` is {report.source.format}, and fixes are made in model files alone"
                    raise click.ClickException(said)
                if fix or diff:
                    report = _mended(file, checked, screen, write=not diff, unsafe=unsafe)
                    code = code if diff else _reading.exit_code(report, strict)
            except Exception as error:
                if len(files) == 1 or isinstance(error, click.ClickException | OSError):
                    raise
                report, code = _failed(file, error), 2
            codes.append(code)
            yield report

    print_text(renderer("check", format)(reports(), screen))
    return max(codes)


def _known(targets: tuple[str, ...]) -> tuple[str, ...]:
    """The targets of the option, each of which there is."""
    if not targets:
        return ()
    from planner.targets import aim, names, why

    for each in targets:
        if aim(each) is None:
            reason = why(each) or f"there are: {', '.join(names())}"
            raise click.UsageError(f"--target: there is no target `{each}`; {reason}")
    return targets


def _budget() -> dict[str, Any]:
    """What options say in place of the file's budget: limits, and what bytes are counted for."""
    context = click.get_current_context(silent=True)
    if context is None:
        return {}
    names = ("batch", "dtype", "autocast")
    said = (name for name in names if context.get_parameter_source(name) is ParameterSource.COMMANDLINE)
    return {**{name: context.params[name] for name in said}, **context.meta.get(BUDGET, {})}


def _mended(file: str, report: Checked, screen: Screen, *, write: bool, unsafe: bool) -> Report:
    """The report on a file after its fixes, which are shown and, if wanted, written."""
    from planner.outputs.check._diff import diff

    found = report.bench.mended(unsafe=unsafe)
    if found.made:
        if write:
            _write(file, report.source, found.report.source)
        print_text(diff(report.source, found.report.source, found.made, screen, written=write) + "\n")
    return found.report


def _write(file: str, old: Source, new: Source) -> None:
    """Put a new text into a file: all of it or, where that fails, nothing. Links, owner, mode and encoding stay."""
    from planner.inputs import is_source
    from planner.writing import NotWritten, rewrite

    if is_source(file):
        said = f"`{file}` is no model file, and fixes are made in model files alone"
        raise Failure(said, f"`planner import {file} -o net.yaml` writes one; --diff shows the fixes")
    try:
        rewrite(file, old.text, new.text, since="while it was checked")
    except NotWritten as error:
        raise click.ClickException(f"{error}; --diff shows the fixes") from None


def _failed(file: str, error: Exception) -> Report:
    """The report on a file of several on which the planner failed."""
    from planner.workbench import failed

    print_trace(error)
    return failed(file, error)


def _progress(files: Sequence[str], doing: str) -> Iterator[str]:
    """The files one after the other, with a bar on stderr where there are several and somebody watches."""
    if len(files) < 2 or not sys.stderr.isatty():
        yield from files
        return
    with click.progressbar(files, label=doing, file=sys.stderr) as bar:
        yield from bar
    click.echo(UP_AND_EMPTY, file=sys.stderr, nl=False)
