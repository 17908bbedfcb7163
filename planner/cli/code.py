"""`planner code`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from planner.cli import _reading
from planner.cli._ending import Failure
from planner.cli._files import STDOUT, ready, save
from planner.cli._options import model_options, screen_option
from planner.cli._printing import print_text
from planner.outputs._screen import Screen

if TYPE_CHECKING:
    from planner.outputs.code.torch import Emitted
    from planner.outputs.code.torch.program import Style
    from planner.report import Report

PLACE = 10
LONGEST_RUN = 300
"""Seconds after which code that is verified is stopped."""


@click.command("code")
@click.argument("file")
@model_options
@click.option("-o", "--output", metavar="FILE", help="Write the code there instead of printing it.")
@click.option(
    "--style",
    type=click.Choice(["auto", "sequential", "module"]),
    default="auto",
    show_default=True,
    help="nn.Sequential alone, or classes with a forward pass; auto is what is simplest.",
)
@click.option("--asserts", is_flag=True, help="The forward pass checks its shapes.")
@click.option("--init", is_flag=True, help="Weights are initialized for ReLU (He et al. 2015).")
@click.option("--main", "guard", is_flag=True, help="Run by itself, the file prints the model and its output's shape.")
@click.option("--verify", is_flag=True, help="Run it with torch: it must have the plan's weights, shapes and values.")
@screen_option
def command(
    file: str,
    input: Any,
    params: dict[str, Any],
    scale: str | None,
    output: str | None,
    style: Style,
    asserts: bool,
    init: bool,
    guard: bool,
    verify: bool,
    screen: Screen,
) -> int:
    """Write a model as PyTorch code.

    The names in its state_dict are those of the plan.

    FILE is a model file, or - for standard input.
    """
    from functools import partial

    from planner.diagnostics import Diagnostic, Fault
    from planner.outputs.code.torch import emitted
    from planner.report import Report

    if asserts and style == "sequential":
        raise click.UsageError("--asserts stand in a forward pass, which an nn.Sequential does not have")
    ready(output, file)
    report: Report = _reading.report_on(file, input=input, params=params, scale=scale)
    emit = partial(emitted, style=style, asserts=asserts, init=init, main=guard)
    try:
        found = emit(report) if report.builds else None
    except Fault as fault:
        found, report = None, Report(report.plan, [Diagnostic.of(fault)])
    if found is None:
        return _reading.nothing_to_show(report, screen)
    if output is not None and output != STDOUT:
        save(found.text, output)
    else:
        print_text(found.text)
    if not verify:
        return 0
    try:
        return _verified(report, found, emit)
    except Fault as fault:
        from planner.outputs.code.torch.verifying import UNKNOWN

        print_text(f"not verified: {fault.message}; {fault.label}\n", sys.stderr)
        return UNKNOWN


def _verified(report: Report, found: Emitted, emit: Callable[[Report], Emitted]) -> int:
    """Run emitted code in a process of its own, and say where it is not the plan."""
    import json
    import subprocess

    from planner.outputs.code.torch.verifying import request, told
    from planner.outputs.code.torch.verifying.sizing import compared

    where = compared(report.plan, found, emit)
    program = [sys.executable, "-P", "-m", "planner.outputs.code.torch.verifying.running"]
    paths = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
    try:
        done = subprocess.run(
            program,
            input=json.dumps(request(report.plan, found, where)).encode(),
            capture_output=True,
            timeout=LONGEST_RUN,
            # On a machine that is busy, threads wait for one another many times as long as the work takes.
            env={"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": paths},
            check=False,
        )
    except subprocess.TimeoutExpired:
        said = f"the code was still running after {LONGEST_RUN} seconds"
        raise click.ClickException(f"{said}; nothing is verified") from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise click.ClickException(f"the code could not be run: {said or f'it ended with {done.returncode}'}") from None
    if "missing" in answer:
        help = f"{sys.executable} -m pip install torch"
        raise Failure("torch is not installed, so nothing is verified", help)
    text, code = told(report.plan, where, answer)
    print_text(text, sys.stderr)
    return code
