"""Model files in pieces, and all that the command can print about one.

A mutant is a model file to which one to three things were done: to its values (keys, types, sources, names, numbers,
expressions, nesting) or to its text (lines, signs, indentation). Whatever it is, every command has to answer it: with
its own findings, within seconds, and never with an internal error.

`python tests/mutants.py COUNT [FIRST]` runs many of them, and writes the small ones that fail to `mutants/`.
"""

from __future__ import annotations

import copy
import io
import json
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, NamedTuple
from unittest.mock import patch

import click
import yaml

from planner.cli import _pictures, _reading
from planner.cli import main as planner
from planner.diagnostics import Fault
from planner.layers import all_layers
from planner.source import parse
from planner.workbench import checked_text

ROOT = Path(__file__).parents[1]
FOLDERS = ("configs", "docs/models", "tests/cases")
SECONDS = 10
"""Of computing that a command may take for one mutant."""
MEMORY = 3 << 30
"""Bytes that a process which tries mutants may have."""
MOST_STEPS = 60
"""Of a file that mutants are made of; larger ones are only slower."""

LEFT_OUT = {"arg-split-dim", "mutants"}
"""Of the files: one of which `sizes` takes longer than that, until it does not, and those that mutants have left."""

Command = tuple[str, ...]


class TooLong(BaseException):
    """A command is not done in time."""


class Failure(NamedTuple):
    """What came of a command instead of an answer: the error, where it was raised, and the end of the trace."""

    command: Command
    error: str
    where: str
    trace: str


# --- files --------------------------------------------------------------------------------------------------------


@cache
def bases() -> list[str]:
    """The texts that mutants are made of."""
    files = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.yaml"))
    texts = [file.read_text(encoding="utf-8") for file in files if not LEFT_OUT & {*file.parts, file.stem}]
    return [text for size, text in sorted((_size(text), text) for text in texts) if size <= MOST_STEPS]


def _size(text: str) -> int:
    """How many steps a file has."""
    try:
        return len(checked_text(text).plan.steps)
    except Fault:
        return 0


@cache
def _data() -> list[Any]:
    """The values of those texts."""
    found = []
    for text in bases():
        try:
            found.append(parse(text).data)
        except Fault:
            pass
    return found


def mutant(number: int) -> str:
    """The model file with this number: the same on every machine."""
    random = Random(number)
    if random.random() < 0.25:
        return _text_mutant(random)
    data = copy.deepcopy(_mostly_small(random, _data()))
    for _ in range(random.choice([1, 1, 1, 1, 2, 3])):
        random.choice(_CHANGES)(random, data)
    return _written(random, data)


def _mostly_small(random: Random, files: Sequence[Any]) -> Any:
    """One of the files, sorted by size: small ones are as good, and take less time."""
    return files[int(len(files) * random.random() ** 3)]


def _written(random: Random, data: Any) -> str:
    if random.random() < 0.3:
        return json.dumps(data, indent=random.choice([None, 1]))
    return _dumped(data)


def _dumped(data: Any) -> str:
    dumper = yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper
    return yaml.dump(data, Dumper=dumper, sort_keys=False, allow_unicode=True, width=200)


# --- changes to values ----------------------------------------------------------------------------------------------

NUMBERS: list[Any] = [0, 1, 2, 3, 5, 7, 8, 12, 16, 64, 100, 1000, -1, -2, -7, 10**4, 10**6, 10**9, 10**12, 2**31,
                      2**62, -(10**9), 0.0, 0.5, 1.0, 2.5, -0.5, 1e-9, 1e300, True, False, None]  # fmt: skip
