"""All that the command can print about one model file, tried on one after another in one process.

Whatever a file holds, every command has to answer it: with its own findings, within seconds, and never with an internal
error.
"""

from __future__ import annotations

import io
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, NamedTuple
from unittest.mock import patch

import click

from planner.analyses import input_sizes
from planner.cli import _pictures, _reading
from planner.cli import main as planner
from planner.outputs import formats
from random_mutants import TEXTS, mutant

SECONDS = 10
"""Of computing that a command may take for one file."""

Command = tuple[str, ...]


class TooLong(BaseException):
    """A command is not done in time."""


class Failure(NamedTuple):
    """What came of a command instead of an answer: the error, where it was raised, and the end of the trace."""

    command: Command
    error: str
    where: str
    trace: str


NEEDED: dict[str, Command] = {"fit": ("--memory=1GiB",)}
"""Options without which a command does nothing."""
FILES = (["file"], ["files"])
"""The arguments of a command on nothing but model files."""
LEFT_OUT = {"live": "serves until it is stopped", "sweep": "plans many models, in other processes"}
"""Commands on a file that are not tried here, and why."""


def plain(name: str) -> list[Command]:
    """A command on a file in each of its formats, as the command line offers them; nothing for one on no file."""
    command = planner.get_command(click.Context(planner), name)
    assert command is not None
    if name in LEFT_OUT or [each.name for each in command.params if isinstance(each, click.Argument)] not in FILES:
        return []
    given = (name, *NEEDED.get(name, ()))
    types = [each.type for each in command.params if each.name == "format"]
    choices = [choice for each in types if isinstance(each, click.Choice) for choice in each.choices]
    return [(*given, f"--format={each}") for each in choices] or [given]


CHECKS = plain("check")
OTHERS = [each for name in planner.list_commands(click.Context(planner)) if name != "check" for each in plain(name)]
PRINTED: list[Command] = [
    *OTHERS,
    *(("plan", "--train", f"--format={each}") for each in formats("train")),
    ("plan", "--depth=1"),
    ("check", "--diff", "--color=always"),
    ("draw", "--format=mmd", "--depth=1"),
    ("draw", "--style=volumes"),
    ("code", "--style=sequential", "--init"),
    ("code", "--style=module", "--asserts", "--main"),
    ("sizes", "--format=json", "--from=1", "--to=64"),
]


def commands(random: Random, path: Path) -> Iterator[Command]:
    """Every command, and some options of each."""
    yield from CHECKS
    yield from PRINTED
    step = random.choice(_steps(path) or ["x"])
    yield "map", f"--step={step}", f"--cell={random.choice(['0', '0,0', '1,2', '9,9,9', '99999'])}"
    yield "map", f"--windows={step}"
    yield "draw", "--format=dot", f"--label={random.choice(['params', 'macs', 'field', 'line'])}", "--direction=right"
    if random.random() < 0.2:
        shape = random.choice(["8x8x3", "7x5x1", "1", "16x4", "9x9x9x2", "100000x3", "1x1x1x1x1"])
        yield random.choice(["plan", "check", "sizes", "code", "map"]), f"--input={shape}"
    if random.random() < 0.1:
        name = random.choice(["width", "x", "n", "classes", "stride"])
        yield "check", f"--set={name}={random.choice(TEXTS[:30]) or 1}"


def _steps(path: Path) -> list[str]:
    """The names of a file's steps, where it has any."""
    try:
        return [step.name for step in _reading.report_on(str(path)).plan.steps]
    except (Exception, TooLong):  # noqa: BLE001 the commands have told it
        return []


@contextmanager
def workshop() -> Iterator[Path]:
    """The path to put mutants at; what is planned and solved once serves every command, and nothing is laid out."""
    real = _reading.report_on
    known: dict[tuple[str, str], tuple[Any, Any]] = {}

    def report(file: str, **options: Any) -> Any:
        options = {key: value for key, value in options.items() if (key, value) not in PLAIN}
        key = (Path(file).read_text(encoding="utf-8"), repr(sorted(options.items())))
        if key not in known:
            known.clear()
            try:
                found = real(file, **options)
                known[key] = found, found.diagnostics
            except (Exception, TooLong) as error:  # noqa: BLE001
                known[key] = error, ()
        found, diagnostics = known[key]
        if isinstance(found, BaseException):
            raise found
        found.diagnostics = diagnostics  # `code` puts others in their place
        return found

    with (
        TemporaryDirectory() as folder,
        patch.object(_pictures, "drawn", _not_drawn),
        patch.object(_reading, "report_on", report),
        patch.object(input_sizes, "input_sizes", _once(input_sizes.input_sizes)),
    ):
        yield Path(folder, "model.yaml")


def _once(solve: Callable[..., Iterator[Any]]) -> Callable[..., list[Any]]:
    """A function that remembers what it found last, for a model and other arguments."""
    known: list[tuple[tuple[Any, ...], list[Any]]] = []

    def found(model: Any, *given: Any) -> list[Any]:
        if not (known and known[0][0][0] is model and known[0][0][1:] == given):
            known[:] = [((model, *given), list(solve(model, *given)))]
        return known[0][1]

    return found


PLAIN: tuple[tuple[str, Any], ...] = (("input", None), ("params", {}), ("batch", 1), ("dtype", "float32"))


def _not_drawn(*_: object, **__: object) -> bytes:
    return b"<svg></svg>"


@cache
def _parsed(command: Command) -> tuple[Callable[..., int], dict[str, Any]]:
    """The function that a command is, and its options, as the command line reads them."""
    name, *options = command
    found = planner.get_command(click.Context(planner), name)
    assert found is not None
    params = found.make_context(name, ["model.yaml", *options]).params
    params.pop("file", params.pop("files", None))
    assert found.callback is not None
    return found.callback, params


def answer(command: Command, path: Path) -> tuple[int, bytes]:
    """The exit code of a command on a file, and what it prints on standard output."""
    out = io.TextIOWrapper(printed := io.BytesIO(), encoding="utf-8")
    function, options = _parsed(command)
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        code = function(**options, **{"files": (str(path),)} if command[0] == "check" else {"file": str(path)})
    out.flush()
    return code, printed.getvalue()


def run(command: Command, path: Path) -> Failure | None:
    """What a command on a file came to, if not to an answer."""
    signal.signal(signal.SIGVTALRM, _too_long)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        code, _ = answer(command, path)
        assert code in (0, 1, 2), code
    except click.ClickException:
        return None
    except (Exception, TooLong) as error:  # noqa: BLE001
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        frames = traceback.extract_tb(error.__traceback__)
        inside = [f"{Path(each.filename).name}:{each.lineno}" for each in frames if "planner/" in each.filename]
        where = inside[-1] if isinstance(error, Exception) and inside else ""
        return Failure(command, f"{type(error).__name__}: {error}"[:200], where, " ".join(inside[-9:]))
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return None


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TooLong(f"not done after {SECONDS} s")


def failures(number: int, path: Path, most: int | None = None) -> Iterator[Failure]:
    """Of the mutant with this number, what every command makes of it; `most` of them, drawn by lot, where given."""
    text, random = mutant(number), Random(number)
    path.write_text(text, encoding="utf-8", newline="")
    every = commands(random, path)
    slow: set[str] = set()
    for command in every if most is None else [CHECKS[number % len(CHECKS)], *random.sample(list(every), most)]:
        if command[0] not in slow and (found := run(command, path)):
            if found.error.startswith(TooLong.__name__):
                slow.add(command[0])  # with other options it takes as long
            yield found
