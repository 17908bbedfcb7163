"""Options that several commands share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from shutil import get_terminal_size
from typing import Any

import click

from planner.budget import BOUNDS
from planner.outputs import formats
from planner.outputs._screen import Screen

NARROWEST = 40

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _all_of(*options: Decorator) -> Decorator:
    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated


def read_inputs(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> Any:
    """`320x320x3` as a shape, `left=320x320x3` as shapes by name; None where the file's own input stands."""
    shapes: dict[str | None, tuple[int, ...]] = {}
    for text in texts:
        name, _, sizes = text.rpartition("=")
        parts = sizes.replace("×", "x").replace("X", "x").split("x")
        if not all(part.strip().isdecimal() and len(part) < 20 and int(part) for part in parts):
            raise click.BadParameter(f"`{text}` is no shape; write it as 320x320x3, or name=320x320x3")
        if (name or None) in shapes:
            raise click.BadParameter(f"`{name or text}` is given twice; name each input: name=320x320x3")
        shapes[name or None] = tuple(map(int, parts))
    if len(shapes) > 1 and None in shapes:
        raise click.BadParameter("several inputs need a name each: name=320x320x3")
    return shapes.get(None) or shapes or None


def _read_params(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, Any]:
    """`classes=10` as a parameter; the value is read as a model file would read it."""
    return read_each(texts, read_value)


def read_each(texts: tuple[str, ...], read: Callable[[str], Any]) -> dict[str, Any]:
    """Texts such as `classes=10` by their names; what stands behind the sign is read by `read`, which may raise
    ValueError.
    """
    params: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise click.BadParameter(f"`{text}` sets nothing; write it as name=value")
        if name.strip() in params:
            raise click.BadParameter(f"`{name.strip()}` is set twice")
        try:
            params[name.strip()] = read(value)
        except ValueError as error:
            raise click.BadParameter(f"`{text}`: {error}") from None
    return params


def read_value(text: str) -> Any:
    """The value that a text means in a model file; raises ValueError where it means none."""
    from planner.diagnostics import Fault
    from planner.source import parse

    try:
        read = parse(f"value: {text}\n").data
    except Fault as fault:
        raise ValueError(fault.message) from None
    if list(read) != ["value"]:
        raise ValueError("it is more than one value")
    return read["value"]


def _read_dtype(context: click.Context, parameter: click.Parameter, name: str) -> str:
    from planner.analyses.cost import BYTES

    if name not in BYTES:
        raise click.BadParameter(f"`{name}` is not known; there are: {', '.join(BYTES)}")
    return name


def _read_precision(context: click.Context, parameter: click.Parameter, name: str | None) -> str | None:
    if name not in (None, "bfloat16", "float16"):
        raise click.BadParameter(f"`{name}` is no type for it; there are: bfloat16, float16")
    return name


def _read_optimizer(context: click.Context, parameter: click.Parameter, name: str) -> str:
    if name == "none":
        return name
    from planner.training.optimizers import OPTIMIZERS

    if name not in OPTIMIZERS:
        raise click.BadParameter(f"`{name}` is not known; there are: {', '.join(OPTIMIZERS)}")
    return name


def _screen(context: click.Context, parameter: click.Parameter, choice: str) -> Screen:
    """The screen that stdout is."""
    wanted = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Screen(
        width=max(get_terminal_size((80, 24)).columns, NARROWEST),
        colour=wanted if choice == "auto" else choice == "always",
        unicode=(sys.stdout.encoding or "utf-8").lower().startswith("utf"),
    )