TEXTS = ["", "x", "same", "tf_same", "valid", "depthwise", "input", "é", "a b", "a.b", "x.0", "0", "1", "-1", "\n",
         "$", "$x", "$width", "$width * 2", "$width +", "$index", "$index + 1", "$1 // $index", "$1 / 0", "$2 ** 99",
         "$(1, 2)", "${", "${index}", "a${index}", "$max()", "$max(1, 2)", "$ceil(0.5)", "$1 == 1", "$1 if 0 else 2",
         "$not 1", "width * 2", "$" + "(" * 60, "$" + "-" * 200 + "1", "$round(2.5)", "$make_divisible(3, 0)",
         "x" * 300, "relu", "mean", "bilinear", "nearest", "reflect", "zeros", "*", "x.*", "\u202e", "0x10", "null",
         "~", "<<", "x-y", "9" * 30, "import os", "self", "lambda", "ReLU", "Conv2d"]  # fmt: skip
LISTS: list[Any] = [[], [1], [2, 2], [1, 2, 3], [0, 0], [-1, 1], [[0, 0], [0, 1]], [[1, 1]], [None], ["x", 1], [[[]]],
                    [1.5], ["input"], ["input", "input"], [8, 8, 3], [16, 16, 4], [1, 1, 1], [7, 3], [3], [4, 4, 4, 2],
                    [0], [10**9], ["$x"], ["same"], [1] * 7, list(range(40)), {}, {"x": 1}, {"x": [8, 8, 3]},
                    {"x": None}, {"type": "ReLU"}, [{"type": "ReLU"}], [[8, 8, 3]]]  # fmt: skip
KEYS = ["type", "name", "from", "repeat", "when", "allow", "layers", "input", "outputs", "blocks", "params", "inputs",
        "x", "", "x-own", "é", "kernel_size", "stride", "padding", "dilation", "groups", "out_channels", "in_channels",
        "ceil_mode", "dim", "size", "scale_factor", "output_size", "output_padding", "start_dim", "shape", "dims",
        "kernal_size", "out_channel", "inplace", "index", "null", "true", "1", "<<", "a b", "x.y", "bias", "affine",
        "num_heads", "batch_first", "bidirectional", "num_layers", "mode", "other", "sizes", "factor"]  # fmt: skip


def _hostile(random: Random) -> Any:
    values: list[Any] = random.choice([NUMBERS, TEXTS, LISTS])
    return copy.deepcopy(random.choice(values))


def _containers(data: Any) -> Iterator[Any]:
    stack = [data]
    while stack:
        here = stack.pop()
        if isinstance(here, dict | list):
            yield here
            stack.extend(here.values() if isinstance(here, dict) else here)


def _some(random: Random, data: Any) -> tuple[Any, Any] | None:
    """A list or mapping of the file, and one of its keys."""
    found = [each for each in _containers(data) if each]
    if not found:
        return None
    here = random.choice(found)
    return here, random.choice(list(here) if isinstance(here, dict) else range(len(here)))


def _lists(data: Any) -> list[list[Any]]:
    """The lists of layers of a file."""
    return [each for each in _containers(data) if isinstance(each, list) and any(isinstance(e, dict) for e in each)]


def _entries(data: Any) -> list[dict[str, Any]]:
    """The layers of a file."""
    return [each for each in _containers(data) if isinstance(each, dict) and "type" in each]


def _values(random: Random, data: Any) -> None:
    """Another value somewhere."""
    if some := _some(random, data):
        some[0][some[1]] = _hostile(random)


def _nudge(random: Random, data: Any) -> None:
    """A number that is near, or a text with a slip."""
    if not (some := _some(random, data)):
        return
    here, key = some
    value = here[key]
    if isinstance(value, int | float) and not isinstance(value, bool):
        here[key] = random.choice([value + 1, value - 1, value * 2, value // 2, -value, float(value), [value, value],
                                   [value], str(value), value == 1, f"${value}", value * 1000])  # fmt: skip
    elif isinstance(value, str):
        at = random.randrange(len(value) + 1)
        here[key] = random.choice([value[:at] + value[at + 1 :], value + ".0", value + ".7", value.upper(), f"${value}",
                                   [value], [value, value], value[:at] + random.choice(" .$*{[\t") + value[at:],
                                   value[1:], value + "1", {"x": value}])  # fmt: skip
    else:
        here[key] = random.choice([not value, [value], {"x": value}, None])


