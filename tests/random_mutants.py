"""Model files in pieces: what people could come to write, and what nobody would.

A mutant is a model file to which one to three things were done: to its values (keys, types, sources, names, numbers,
expressions, nesting) or to its text (lines, signs, indentation).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from planner.diagnostics import Fault
from planner.layers import all_layers
from planner.source import parse
from planner.workbench import checked_text

ROOT = Path(__file__).parents[1]
FOLDERS = ("configs", "docs/models", "tests/cases", "tests/stories")
MOST_STEPS = 60
"""Of a file that mutants are made of; larger ones are only slower."""

LEFT_OUT = {"arg-split-dim", "mutants"}
"""Of the files: one for which `sizes` takes minutes, until it does not, and those that mutants have left."""


@cache
def bases() -> list[str]:
    """The texts that mutants are made of."""
    files = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.yaml"))
    texts = [
        file.read_text(encoding="utf-8") for file in files if not LEFT_OUT & {*file.relative_to(ROOT).parts, file.stem}
    ]
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
    return dumped(data)


def dumped(data: Any) -> str:
    dumper = yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper
    return yaml.dump(data, Dumper=dumper, sort_keys=False, allow_unicode=True, width=200)


# --- changes to values ------------------------------------------------------------------------------------------------

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


def _several_inputs(random: Random, data: Any) -> None:
    """More inputs of the model, or of a block, and layers that read them."""
    if not (isinstance(data, dict) and (entries := _entries(data))):
        return
    names = random.choice([["a", "b"], ["input", "x"], ["x"], [f"x{i}" for i in range(9)]])
    given = data.get("input") if isinstance(data.get("input"), list) else [8, 8, 3]
    blocks = [each for each in _containers(data.get("blocks")) if "layers" in each]
    if blocks and random.random() < 0.4:
        random.choice(blocks)["inputs"] = random.choice([names, [*names, "*rest"], names[::-1]])
    else:
        data["input"] = {name: copy.deepcopy(random.choice([given, given, given, [8, 8, 3], [4]])) for name in names}
    for _ in range(random.choice([1, 2, 3])):
        random.choice(entries)["from"] = random.choice([names[0], names[-1], names[:2], [*names, "input"], ["*rest"]])


def _padding(random: Random, data: Any) -> None:
    """Padding in each of its forms, mostly where there is a window."""
    windowed = [each for each in _entries(data) if "kernel_size" in each or "Pad" in str(each["type"])]
    if entries := windowed or _entries(data):
        entry = random.choice(entries)
        rank = random.choice([1, 2, 2, 2, 3])
        entry["padding"] = random.choice(
            [random.choice(["same", "tf_same"]), random.choice([0, 1, 2, -1]), [random.randint(0, 3)] * rank,
             [[random.randint(-1, 3), random.randint(0, 4)] for _ in range(rank)],
             [random.randint(-2, 3) for _ in range(2 * rank)], [random.choice(["same", 1])] * rank]
        )  # fmt: skip
        more: dict[str, list[Any]] = {
            "stride": [1, 2, 3, 5], "dilation": [1, 2, 3], "kernel_size": [1, 2, 3, 4], "ceil_mode": [True, False],
            "padding_mode": ["reflect", "circular"], "count_include_pad": [False], "type": ["MaxPool2d", "AvgPool2d"],
        }  # fmt: skip
        for key in random.sample(sorted(more), random.choice([0, 0, 1, 2])):
            entry[key] = random.choice(more[key])


def _alternatives(random: Random, data: Any) -> None:
    """A layer and another one of the same name, each under its condition; and what reads them."""
    if not (lists := [each for each in _lists(data) if any(isinstance(e, dict) and "type" in e for e in each)]):
        return
    here = random.choice(lists)
    entry = random.choice([each for each in here if isinstance(each, dict) and "type" in each])
    other = copy.deepcopy(random.choice([entry, *_entries(random.choice(_data()))]))
    name = entry.setdefault("name", random.choice(["act", "x", "a${index}"]))
    other["name"] = random.choice([name, name, name, "other"])
    condition = random.choice(["$kind == {}", "$index % 2 == {}", "${} == 0", "$input.channels == {}", "$not {}"])
    entry["when"], other["when"] = (condition.format(random.choice([i, i, i, 0])) for i in (0, 1))
    at = next(i for i, each in enumerate(here) if each is entry)
    here.insert(at + random.choice([0, 1, 1, 1]), other)
    if isinstance(data, dict) and random.random() < 0.8:
        params = data.setdefault("params", {})
        if isinstance(params, dict):
            params["kind"] = random.choice([0, 1, 2, True, 1.5])
    if len(here) > at + 2 and isinstance(here[at + 2], dict):
        here[at + 2]["from"] = random.choice([name, [name, name], [name, "input"], f"{name}.0"])


def _copies(random: Random, data: Any) -> None:
    """A layer or block repeated, whose copies differ by their number."""
    if not (entries := [each for each in _entries(data) if len(each) > 1] or _entries(data)):
        return
    entry = random.choice(entries)
    entry["repeat"] = random.choice([0, 1, 2, 2, 3, 3, 5, 12, 40])
    keys = [key for key, value in entry.items() if isinstance(value, int) and key != "repeat"] or ["out_channels"]
    for key in random.sample(keys, min(len(keys), random.choice([1, 1, 2]))):
        was = entry.get(key, 1)
        entry[key] = random.choice([f"${was} * ($index + 1)", f"$2 ** $index * {was}", f"${was} - $index", "$index",
                                    f"$max({was}, $index)", f"${was} if $index else 1", "$8 // $index"])  # fmt: skip
    if random.random() < 0.5:
        entry["name"] = random.choice(["a${index}", "a${index + 1}", "a", "${index}", "a${index}.b", "a${index // 2}"])
    if random.random() < 0.3:
        entry["when"] = random.choice(["$index > 0", "$index == 0", "$index % 2", "$index < 1"])
    if random.random() < 0.3:
        random.choice(entries)["from"] = random.choice(["a.*", "a.0", "a0", ["a.*", "input"], "a"])


def _nest(random: Random, data: Any) -> None:
    """A value inside others."""
    if some := _some(random, data):
        here, key = some
        for _ in range(random.choice([1, 2, 3, 90])):
            here[key] = [here[key]] if random.random() < 0.5 else {random.choice(KEYS): here[key]}


_CHANGES: list[Callable[[Random, Any], None]] = [
    _values, _values, _nudge, _nudge, _nudge, _drop, _drop, _keys, _more_keys, _types, _types, _sources, _sources,
    _flow, _flow, _more_layers, _more_layers, _more_layers, _order, _graft, _inputs, _nest,
    _several_inputs, _padding, _padding, _alternatives, _alternatives, _copies, _copies,
]  # fmt: skip


# --- changes to text --------------------------------------------------------------------------------------------------

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