def _keep_arguments(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> None:
    """`depth=18` as an argument for the class or function that gives a network; kept for whoever calls that."""
    context.meta[ARGUMENTS] = _read_params(context, parameter, texts)


def _keep_limit(measure: str, context: click.Context, parameter: click.Parameter, text: str | None) -> None:
    """A limit of a budget; kept for whoever checks the model."""
    if text is not None:
        try:
            BOUNDS[measure].read(text)
            context.meta.setdefault(BUDGET, {})[measure] = text
        except ValueError as error:
            raise click.BadParameter(str(error)) from None


BUDGET = "planner.budget"
"""Where a command's context has the limits of its options."""
ARGUMENTS = "planner.arguments"
"""Where a command's context has what `--arg` gives."""

arguments_option = click.option(
    "--arg", multiple=True, callback=_keep_arguments, expose_value=False, metavar="NAME=VALUE",
    help="What a class or function, as in net.py:Net, is called with; may be given several times.",
)  # fmt: skip
params_option = click.option(
    "--set", "params", multiple=True, callback=_read_params, metavar="NAME=VALUE",
    help="A parameter's value instead of the file's; may be given several times.",
)  # fmt: skip
scale_option = click.option(
    "--scale", metavar="NAME", help="The scale of an Ultralytics model file, such as n; by default as its name says.",
)  # fmt: skip
model_options = _all_of(
    click.option("--input", "input", multiple=True, callback=read_inputs, metavar="[NAME=]HxWxC",
                 help="The input's shape instead of the file's, such as 320x320x3; once for each named input."),
    params_option,
    arguments_option,
    scale_option,
)  # fmt: skip
dtype_option = click.option(
    "--dtype", default="float32", show_default=True, callback=_read_dtype, metavar="TYPE",
    help="Type of number that memory is counted for, such as float16 or int8.",
)  # fmt: skip
memory_options = _all_of(
    click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
                 help="Samples that memory is counted for."),
    dtype_option,
)  # fmt: skip


def must_train_in(dtype: str) -> None:
    """Refuse a type of number that has no gradients."""
    if dtype == "int8":
        raise click.UsageError("nothing is trained in int8; --dtype float32 is, and --autocast works in less")


def budget_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each limit of a budget."""
    options = [
        click.option(bound.option(measure), callback=partial(_keep_limit, measure), expose_value=False,
                     metavar="BYTES" if bound.of_bytes else "N", help=bound.says.replace("`", ""))
        for measure, bound in BOUNDS.items()
    ]  # fmt: skip
    return _all_of(*options)(command)


autocast_option = click.option(
    "--autocast", callback=_read_precision, metavar="TYPE",
    help="Mixed precision: the type that products and convolutions work in while training, such as bfloat16.",
)  # fmt: skip
training_options = _all_of(
    autocast_option,
    click.option("--optimizer", default="none", show_default=True, callback=_read_optimizer, metavar="NAME",
                 help="Whose state is counted: sgd, momentum, adam, adamw or adafactor."),
)  # fmt: skip
strict_option = click.option("--strict", is_flag=True, help="Exit with 1 for warnings too.")
screen_option = click.option(
    "--color", "screen", type=click.Choice(["auto", "always", "never"]), default="auto", callback=_screen,
    help="Colours: by default on a terminal, unless NO_COLOR is set.",
)  # fmt: skip
engine_option = click.option(
    "--engine", type=click.Choice(["auto", "system", "bundled"]), default="auto", show_default=True,
    help="Which Graphviz lays pictures out: the machine's own, or the one that comes with the planner.",
)  # fmt: skip
theme_option = click.option(
    "--theme", type=click.Choice(["light", "dark", "print"]), default="light", show_default=True,
    help="Colours for a page.",
)  # fmt: skip


def format_option(default: str, command: str) -> Decorator:
    """The option `--format` of a command, with the formats that the command has."""
    return click.option(
        "--format",
        type=click.Choice(_names(default, command)),
        default=default,
        show_default=True,
        help="How to print it.",
    )


def picture_options(command: str) -> Decorator:
    """The options of a command that draws a picture: its file, and the format where the file does not say it."""
    return _all_of(
        click.option("-o", "--output", metavar="PATH", help="Where to; the ending, such as .svg, says the format."),
        click.option(
            "--format",
            type=click.Choice(_names("svg", command)),
            help="The format, where the file's ending does not say it.",
        ),
    )


def _names(default: str, command: str) -> list[str]:
    return sorted(formats(command), key=lambda name: (name != default, name))