def _drop(random: Random, data: Any) -> None:
    if some := _some(random, data):
        del some[0][some[1]]


def _keys(random: Random, data: Any) -> None:
    """A key that is called otherwise."""
    some = _some(random, data)
    if some and isinstance(some[0], dict):
        here, key = some
        new = random.choice([random.choice(KEYS), key[:-1], key + "s", key.upper()])
        items = [(new if each == key else each, value) for each, value in here.items()]
        here.clear()
        here.update(items)


def _more_keys(random: Random, data: Any) -> None:
    if entries := [each for each in _containers(data) if isinstance(each, dict)]:
        random.choice(entries)[random.choice(KEYS)] = _hostile(random)


def _types(random: Random, data: Any) -> None:
    if entries := _entries(data):
        blocks = list(data["blocks"]) if isinstance(data, dict) and isinstance(data.get("blocks"), dict) else []
        random.choice(entries)["type"] = random.choice([*all_layers(), *blocks, *TEXTS[:6]])


def _sources(random: Random, data: Any) -> None:
    """Other sources: names of the file, outputs that there are not, many, none."""
    if entries := _entries(data):
        names = [str(each.get("name", i)) for i, each in enumerate(entries)] + ["input", "0", "1", "nothing", "relu"]
        picked = [random.choice(names) + random.choice(["", "", "", ".0", ".1", ".9", ".*", ".-1"]) for _ in range(4)]
        random.choice(entries)["from"] = random.choice(
            [picked[0], picked[:1], picked[:2], picked[:3], picked, picked[:1] * 2, picked[:1] * 40, []]
        )


def _flow(random: Random, data: Any) -> None:
    """`repeat`, `when`, names and silenced rules."""
    if entries := _entries(data):
        names = [each["name"] for each in entries if "name" in each] or ["x"]
        key, values = random.choice(
            [
                ("repeat", [0, 1, 2, 3, 20, 300, -1, 10**9, "$index", "$x", True, None, 1.0, [2]]),
                ("when", [True, False, "$index == 0", "$x", 0, 1, None, "$1 == 1", "", "$index % 2"]),
                ("name", [*names, *TEXTS, "input", "a${index}", "${index + 1}", "a${x}", "a${}", 1, None]),
                ("allow", ["all", ["lost-cells"], [], ["x"], None, "lost-cells", ["NSP320", 1], {}]),
                ("outputs", [names[:1], names, [names[0]] * 2, [], "x", [f"{names[0]}.1"], {"a": names[0]}]),
                ("inputs", [["x"], ["x", "y"], ["x", "x"], [], "x", ["*rest"]]),
            ]
        )  # fmt: skip
        tops = [data] if isinstance(data, dict) else []
        if isinstance(data, dict) and isinstance(data.get("blocks"), dict):
            tops += [each for each in data["blocks"].values() if isinstance(each, dict)]
        where = tops if key in ("outputs", "inputs") and tops else entries
        random.choice(where)[key] = copy.deepcopy(random.choice(values))


def _more_layers(random: Random, data: Any) -> None:
    """A layer that was not there, with some of its arguments, or one that stands elsewhere."""
    if not (lists := _lists(data)):
        return
    here = random.choice(lists)
    if random.random() < 0.4:
        entry = copy.deepcopy(random.choice(_entries(random.choice(_data())) or [{}]))
    else:
        name, layer = random.choice(list(all_layers().items()))
        entry = {"type": name}
        for key, field in layer.model_fields.items():
            if field.is_required() or random.random() < 0.25:
                entry[field.alias or key] = random.choice([1, 2, 3, 4, 8, 0, -1, [1, 2], [2, 2], 0.5, True, "same", []])
    here.insert(random.randrange(len(here) + 1), entry)


