"""The command line: the only code that prints, reads or starts a program; files are written by `writing`.

One function for each command. What a command needs is imported inside it, so that none waits for what another needs.
Exit codes: 0 nothing wrong, 1 something was found, 2 it could not run.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path as FilePath
from shutil import get_terminal_size
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from planner import __version__
from planner.outputs import formats, renderer
from planner.outputs._screen import Screen, printable

if TYPE_CHECKING:
    from planner.engine import Choice, Engine
    from planner.outputs.code._program import Style
    from planner.outputs.code.torch import Emitted
    from planner.report import Report
    from planner.source import Source

NARROWEST = 40
LONGEST_RUN = 300
"""Seconds after which code that is verified is stopped."""
STDIN = "-"
LONGEST_CHART = 1 << 16
PICTURES = ("svg", "png", "pdf", "dot", "mmd")
MAPS = ("svg", "png")
_PLAIN = str.maketrans({"×": "x", "–": "-", "─": "-", "…": "~", "✗": "x", "→": ">", "’": "'"})
"""What stands for our own signs, each in one column, where the stream cannot hold them."""


class _Planner(click.Group):
    """The group of commands; ends every way of failing with one line and the right exit code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        name = prog_name or self.name
        if not standalone_mode:
            return super().main(args, name, complete_var, standalone_mode=False, **extra)
        _open_streams()
        with _Ending():
            sys.exit(super().main(args, name, complete_var, standalone_mode=False, **extra))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from planner.diagnostics import did_you_mean

        if args[0] not in self.commands and not args[0].startswith("-"):
            near = did_you_mean(args[0], list(self.commands)) or f"there are: {', '.join(self.commands)}"
            ctx.fail(f"there is no command `{args[0]}`; {near}")
        return super().resolve_command(ctx, args)


class _Failure(click.ClickException):
    """What cannot be done, and what to do about it."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help


class _Ending:
    """Turns whatever ends a command early into a message on stderr and an exit code."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, click.ClickException):
            _print(_usage(error), sys.stderr)
            sys.exit(2)
        if isinstance(error, click.Abort | KeyboardInterrupt):
            sys.exit(130)
        if isinstance(error, SystemExit) and type(sys.stdout).__name__.endswith("PacifyFlushWrapper"):
            sys.exit(0)  # click's sign that the reader of a help text has gone away
        if isinstance(error, OSError) and error.filename is None:
            _stop_printing(sys.stdout, error)
        if isinstance(error, Exception):
            if os.environ.get("PLANNER_DEBUG"):
                import traceback

                traceback.print_exception(error)
            said = printable(f"{type(error).__name__}: {error}"[:500])
            advice = "please report it with the model file; PLANNER_DEBUG=1 shows where it happened"
            _print(f"planner: internal error: {said} ({advice})\n", sys.stderr)
            sys.exit(2)


def _open_streams() -> None:
    """Put a stream that fails in the place of each standard stream that the caller has closed.

    Otherwise the next file that is opened takes its number, and what is printed goes into that file.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            taken = os.open(os.devnull, os.O_RDONLY if number == 1 else os.O_WRONLY)
            if taken != number:
                os.dup2(taken, number)
                os.close(taken)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))


def _usage(error: click.ClickException) -> str:
    """What is wrong with the command, and where its options are explained."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return f"{error.format_message()}\n"
    said = error.message
    if isinstance(error, click.NoSuchOption):
        from planner.diagnostics import did_you_mean

        near = did_you_mean(error.option_name, list(error.possibilities or ()))
        said = f"there is no option `{error.option_name}`" + (f"; {near}" if near else "")
    elif isinstance(error, click.MissingParameter):
        said = f"{error.param.make_metavar(error.ctx) if error.param and error.ctx else 'something'} is missing"
    elif isinstance(error, click.BadParameter) and error.param is not None:
        said = f"{error.param.opts[0]}: {said}"
    said = said if said[:2].isupper() else said[:1].lower() + said[1:]
    said = f"error: {printable(said.rstrip('.'))}\n"
    context = error.ctx if isinstance(error, click.UsageError) else None
    if isinstance(error, _Failure):
        said += f" = help: {printable(error.help)}\n"
    return f"{said} = help: {context.command_path} --help\n" if context else said