def _order(random: Random, data: Any) -> None:
    """Layers twice, in another order, or fewer of them."""
    if lists := _lists(data):
        here = random.choice(lists)
        i, j = random.randrange(len(here)), random.randrange(len(here))
        match random.randrange(4):
            case 0:
                here.insert(i, copy.deepcopy(here[j]))
            case 1:
                here[i], here[j] = here[j], here[i]
            case 2:
                del here[min(i, j) : max(i, j)]
            case _:
                here[i:i] = copy.deepcopy(here[: random.choice([2, 5, 30])])


def _graft(random: Random, data: Any) -> None:
    """A part of another file, or of this one: blocks that hold themselves among them."""
    mine, others = _some(random, data), _some(random, random.choice([data, random.choice(_data())]))
    if mine and others:
        mine[0][mine[1]] = copy.deepcopy(others[0][others[1]])


def _inputs(random: Random, data: Any) -> None:
    if isinstance(data, dict):
        data["input"] = random.choice(
            [_hostile(random), [random.choice([1, 2, 3, 7, 8, 31, 32, 33]) for _ in range(random.randint(0, 5))],
             {"a": [8, 8, 3], "b": [4]}, {"input": [8, 8, 3]}, [10**6, 1], [10**12, 10**12, 1], [9, 9, 10**6],
             ["$x", 8, 3], [8, 8, None]]
        )  # fmt: skip


def _nest(random: Random, data: Any) -> None:
    """A value inside others."""
    if some := _some(random, data):
        here, key = some
        for _ in range(random.choice([1, 2, 3, 90])):
            here[key] = [here[key]] if random.random() < 0.5 else {random.choice(KEYS): here[key]}


_CHANGES: list[Callable[[Random, Any], None]] = [
    _values, _values, _nudge, _nudge, _nudge, _drop, _drop, _keys, _more_keys, _types, _types, _sources, _sources,
    _flow, _flow, _more_layers, _more_layers, _more_layers, _order, _graft, _inputs, _nest,
]  # fmt: skip


# --- changes to text ------------------------------------------------------------------------------------------------

SIGNS = ["\t", "[", "]", "{", "}", ":", ": ", "- ", "&a ", "*a", "<<: ", "!!int ", "'", '"', "#", "|", ">", "%", "@",
         "`", "\\", ",", "$", "${", "?", "\u202e", "é", "中", "\ufeff", "\r\n", "\r", "\n", "  ", "---\n", "...\n",
         "🙂", "\u0301", "0", "-", ".", "\u2028", "\x1b", "\0"]  # fmt: skip


def _text_mutant(random: Random) -> str:
    lines = _mostly_small(random, bases()).splitlines(keepends=True)
    for _ in range(random.choice([1, 1, 2, 3])):
        i = random.randrange(len(lines)) if lines else 0
        line = lines[i] if lines else ""
        at = random.randrange(len(line) + 1)
        match random.randrange(11):
            case 0:
                del lines[i : i + random.choice([1, 1, 2, 9])]
            case 1:
                lines[i:i] = lines[i : i + random.choice([1, 1, 3])] * random.choice([1, 1, 30])
            case 2:
                lines[i : i + 1] = [line[:at]]
            case 3:
                lines[i : i + 1] = [line.replace(":", "", 1)]
            case 4:
                lines[i : i + 1] = [" " * random.choice([1, 2, 4]) + line]
            case 5:
                lines[i : i + 1] = [line[2:]]
            case 6:
                lines = lines[: i + 1]
            case 7:
                lines[i : i + 1] = [line.replace(",", "", 1)]
            case 8:
                lines[i : i + 1] = [line[: max(at - 1, 0)] + line[at:]]
            case 9:
                lines[i : i + 1] = [line.replace(" ", "\t", 1)]
            case _:
                lines[i : i + 1] = [line[:at] + random.choice(SIGNS) + line[at:]]
    text = "".join(lines)
    return text.replace("\n", "\r\n") if random.random() < 0.03 else text


# --- all that the command prints --------------------------------------------------------------------------------------

CHECKS: list[Command] = [("check", f"--format={each}") for each in ("full", "json", "sarif", "github", "concise")]
PRINTED: list[Command] = [
    *(("plan", f"--format={each}") for each in ("table", "json", "csv", "markdown")),
    ("plan", "--depth=1"),
    ("check", "--diff", "--color=always"),
    ("draw", "--format=dot"),
    ("draw", "--format=mmd", "--depth=1"),
    ("draw", "--style=volumes"),
    ("report",),
    ("code",),
    ("code", "--style=sequential", "--init"),
    ("code", "--style=module", "--asserts", "--main"),
    ("sizes",),
    ("sizes", "--format=json", "--from=1", "--to=64"),
    ("map",),
    ("map", "--format=png"),
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
    """The path to put mutants at; what is planned once serves every command, and nothing is laid out."""
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
    ):
        yield Path(folder, "model.yaml")


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


def run(command: Command, path: Path) -> Failure | None:
    """What a command on a file came to, if not to an answer."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    signal.signal(signal.SIGVTALRM, _too_long)
    try:
        with redirect_stdout(out), redirect_stderr(out):
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
            function, options = _parsed(command)
            code = function(**options, **{"files": (str(path),)} if command[0] == "check" else {"file": str(path)})
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
    for command in every if most is None else [CHECKS[number % len(CHECKS)], *random.sample(list(every), most)]:
        if found := run(command, path):
            yield found


# --- by itself --------------------------------------------------------------------------------------------------------


def shrunken(text: str, failure: Failure, path: Path) -> str:
    """A smaller text of which a command comes to the same failure."""

    def fails(shorter: str) -> bool:
        path.write_text(shorter, encoding="utf-8", newline="")
        found = run(failure.command, path)
        return found is not None and (found.error.split(":")[0], found.where) == (
            failure.error.split(":")[0],
            failure.where,
        )

    try:
        data = parse(text).data
    except Fault:
        data = None
    if data is not None and fails(_dumped(data)):
        while smaller := next((each for each in _smaller(data) if fails(_dumped(each))), None):
            data = smaller
        return _dumped(data)
    lines = text.splitlines(keepends=True)
    size = len(lines)
    while size:
        for i in range(0, len(lines), size):
            while i < len(lines) and fails("".join(lines[:i] + lines[i + size :])):
                del lines[i : i + size]
        size //= 2
    return "".join(lines)


def _smaller(data: Any) -> Iterator[Any]:
    """The values without each of their parts."""
    paths: list[tuple[Any, ...]] = [()]
    for path in paths:
        here = data
        for part in path:
            here = here[part]
        if isinstance(here, dict | list):
            paths += [(*path, key) for key in (here if isinstance(here, dict) else range(len(here)))]
    for path in paths[1:]:
        smaller = copy.deepcopy(data)
        here = smaller
        for part in path[:-1]:
            here = here[part]
        del here[path[-1]]
        yield smaller


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(count: int, first: int = 0) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    folder = Path("mutants")
    folder.mkdir(exist_ok=True)
    seen: dict[tuple[str, str], int] = {}
    with workshop() as path:
        for number in range(first, first + count):
            for found in failures(number, path):
                key = (found.error.split(":")[0], found.where or found.command[0])
                seen[key] = seen.get(key, 0) + 1
                if seen[key] == 1:
                    small = shrunken(mutant(number), found, path) if found.where else mutant(number)
                    (folder / f"{number}-{'-'.join(key).replace(':', '-')}.yaml").write_text(small, encoding="utf-8")
                    _tell(f"{number} {' '.join(found.command)}\n  {found.error}\n  {found.trace}\n{small}")
            if number % 1000 == 999:
                _tell(f"{number + 1 - first} mutants, {sum(seen.values())} failures of {len(seen)} kinds")
    for key, times in sorted(seen.items()):
        _tell(f"{times} {' '.join(key)}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