@click.group("planner", cls=_Planner, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="planner", message="%(prog)s %(version)s")
def main() -> None:
    """Plans the shapes of neural networks from model files, and says what they silently lose.

    Exit code 0: nothing wrong; 1: something was found; 2: it could not run.
    """


# Options that several commands share

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _all_of(*options: Decorator) -> Decorator:
    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated


def _read_inputs(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> Any:
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


def _read_chosen(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[str | None, Any]:
    """The name of one input, and shapes as in `_read_inputs`; None for what is not given."""
    names = [text for text in texts if "=" not in text and not text[:1].isdecimal()]
    if len(names) > 1:
        raise click.BadParameter(f"one input is chosen, or all of them, not {' and '.join(names)}")
    shapes = _read_inputs(context, parameter, tuple(text for text in texts if text not in names))
    return (names[0] if names else None), shapes


def _read_params(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, Any]:
    """`classes=10` as a parameter; the value is read as a model file would read it."""
    from planner.diagnostics import Fault
    from planner.source import parse

    params: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise click.BadParameter(f"`{text}` sets nothing; write it as name=value")
        try:
            read = parse(f"value: {value}\n").data
        except Fault as fault:
            raise click.BadParameter(f"`{text}`: {fault.message}") from None
        if list(read) != ["value"]:
            raise click.BadParameter(f"`{text}` is more than one value")
        if name.strip() in params:
            raise click.BadParameter(f"`{name.strip()}` is set twice")
        params[name.strip()] = read["value"]
    return params


def _read_dtype(context: click.Context, parameter: click.Parameter, name: str) -> str:
    from planner.analyses.cost import BYTES

    if name not in BYTES:
        raise click.BadParameter(f"`{name}` is not known; there are: {', '.join(BYTES)}")
    return name


def _screen(context: click.Context, parameter: click.Parameter, choice: str) -> Screen:
    """The screen that stdout is."""
    wanted = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Screen(
        width=max(get_terminal_size((80, 24)).columns, NARROWEST),
        colour=wanted if choice == "auto" else choice == "always",
        unicode=(sys.stdout.encoding or "utf-8").lower().startswith("utf"),
    )


params_option = click.option(
    "--set", "params", multiple=True, callback=_read_params, metavar="NAME=VALUE",
    help="A parameter's value instead of the file's; may be given several times.",
)  # fmt: skip
model_options = _all_of(
    click.option("--input", "input", multiple=True, callback=_read_inputs, metavar="[NAME=]HxWxC",
                 help="The input's shape instead of the file's, such as 320x320x3; once for each named input."),
    params_option,
)  # fmt: skip
memory_options = _all_of(
    click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
                 help="Samples that memory is counted for."),
    click.option("--dtype", default="float32", show_default=True, callback=_read_dtype, metavar="TYPE",
                 help="Type of number that memory is counted for, such as float16 or int8."),
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


def format_option(default: str, command: str) -> Decorator:
    names = sorted(formats(command), key=lambda name: (name != default, name))
    return click.option(
        "--format", type=click.Choice(names), default=default, show_default=True, help="How to print it."
    )


# The commands


@main.command()
@click.argument("file")
@model_options
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="Fold blocks below N levels of rows.")
@memory_options
@format_option("table", "plan")
@strict_option
@screen_option
def plan(
    file: str,
    input: Any,
    params: dict[str, Any],
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
    if depth is not None and format not in ("table", "markdown"):
        raise click.UsageError(f"--depth folds a table or its markdown; {format} has every step")
    report = _report(file, input=input, params=params, batch=batch, dtype=dtype)
    text = renderer("plan", format)(report, screen, depth)
    _print(text)
    if report.diagnostics and format != "json":
        found = renderer("check", "full")([report], screen if format == "table" else Screen(screen.width))
        _print(f"\n{found}" if text and format == "table" else found, sys.stdout if format == "table" else sys.stderr)
    return _exit_code(report, strict)


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@model_options
@format_option("full", "check")
@click.option("--fix", is_flag=True, help="Mend the files: write the first safe fix of each error and warning.")
@click.option("--unsafe-fixes", "unsafe", is_flag=True, help="As --fix, with the fixes that are not safe as well.")
@click.option("--diff", is_flag=True, help="Show what --fix would write, or --unsafe-fixes, and write nothing.")
@strict_option
@screen_option
def check(
    files: tuple[str, ...],
    input: Any,
    params: dict[str, Any],
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
    fix = fix or unsafe
    if (fix or diff) and format not in ("full", "concise"):
        option = "unsafe-fixes" if unsafe else "fix" if fix else "diff"
        raise click.UsageError(f"--{option} shows what it changes, for which {format} has no room")
    if fix and not diff and STDIN in files:
        raise click.UsageError("standard input cannot be written; --diff shows what --fix would write")

    def reports() -> Iterator[Report]:
        for file in _progress(files, "checking"):
            try:
                report = _report(file, input=input, params=params)
                code = _exit_code(report, strict)
                if fix or diff:
                    report = _mended(file, report, screen, write=not diff, input=input, params=params, unsafe=unsafe)
                    code = code if diff else _exit_code(report, strict)
            except Exception as error:
                if len(files) == 1 or isinstance(error, click.ClickException | OSError):
                    raise
                report, code = _failed(file, error), 2
            codes.append(code)
            yield report

    _print(renderer("check", format)(reports(), screen))
    return max(codes)


@main.command()
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
def sizes(
    file: str,
    chosen: tuple[str | None, Any],
    params: dict[str, Any],
    axis: str | None,
    low: int,
    high: int,
    format: str,
    screen: Screen,
) -> int:  # fmt: skip
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
    report = _report(file, input=shapes, params=params)
    model = report.plan.model
    if model.diagnostics or (not report.ok and not axes_of(model)):  # faults that no size mends, or nothing to read
        _print(renderer("check", "full")([report], screen), sys.stderr)
        return _exit_code(report, strict=False)
    axes = axes_of(model)
    if name is not None and name not in axes:
        raise click.UsageError(f"--input: there is no input `{name}` with axes; there are: {', '.join(axes) or 'none'}")
    names = dict.fromkeys(each for owner in axes if name in (None, owner) for each in axes[owner])
    if axis is not None and axis not in names and not (axis.isdecimal() and int(axis) < len(names)):
        raise click.UsageError(f"--axis: there is no axis `{axis}`; there are: {', '.join(names) or 'none'}")
    found = list(input_sizes(model, name, axis))
    _print(renderer("sizes", format)(found, screen, low, high))
    if any(not works for each in found for works in each.works):
        _print("\n" + renderer("check", "full")([report], screen), sys.stderr)
        return 1
    return 0


@main.command()
@click.argument("name", required=False)
@screen_option
def explain(name: str | None, screen: Screen) -> int:
    """Print the page on a finding or a layer.

    NAME is a code (NSP202), a finding's name (groups-do-not-divide) or a layer (Conv2d). Without it, all there is.
    """
    from planner import manual

    text = manual.contents(screen) if name is None else manual.page(name, screen)
    if text is None:
        near = manual.nearest(name or "") or "`planner explain` lists what there is"
        raise click.UsageError(f"there is no page on `{name}`; {near}")
    _print(text)
    return 0


@main.command()
def schema() -> int:
    """Print the JSON Schema of model files.

    An editor that is given it completes, explains and underlines while one is written.
    """
    from planner.schema import schema_text

    _print(schema_text())
    return 0


@main.command()
@click.argument("size")
@click.option("-k", "--kernel", metavar="N", help="Kernel size.")
@click.option("-s", "--stride", metavar="N", help="Stride; 1 when left out.")
@click.option("-p", "--padding", metavar="N", help="Padding on both sides; 2,3 is 2 before and 3 after.")
@click.option("-d", "--dilation", metavar="N", help="Dilation.")
@click.option("--ceil", is_flag=True, help="A pool's ceil_mode: a last window may hang over the end.")
@click.option("--same", is_flag=True, help="PyTorch's padding='same'.")
@click.option("--tf-same", is_flag=True, help="TensorFlow's and ONNX's SAME padding, which goes with strides.")
@click.option("--transposed", is_flag=True, help="A transposed convolution.")
@click.option("--output-padding", metavar="N", help="A transposed convolution's output_padding.")
@click.option("--adaptive", metavar="N", help="An adaptive pool to N cells, instead of a kernel.")
@format_option("text", "calc")
@screen_option
def calc(format: str, screen: Screen, **request: Any) -> int:
    """Work one layer out as on paper: what it loses.

    SIZE is an axis, such as 416, or several: 224x200. An option has one number for all of them, or one for each: 7x3.
    Says what is lost, where and why, and which sizes and arguments near by lose nothing. Exits with 1 if the layer
    does not fit.
    """
    from planner.hand_rule import Refused, Request, work_out

    try:
        paper = work_out(Request(**request))
    except Refused as refused:
        raise click.UsageError(str(refused)) from None
    _print(renderer("calc", format)(paper, screen))
    return int(not paper.fits)


@main.command()
@click.argument("file")
@model_options
@click.option("-o", "--output", metavar="PATH", help="Where to: a .svg, .png, .pdf, .dot or .mmd (Mermaid) file.")
@click.option("--format", type=click.Choice(PICTURES), help="The format, where the file's ending does not say it.")
@click.option(
    "--style",
    type=click.Choice(["graph", "volumes"]),
    default="graph",
    show_default=True,
    help="Boxes and arrows, or the tensors as boxes to scale.",
)
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    metavar="N",
    help="Open N levels of blocks; by default, as many as a page holds.",
)
@click.option(
    "--copies",
    type=click.Choice(["one", "all"]),
    default="one",
    show_default=True,
    help="Which blocks of a kind to open.",
)
@click.option(
    "--direction",
    type=click.Choice(["down", "right", "up", "left"]),
    default="down",
    show_default=True,
    help="Where the data flow.",
)
@click.option(
    "--theme",
    type=click.Choice(["light", "dark", "print"]),
    default="light",
    show_default=True,
    help="Colours for a page.",
)
@click.option(
    "--label",
    "labels",
    type=click.Choice(["args", "params", "macs", "bytes", "field", "line", "none"]),
    multiple=True,
    default=["args"],
    show_default=True,
    help="What boxes say; may be given several times.",
)
@click.option(
    "--shade",
    type=click.Choice(["params", "macs", "bytes"]),
    help="Colour boxes by how much of this they have, instead of by family.",
)
@engine_option
@screen_option
def draw(
    file: str,
    input: Any,
    params: dict[str, Any],
    output: str | None,
    format: str | None,
    style: str,
    engine: Choice,
    screen: Screen,
    **look: Any,
) -> int:
    """Draw a model as a graph.

    Steps are boxes in the colour of their family, blocks are frames around them; what loses cells, does not line up
    or is at fault is marked. Without -o, the picture goes to standard output, as SVG.

    FILE is a model file, or - for standard input.
    """
    from dataclasses import replace

    from planner.outputs.draw._look import Look
    from planner.outputs.draw._picture import TooManyBoxes

    _ready(output, file)
    wanted = format or _ending(output, PICTURES) or "svg"
    if style == "volumes" and wanted not in ("svg", "png", "pdf"):
        raise click.UsageError(f"volumes are drawn as svg, png or pdf; {wanted} has only the graph")
    report = _report(file, input=input, params=params)
    look["theme_name"] = look.pop("theme")
    look["every"] = look.pop("copies") == "all"
    how = Look(**look)
    if not report.plan.steps:
        _print(renderer("check", "full")([report], screen), sys.stderr)
        return _exit_code(report, False) or 1
    try:
        if style == "volumes":
            picture = renderer("draw", "volumes")(report, how).encode()
            picture = _converted(picture, wanted, engine)
        elif wanted in formats("draw"):
            picture = renderer("draw", wanted)(report, how).encode()
        else:
            looks = (how, replace(how, plain=True))
            picture = _drawn((renderer("draw", "dot")(report, each) for each in looks), wanted, engine)
    except TooManyBoxes as error:
        raise click.UsageError(str(error)) from None
    _save(picture, output)
    if not report.ok:
        _print(renderer("check", "full")([report], screen), sys.stderr)
    return _exit_code(report, False)


@main.command("map")
@click.argument("file")
@model_options
@click.option("-o", "--output", metavar="PATH", help="Where to: a .svg or .png file.")
@click.option("--format", type=click.Choice(MAPS), help="The format, where the file's ending does not say it.")
@click.option("--of", "name", metavar="INPUT", help="The input, where the model has several.")
@click.option("--step", metavar="NAME", help="Show what one cell of this step sees, instead of all outputs.")
@click.option("--cell", metavar="I,J", help="That cell, counted from 0; the one in the middle when left out.")
@click.option("--windows", metavar="NAME", help="Draw the windows of this step along its axes, instead of the input.")
@click.option("--image", metavar="PATH", help="An image of your own to lay the map over.")
@click.option(
    "--theme",
    type=click.Choice(["light", "dark", "print"]),
    default="light",
    show_default=True,
    help="Colours for a page.",
)
def map_(
    file: str,
    input: Any,
    params: dict[str, Any],
    output: str | None,
    format: str | None,
    name: str | None,
    step: str | None,
    cell: str | None,
    windows: str | None,
    image: str | None,
    theme: str,
) -> int:
    """Draw an input as an image: how well each of its cells is read.

    Its colours say how many paths lead from a cell to the outputs; rows and columns that nothing reads are marked.

    FILE is a model file, or - for standard input.
    """
    from planner.outputs.map import _png, _windows
    from planner.outputs.map._seen import NoMap, seen

    _ready(output, file, image)
    wanted = format or _ending(output, MAPS) or "svg"
    if wanted == "png" and image:
        raise click.UsageError("--image is drawn as svg; a png has only the cells")
    parts = cell.split(",") if cell else []
    if not all(part.strip().isdecimal() and len(part) < 10 for part in parts):
        raise click.UsageError(f"--cell: `{cell}` is no cell; write it as 3,5")
    report = _report(file, input=input, params=params)
    try:
        if windows is not None:
            made = _converted(_windows.render(report, windows, theme).encode(), wanted, "auto")
        else:
            found = seen(report, name, step, tuple(map(int, parts)))
            if wanted == "png":
                made = _png.render(found)
            else:
                below = FilePath(image).read_bytes() if image else None
                made = renderer("map", "svg")(report, found, theme, below).encode()
    except NoMap as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"`{image}` cannot be read: {(error.strerror or 'refused').lower()}") from None
    _save(made, output)
    return 0


@main.command()
@click.argument("file")
@model_options
@memory_options
@click.option("-o", "--output", metavar="PATH", help="Where to; standard output when left out.")
@engine_option
@screen_option
def report(
    file: str,
    input: Any,
    params: dict[str, Any],
    batch: int,
    dtype: str,
    output: str | None,
    engine: Choice,
    screen: Screen,
) -> int:
    """Write all that is known about a model as one HTML page.

    Findings with their fixes, the diagram, every step, the input map and the sizes that lose nothing. The page needs
    no network.

    FILE is a model file, or - for standard input.
    """
    from planner.outputs.report.html import drawings, to_lay_out

    _ready(output, file)
    found = _report(file, input=input, params=params, batch=batch, dtype=dtype)
    if not found.plan.steps:
        _print(renderer("check", "full")([found], screen), sys.stderr)
        return _exit_code(found, False) or 1
    pictures = drawings(found)
    laid_out = [_drawn(to_lay_out(picture), "svg", engine).decode() for picture in pictures]
    _save(renderer("report", "html")(found, pictures, laid_out).encode(), output)
    return _exit_code(found, False)


@main.command()
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
def code(
    file: str,
    input: Any,
    params: dict[str, Any],
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

    if asserts and style == "sequential":
        raise click.UsageError("--asserts stand in a forward pass, which an nn.Sequential does not have")
    _ready(output, file)
    report = _report(file, input=input, params=params)
    emit = partial(emitted, style=style, asserts=asserts, init=init, main=guard)
    try:
        if report.ok:
            found = emit(report)
    except Fault as fault:
        report.diagnostics = (Diagnostic.of(fault),)
    if not report.ok:
        _print(renderer("check", "full")([report], screen), sys.stderr)
        return _exit_code(report, strict=False)
    if output is not None and output != STDIN:
        _save(found.text.encode(), output)
    else:
        _print(found.text)
    return _verified(report, found, emit) if verify else 0


# What the commands share


def _verified(report: Report, found: Emitted, emit: Callable[[Report], Emitted]) -> int:
    """Run emitted code in a process of its own, and say where it is not the plan."""
    import json
    import subprocess

    from planner.outputs.code._sizing import compared
    from planner.outputs.code._verifying import request, told

    where = compared(report.plan, found, emit)
    program = [sys.executable, "-P", "-m", "planner.outputs.code._running"]
    paths = os.pathsep.join(filter(None, [str(FilePath(__file__).parents[1]), os.environ.get("PYTHONPATH")]))
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
        raise _Failure("torch is not installed, so nothing is verified", help)
    text, code = told(report.plan, where, answer)
    _print(text, sys.stderr)
    return code


def _report(file: str, **options: Any) -> Report:
    """The report on a file, or on what stands on standard input."""
    from planner.checking import checked, checked_text
    from planner.source import MOST_BYTES

    if file != STDIN:
        return checked(file, **options)
    try:
        text = sys.stdin.buffer.read(MOST_BYTES + 1)
    except OSError as error:
        reason = "it is closed" if error.errno == errno.EBADF else (error.strerror or "no reason is given").lower()
        raise _Failure(f"standard input cannot be read: {reason}", "name a model file instead of -") from None
    return checked_text(text, "<stdin>", **options)


def _mended(file: str, report: Report, screen: Screen, *, write: bool, **options: Any) -> Report:
    """The report on a file after its fixes, which are shown and, if wanted, written."""
    from planner.checking import mended
    from planner.outputs.check._diff import diff

    found = mended(report, **options)
    if found.made:
        if write:
            _write(file, report.source, found.report.source)
        _print(diff(report.source, found.report.source, found.made, screen, written=write) + "\n")
    return found.report


def _write(file: str, old: Source, new: Source) -> None:
    """Put a new text into a file: all of it or, where that fails, nothing. Links, owner, mode and encoding stay."""
    from planner.source import encoded, parse
    from planner.writing import NotWritten, write

    try:
        original = FilePath(file).read_bytes()
        if parse(original).text != old.text:
            raise click.ClickException(f"`{file}` has changed while it was checked; nothing is written")
        if not FilePath(file).stat().st_mode & 0o222 or not os.access(file, os.W_OK):
            raise click.ClickException(f"`{file}` cannot be written: it is read-only; --diff shows the fixes")
        write(file, encoded(new.text, original))
    except OSError as error:
        raise click.ClickException(f"`{file}` cannot be written: {(error.strerror or 'refused').lower()}") from None
    except NotWritten as error:
        raise click.ClickException(str(error)) from None


def _failed(file: str, error: Exception) -> Report:
    """The report on a file of several on which the planner failed."""
    from planner.checking import failed

    if os.environ.get("PLANNER_DEBUG"):
        import traceback

        traceback.print_exception(error)
    return failed(file, error)


def _exit_code(report: Report, strict: bool) -> int:
    from planner.diagnostics import Severity
    from planner.faults.unreadable_file import UnreadableFile

    if any(each.kind is UnreadableFile for each in report.diagnostics):
        return 2
    return int(not report.ok or (strict and report.count(Severity.WARNING) > 0))


def _ending(output: str | None, known: Sequence[str]) -> str | None:
    """The format that a file's ending says; None where none is said."""
    if output is None or output == STDIN:
        return None
    ending = FilePath(output).suffix.lower().removeprefix(".")
    if ending not in known:
        raise click.UsageError(f"`{output}` does not say what to draw; end it in .{', .'.join(known)}, or use --format")
    return ending


def _drawn(sources: Iterable[str], format: str, choice: Choice, placed: bool = False) -> bytes:
    """A picture of DOT source by a Graphviz engine; of the next source, a plainer one, where the layout takes too long.

    Where an engine fails, the next one is tried. What is `placed` has a place in the source and needs no layout.
    """
    from planner.engine import NoPicture, TooLong, engines

    first: NoPicture | None = None
    try:
        for source in sources:
            for engine in engines(choice):
                try:
                    return _by_engine(source, format, engine, placed)
                except TooLong as error:
                    first = error
                    _print(f"note: {error}; the layout is made plainer\n", sys.stderr)
                    break
                except NoPicture as error:
                    first = first or error
    except NoPicture as error:
        first = error
    raise _Failure(str(first), first.help if first else "")


def _by_engine(source: str, format: str, engine: Engine, placed: bool) -> bytes:
    if format == "png" and engine.name == "bundled" and any(char > "\u024f" and char not in "×…→" for char in source):
        _print("note: the bundled engine has no letters for all names in a PNG; an SVG has them\n", sys.stderr)
    if format == "pdf" and engine.name == "bundled":
        return _as_pdf(engine.draw(source, "svg"))
    return engine.draw(source, format, placed)


def _converted(svg: bytes, format: str, choice: Choice) -> bytes:
    """A drawing that needs no layout, in another format."""
    from planner.outputs.draw._raster import to_paint

    if format == "png":
        return _drawn([to_paint(svg)], "png", choice, placed=True)
    return _as_pdf(svg) if format == "pdf" else svg


def _as_pdf(svg: bytes) -> bytes:
    from planner.outputs.draw._pdf import pdf

    return pdf(svg)


def _ready(output: str | None, *inputs: str | None) -> None:
    """Stop, before any work is done, where the output cannot be written or is one of the files that are read."""
    from planner.writing import NotWritten, ready

    try:
        ready(output, *inputs)
    except NotWritten as error:
        raise _Failure(str(error), error.help) from None


def _save(data: bytes, output: str | None) -> None:
    """Write a file or, without a name or with -, to standard output."""
    from planner.writing import NotWritten, write

    if output is None or output == STDIN:
        return _to(sys.stdout, lambda: (sys.stdout.buffer.write(data), sys.stdout.buffer.flush()))
    try:
        write(output, data)
    except NotWritten as error:
        raise _Failure(str(error), error.help) from None


def _progress(files: Sequence[str], doing: str) -> Iterable[str]:
    """The files one after the other, with a bar on stderr where there are several and somebody watches."""
    if len(files) < 2 or not sys.stderr.isatty():
        return files
    from rich.console import Console
    from rich.progress import track

    return track(files, doing, console=Console(stderr=True), transient=True)


def _print(text: str, stream: TextIO | None = None) -> None:
    """Write a text in what the stream can hold; a reader that has gone away is no error."""
    stream = stream or sys.stdout
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = {sign: other for sign, other in _PLAIN.items() if not chr(sign).encode(encoding, "ignore")}
        text = text.translate(plain).encode(encoding, "backslashreplace").decode(encoding)
    _to(stream, lambda: click.echo(text, file=stream, nl=False, color=True))


def _to(stream: TextIO, print_: Callable[[], object]) -> None:
    """Print to a standard stream; a reader that has gone away is no error."""
    try:
        print_()
    except BrokenPipeError:
        _print_no_more(stream)
    except OSError as error:
        _stop_printing(stream, error)


def _stop_printing(stream: TextIO, error: OSError) -> NoReturn:
    """End the run since a stream cannot be written, and say so where that can be read."""
    _print_no_more(stream)
    if stream is not sys.stderr:
        closed = error.errno == errno.EBADF
        reason = "it is closed" if closed else (error.strerror or "no reason is given").lower()
        _print(f"error: standard output cannot be written: {reason}\n", sys.stderr)
    sys.exit(2)


def _print_no_more(stream: TextIO) -> None:
    """Have what is left to print, and what the interpreter prints when it ends, go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
