"""`planner calc`: the published examples, a window walked cell by cell, and every change that it proposes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction
from math import prod
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from planner import manual
from planner.cli import main
from planner.hand_rule import Request, work_out
from planner.outputs._screen import Screen, columns
from planner.outputs.calc.text import render

FEW = settings(max_examples=settings.default.max_examples // 4 if settings.default else 50)
"""For tests that run the command many times for each example."""


def run(command: str) -> Result:
    return CliRunner().invoke(main, ["calc", *command.split()])


def calc(command: str) -> dict[str, Any]:
    """What the command says as JSON."""
    result = run(f"{command} --format json")
    assert result.exit_code in (0, 1), result.output
    answer: dict[str, Any] = json.loads(result.output)
    return answer


def axis(command: str) -> dict[str, Any]:
    """What the command says of its only axis."""
    (only,) = calc(command)["axes"]
    assert isinstance(only, dict)
    return only


def out(command: str) -> tuple[int, ...]:
    return tuple(calc(command)["out"])


# The hand rule as it was first written down

HAND_RULE = """
n    kernel  stride  at_stride_1  size  lost
416  7       1       410          410   0
417  7       1       411          411   0
416  7       2       410          205   1
417  7       2       411          206   0
448  9       2       440          220   1
445  9       2       437          219   0
608  11      2       598          299   1
13   9       2       5            3     0
"""


def rows(table: str) -> list[tuple[int, ...]]:
    return [tuple(map(int, line.split())) for line in table.strip().splitlines()[1:]]


@pytest.mark.parametrize(("n", "kernel", "stride", "at_stride_1", "size", "lost"), rows(HAND_RULE))
def test_hand_rule(n: int, kernel: int, stride: int, at_stride_1: int, size: int, lost: int) -> None:
    found = axis(f"{n} -k {kernel} -s {stride}")
    assert found["working"][2]["number"] == at_stride_1
    assert found["out"] == size
    assert found["loss"]["lost"] == lost
    if stride == 2:
        assert size == (at_stride_1 // 2 if lost else at_stride_1 // 2 + 1)


def test_padding_gives_back_what_the_kernel_costs() -> None:
    assert out("416 -k 7 -p 3") == out("416 -k 7 --same") == (416,)


@given(n=st.integers(1, 60), kernel=st.integers(1, 60))
def test_a_kernel_never_discards_a_cell(n: int, kernel: int) -> None:
    assume(kernel <= n)
    assert calc(f"{n} -k {kernel}")["unread"] == 0


def test_kernel_1_with_stride_10_skips_whole_stretches() -> None:
    found = axis("100 -k 1 -s 10")
    assert (found["out"], found["loss"]["skipped"], found["loss"]["lost"]) == (10, 81, 9)
    skipped = next(each for each in found["findings"] if each["name"] == "skipped-cells")
    assert skipped["cells"] == [[10 * i + 1, 10 * i + 9] for i in range(9)]


# V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285

GUIDE = """
n  kernel  stride  padding  dilation  size
4  3       1       0        1         2
5  4       1       2        1         6
5  3       1       1        1         5
5  3       1       2        1         7
5  3       2       0        1         2
5  3       2       1        1         3
6  3       2       1        1         3
7  3       1       0        2         3
"""
WAYS_BACK = """
n  kernel  stride  padding  output_padding  size
2  3       1       0        0               4
6  4       1       2        0               5
5  3       1       1        0               5
7  3       1       2        0               5
2  3       2       0        0               5
3  3       2       1        0               5
3  3       2       1        1               6
36 3       2       0        0               73
80 11      3       0        0               248
16 3       2       1        0               31
16 3       2       1        1               32
"""


@pytest.mark.parametrize(("n", "k", "s", "p", "d", "size"), rows(GUIDE))
def test_guide(n: int, k: int, s: int, p: int, d: int, size: int) -> None:
    assert out(f"{n} -k {k} -s {s} -p {p} -d {d}") == (size,)


def test_last_row_of_the_padded_input_is_not_covered() -> None:
    found = axis("6 -k 3 -s 2 -p 1")
    assert (found["loss"]["uneven"], found["loss"]["lost"], found["off_center"]) == (1, 0, "-1/2")


@pytest.mark.parametrize(("n", "k", "s", "p", "extra", "size"), rows(WAYS_BACK))
def test_way_back(n: int, k: int, s: int, p: int, extra: int, size: int) -> None:
    command = f"{n} -k {k} -s {s} -p {p} --transposed"
    found = axis(f"{command} --output-padding {extra}" if extra else command)
    assert found["out"] == size
    assert {"size": size, "output_padding": extra} in found["way_back"]
    forward = axis(f"{size} -k {k} -s {s} -p {p}")
    assert (forward["out"], forward["loss"]["leftover"]) == (n, extra)


@FEW
@given(n=st.integers(1, 40), k=st.integers(1, 7), s=st.integers(1, 5), p=st.integers(0, 4), d=st.integers(1, 3))
def test_leftover_is_the_output_padding_that_leads_back(n: int, k: int, s: int, p: int, d: int) -> None:
    numbers = f"-k {k} -s {s} -p {p} -d {d}"
    forward = axis(f"{n} {numbers}")
    assume(forward["out"] is not None)
    leftover = forward["loss"]["leftover"]
    back = axis(f"{forward['out']} {numbers} --transposed --output-padding {leftover}" if leftover else
                f"{forward['out']} {numbers} --transposed")  # fmt: skip
    assert back["out"] == n
    assert {"size": n, "output_padding": leftover} in back["way_back"]
    for origin in back["way_back"]:
        again = axis(f"{origin['size']} {numbers}")
        assert (again["out"], again["loss"]["leftover"]) == (forward["out"], origin["output_padding"])


# Rounding, as PyTorch and TensorFlow have it

CEIL = [
    ("6x7 -k 1 -s 2", (3, 4)),
    ("32 -k 1 -s 2", (16,)),
    ("5 -k 2 -s 2 -p 1", (3,)),
    ("8x10 -k 3 -s 4", (2, 3)),
    ("54 -k 3 -s 2", (27,)),
    ("80x200 -k 3 -s 2", (40, 100)),
    ("112 -k 3 -s 2", (56,)),
    ("28 -k 3 -s 2 -p 1", (15,)),
    ("64 -k 3 -s 2 -p 1", (33,)),
    ("25 -k 2 -s 2", (13,)),
]
FLOOR = [("54 -k 3 -s 2", 26), ("112 -k 3 -s 2", 55), ("28 -k 3 -s 2 -p 1", 14)]
TF_SAME = """
n    kernel  stride  size  before  after
224  7       2       112   2       3
224  3       2       112   0       1
225  3       2       113   1       1
6    3       2       3     0       1
96   7       2       48    2       3
321  7       2       161   3       3
5    1       2       3     0       0
9    3       2       5     1       1
8    3       2       4     0       1
"""


@pytest.mark.parametrize(("command", "sizes"), CEIL)
def test_ceil_mode(command: str, sizes: tuple[int, ...]) -> None:
    assert out(f"{command} --ceil") == sizes


@pytest.mark.parametrize(("command", "size"), FLOOR)
def test_without_ceil_mode(command: str, size: int) -> None:
    assert out(command) == (size,)


@pytest.mark.parametrize(("n", "k", "s", "size", "before", "after"), rows(TF_SAME))
def test_tensorflow_same(n: int, k: int, s: int, size: int, before: int, after: int) -> None:
    found = axis(f"{n} -k {k} -s {s} --tf-same")
    assert found["out"] == size
    said = [line["why"] for line in found["working"] if line["sign"] == "+"]
    sides = f"{before} on both sides" if before == after else f"{before} before, {after} after"
    assert said == ([f"TensorFlow's SAME gives back: {sides}"] if after else [])
    shift = Fraction(found["off_center"])
    assert shift == Fraction(after - before, 2) or (k < s and shift == Fraction((size - 1) * s + k - n, 2))


OVERLAP = [
    ("-k 2 -s 2", "1 1 1 1 1 1 1 1 1 1 1 1", [1, 1]),
    ("-k 3 -s 2", "1 1 2 1 2 1 2 1 2 1 2 1 1", [2, 1]),
    ("-k 4 -s 2", "1 1 2 2 2 2 2 2 2 2 2 2 1 1", [2, 2]),
    ("-k 5 -s 2", "1 1 2 2 3 2 3 2 3 2 3 2 2 1 1", [3, 2]),
    ("-k 6 -s 3", "1 1 1 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 1 1 1", [2, 2, 2]),
    ("-k 5 -s 3", "1 1 1 2 2 1 2 2 1 2 2 1 2 2 1 2 2 1 1 1", [2, 2, 1]),
]


@pytest.mark.parametrize(("numbers", "cells", "period"), OVERLAP)
def test_inputs_that_write_each_cell(numbers: str, cells: str, period: list[int]) -> None:
    command = f"6 {numbers} --transposed"
    assert cells in run(command).output
    found = axis(command)
    assert found["overlap"] == period
    assert (len(set(period)) > 1) == any(each["name"] == "uneven-overlap" for each in found["findings"])


# L.-C. Chen et al., "Rethinking Atrous Convolution", arXiv:1706.05587: of the 9 taps of a 3×3, how many meet real cells

MEAN_TAPS = [
    (33, {6: "6.95", 12: "5.17", 18: "3.64", 24: "2.39", 36: "1.00"}),
    (65, {6: "7.93", 12: "6.92", 18: "5.98", 24: "5.11", 36: "3.58"}),
    (16, {6: "5.06", 12: "2.25", 18: "1.00", 24: "1.00", 36: "1.00"}),
]


@pytest.mark.parametrize(
    ("n", "rate", "mean"), [(n, rate, mean) for n, means in MEAN_TAPS for rate, mean in means.items()]
)
def test_taps_on_real_cells(n: int, rate: int, mean: str) -> None:
    command = f"{n}x{n} -k 3 -d {rate} -p {rate}"
    assert f"On average {mean} of 9 taps fall on cells" in run(command).output
    names = [each["name"] for each in calc(command)["axes"][0]["findings"]]
    assert names == (["padding-only-taps"] if mean == "1.00" else [])


# Against a window walked cell by cell


@st.composite
def windows(draw: st.DrawFn) -> tuple[int, int, int, int, int, int, bool]:
    """n, kernel, stride, dilation, padding before and after, ceil_mode."""
    n, kernel, stride = draw(st.integers(1, 30)), draw(st.integers(1, 7)), draw(st.integers(1, 6))
    dilation, before = draw(st.integers(1, 4)), draw(st.integers(0, 5))
    after = draw(st.just(before) | st.integers(0, 5))
    return n, kernel, stride, dilation, before, after, draw(st.booleans()) and max(before, after) <= kernel // 2


def command_of(n: int, k: int, s: int, d: int, before: int, after: int, ceil: bool) -> str:
    return f"{n} -k {k} -s {s} -d {d} -p {before},{after}{' --ceil' if ceil else ''}"


def walked(n: int, k: int, s: int, d: int, before: int, after: int, ceil: bool) -> list[list[int]]:
    """The cells of each window; in ceil_mode one more for what is left, if it starts on a cell (torch.nn.MaxPool2d)."""
    extent, starts = d * (k - 1) + 1, []
    start = -before
    while start + extent <= n + after:
        starts.append(start)
        start += s
    left = (
        n + after - (start - s + extent)
    )  # cells past the last window, or without one, past one a stride before the axis
    if ceil and left > 0 and start < n:
        starts.append(start)
    return [[start + j * d for j in range(k)] for start in starts]


@given(windows())
def test_all_that_is_said_of_a_window_is_so(window: tuple[int, int, int, int, int, int, bool]) -> None:
    n, k, _, _, _, after, _ = window
    found = axis(command_of(*window))
    cells = walked(*window)
    if found["out"] is None:
        assert cells == []
        return
    assert found["out"] == len(cells)
    read = {cell for each in cells for cell in each if 0 <= cell < n}
    unread = set(range(n)) - read
    end = cells[-1][-1]
    loss = found["loss"]
    assert loss["lost"] == len([cell for cell in unread if cell > end])
    assert loss["skipped"] == len([cell for cell in unread if cell < end])
    assert loss["uneven"] == len([cell for cell in range(n, n + after) if cell > end])
    assert loss["overhang"] == max(end - (n + after) + 1, 0)
    assert loss["blank"] == sum(not any(0 <= cell < n for cell in each) for each in cells)
    assert found["taps"] == [sum(0 <= each[j] < n for each in cells) for j in range(k)]
    assert Fraction(found["off_center"]) == Fraction(cells[0][0] + end, 2) - Fraction(n - 1, 2)
    named = {each["name"]: each for each in found["findings"]}
    shown = {
        cell
        for name in ("lost-cells", "skipped-cells")
        for first, last in named.get(name, {"cells": []})["cells"]
        for cell in range(first, last + 1)
    }
    assert shown == unread
    assert set(named) == {
        *(["lost-cells"] if loss["lost"] else []),
        *(["skipped-cells"] if loss["skipped"] else []),
        *(["uneven-padding"] if loss["uneven"] and not loss["lost"] else []),
        *(["overhang"] if loss["overhang"] else []),
        *(["blank-windows"] if loss["blank"] else []),
        *(["padding-only-taps"] if 0 in found["taps"] else []),
    }
    if "lost-cells" in named:
        _true_of_the_end(named["lost-cells"]["text"], window, cells)


def _true_of_the_end(text: str, window: tuple[int, int, int, int, int, int, bool], cells: list[list[int]]) -> None:
    """The numbers in the sentence on lost cells: where the last window ends, and what the next would need."""
    n, _, stride, _, _, after, _ = window
    numbers = re.search(r"window ends on cell (-?\d+); the next, (\d+) further on, needs (\d+) cells? more", text)
    assert numbers, text
    assert tuple(map(int, numbers.groups())) == (cells[-1][-1], stride, cells[-1][-1] + stride - (n + after) + 1)


WORKED: dict[str, Callable[[int, int], int]] = {
    "+": lambda value, number: value + number,
    "−": lambda value, number: value - number,
    "÷": lambda value, number: -(-value // number),
    "×": lambda value, number: (value - 1) * number + 1,
}


@given(windows(), st.booleans())
def test_the_working_adds_up(window: tuple[int, int, int, int, int, int, bool], transposed: bool) -> None:
    n, k, s, d, before, _, _ = window
    found = axis(f"{n} -k {k} -s {s} -d {d} -p {before} --transposed" if transposed else command_of(*window))
    value = n
    for line in found["working"]:
        if line["sign"]:
            value = WORKED[line["sign"]](value, line["number"])
        assert line["sign"] or line["number"] == value
    assert found["out"] == (value if value > 0 else None)


# What it proposes


def applied(command: str, change: dict[str, Any]) -> str:
    """The command with the change made: its size, or the options that it names."""
    if change["name"] == "size":
        return f"{change['argument']} {command.partition(' ')[2]}"
    given = dict(re.findall(r"(-\S+) ([\d,]+)", command))
    given |= dict(re.findall(r"(-\S+) ([\d,]+)", change["argument"]))
    flags = [word for word in (*command.split(), *change["argument"].split()) if word.startswith("--")]
    flags = [word for word in dict.fromkeys(flags) if word not in given]
    return " ".join([command.partition(" ")[0], *(f"{name} {value}" for name, value in given.items()), *flags])


@FEW
@given(windows(), st.sampled_from(["", " --same", " --tf-same"]))
def test_every_change_loses_nothing(window: tuple[int, int, int, int, int, int, bool], padding: str) -> None:
    n, k, s, d, before, after, ceil = window
    command = command_of(n, k, s, d, before, after, ceil)
    if padding:
        command = f"{n} -k {k} -s {1 if padding == ' --same' else s} -d {d}{padding}"
    found = axis(command)
    assert not found["changes"] or found["findings"]
    for change in found["changes"]:
        again = axis(applied(command, change))
        assert again["out"] == change["out"]
        names = [each["name"] for each in again["findings"]]
        assert names == (["overhang"] if change["name"] == "ceil_mode" else [])
        assert again["loss"]["lost"] == again["loss"]["skipped"] == again["loss"]["blank"] == 0


@FEW
@given(n=st.integers(1, 20), k=st.integers(1, 7), s=st.integers(1, 5), p=st.integers(0, 4), d=st.integers(1, 3),
       extra=st.integers(0, 4))  # fmt: skip
def test_every_change_of_a_transposed_one_writes_evenly(n: int, k: int, s: int, p: int, d: int, extra: int) -> None:
    assume(extra < max(s, d))
    command = f"{n} -k {k} -s {s} -p {p} -d {d} --transposed --output-padding {extra}"
    found = axis(command)
    written = [
        sum((o + p - j * d) % s == 0 and 0 <= (o + p - j * d) // s < n for j in range(k))
        for o in range(found["out"] or 0)
    ]
    assert found["out"] is None or found["unwritten"] == written.count(0)
    for change in found["changes"]:
        again = axis(applied(command, change))
        assert again["out"] == change["out"]
        assert (again["findings"], again["unwritten"], len(set(again["overlap"]))) == ([], 0, 1)


@FEW
@given(n=st.integers(1, 60), bins=st.integers(1, 40))
def test_every_change_of_an_adaptive_pool_has_bins_alike(n: int, bins: int) -> None:
    command = f"{n} --adaptive {bins}"
    found = axis(command)
    sizes = {-(-(i + 1) * n // bins) - i * n // bins for i in range(bins)}
    assert found["bin_sizes"] == sorted(sizes)
    assert bool(found["changes"]) == bool(n % bins)
    for change in found["changes"]:
        again = axis(applied(command, change))
        assert (again["out"], again["findings"], len(again["bin_sizes"])) == (change["out"], [], 1)


def test_the_nearest_come_first() -> None:
    changes = axis("416 -k 7 -s 2")["changes"]
    assert [(each["argument"], each["out"]) for each in changes if each["name"] == "size"] == [
        ("415", 205), ("417", 206), ("413", 204),
    ]  # fmt: skip
    assert [each["argument"] for each in changes if each["name"] == "kernel"] == ["-k 6", "-k 8", "-k 4"]
    assert [each["argument"] for each in changes if each["name"] == "padding"][:2] == ["-p 0,1", "-p 1,0"]


# Several axes


def test_axes_have_their_own_numbers() -> None:
    answer = calc("224×200 -k 7x3 -s 2 -p 3x0,1")
    assert answer["out"] == [112, 100]
    assert [each["axis"] for each in answer["axes"]] == ["height", "width"]
    assert answer["unread"] == 0


@pytest.mark.parametrize(
    ("command", "unread"), [("6x7 -k 1 -s 2", 30), ("224x224 -k 3 -s 2", 447), ("8x8x8 -k 2 -s 2", 0)]
)
def test_cells_that_nothing_reads(command: str, unread: int) -> None:
    answer = calc(command)
    assert answer["unread"] == unread
    sizes = answer["in"]
    said = f"{unread:,} of {prod(sizes):,} cells are read by nothing." in run(command).output
    assert said == bool(unread)


# As it is read

COMMANDS = [
    "416 -k 7 -s 2",
    "417 -k 7 -s 2",
    "224 -k 3 -s 2",
    "224 -k 3 -s 2 -p 1",
    "13 -k 9 -s 2",
    "100 -k 1 -s 10",
    "54 -k 3 -s 2 --ceil",
    "32 -k 3 -s 2 -p 1 --transposed",
    "33 -k 3 -p 36 -d 36",
    "6x7 -k 1 -s 2",
    "5 -k 7",
    "100000 -k 1000 -s 999 -p 500",
    "10 -k 2 -s 3 --transposed --output-padding 2",
    "1000 --adaptive 7",
]
ESCAPE = re.compile(r"\x1b\[[\d;]*m")


@pytest.mark.parametrize("command", COMMANDS)
def test_text_fits_the_screen(command: str) -> None:
    request = run(f"{command} --format json")
    assert request.exit_code == (command == "5 -k 7")
    paper = work_out(_request(command))
    for width in (60, 80, 200):
        assert max(map(columns, render(paper, Screen(width)).splitlines())) <= width
    plain = render(paper, Screen(80))
    assert run(command).output == plain
    assert ESCAPE.sub("", render(paper, Screen(80, colour=True))) == plain
    assert render(paper, Screen(80, unicode=False)).isascii()
    assert all(line == line.rstrip() for line in plain.splitlines())


def _request(command: str) -> Request:
    size, *words = command.split()
    names = {"-k": "kernel", "-s": "stride", "-p": "padding", "-d": "dilation"}
    given: dict[str, Any] = {}
    while words:
        name = words.pop(0)
        key = names.get(name, name.removeprefix("--").replace("-", "_"))
        given[key] = True if name in ("--ceil", "--transposed") else words.pop(0)
    return Request(size=size, **given)


@given(windows(), st.integers(40, 100))
def test_pictures_of_any_window_fit(window: tuple[int, int, int, int, int, int, bool], width: int) -> None:
    from planner.outputs.calc._strip import drawn

    (working,) = work_out(_request(command_of(*window))).axes
    if working.strip is None:
        assert working.out is None
        return
    lines = drawn(working.strip, Screen(width))
    assert max(map(columns, lines)) <= min(width, 80)
    cells = lines[1].replace(" ", "")
    if "…" not in cells:
        assert cells.count("×") == working.loss.lost
        assert cells.count("○") == working.loss.skipped
        assert cells.count("◌") == working.loss.leftover - working.loss.lost


PICTURES = {
    "13 -k 9 -s 2": """
            0                      12
            ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■
  window 0  └───────────────┘
         1      └───────────────┘
         2          └───────────────┘
            ■ cell
""",
    "8 -k 3 -d 3 -s 2 -p 2": """
                0             7
            · · ■ ■ ■ ■ ■ ■ ■ ○ · ◌
  window 0  └─────┴─────┘
         1      └─────┴─────┘
         2          └─────┴─────┘
            ■ cell   ○ skipped   · padding   ◌ padding that is not read
""",
    "4 -k 2 -s 2 --transposed --output-padding 1": """
           0               8
           1 1 1 1 1 1 1 1 0
  input 0  └─┘
        1      └─┘
        2          └─┘
        3              └─┘
           1, 2, … inputs that write the cell
""",
}


@pytest.mark.parametrize("command", PICTURES)
def test_picture(command: str) -> None:
    assert PICTURES[command] in run(command).output


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_found_is_in_the_manual(command: str) -> None:
    for working in work_out(_request(command)).axes:
        for finding in working.findings:
            assert (manual.page(finding.name, Screen()) is not None) == finding.explained


# What is no layer

REFUSED = {
    "416": "the kernel is missing; give it as -k 3, or as -k 7x3 for two axes",
    "abc -k 3": "the size: `abc` is not a whole number; write it as 416, or 224x200 for two axes",
    "7x -k 3": "the size: `7x` is not a whole number; write it as 416, or 224x200 for two axes",
    "0 -k 3": "the size: `0` is too small; the least is 1",
    "1000001 -k 3": "the size: `1000001` is too large; 1,000,000 is the most that is worked out",
    "1x2x3x4 -k 1": "`1x2x3x4` has 4 axes; at most 3 are worked out, without the channels",
    "9 -k 0": "-k: `0` is too small; the least is 1",
    "9 -k 3 -s 0": "-s: `0` is too small; the least is 1",
    "9 -k \u0663": "-k: `\u0663` is not a whole number; write it as -k 3, or -k 7x3 for two axes",
    "9 -k 7x3": "-k has 2 numbers, and `9` has 1 axis; give one for all, or one for each",
    "9x9x9 -k 7x3": "-k has 2 numbers, and `9x9x9` has 3 axes; give one for all, or one for each",
    f"9 -k {10**30}": f"-k: `{10**30}` is too large; 10,000 is the most that is worked out",
    "9 -k 3 -p 1,2,3": "-p: `1,2,3` are more than two sides; write it as -p 1, as -p 0,1 for before and after, "
    "or as -p 1x0,1 for two axes",
    "9 -k 3 -p same": "-p takes numbers; for the word there is --same",
    "9 -k 3 --same -s 2": "padding='same' is not supported for strided convolutions: stride is 2; use --tf-same for "
    "TensorFlow's meaning, or a number: -p 1",
    "9 -k 3 --same --tf-same": "--same and --tf-same do not go together: `same` says all about the padding; "
    "leave one out",
    "9 -k 3 --tf-same --ceil": "--tf-same and --ceil do not go together: TensorFlow's SAME says all about the padding; "
    "leave one out",
    "9 -k 3 --output-padding 1": "--output-padding belongs to a transposed convolution; add --transposed, "
    "or leave it out",
    "9 -k 3 -s 2 --transposed --output-padding 2": "output padding must be smaller than either stride or dilation: 2, "
    "with stride 2 and dilation 1; use --output-padding 1 or less",
    "9 -k 3 -p 1,2 --transposed": "-p: a transposed convolution cuts the same off both ends, not 1,2; use -p 1",
    "9 -k 3 -p 2 --ceil": "pad should be at most half of effective kernel size: only pools have --ceil, "
    "and kernel 3 allows -p 1; use that or less",
    "9 -k 3 --ceil --transposed": "--transposed and --ceil do not go together: a transposed convolution has no such "
    "thing; leave one out",
    "9 --adaptive 3 -k 2": "--adaptive and -k do not go together: an adaptive pool makes its windows itself; "
    "leave one out",
    "1000000 -k 3 -s 99 --transposed": "98,999,904 cells would come out; 10,000,000 are the most that is worked out",
}


@pytest.mark.parametrize("command", REFUSED)
def test_refused(command: str) -> None:
    result = run(command)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error: {REFUSED[command]}\n = help: planner calc --help\n"


@FEW
@given(
    st.lists(st.text(max_size=6) | st.sampled_from(["-k", "-s", "-p", "3", "--ceil", "--transposed", "9"]), max_size=6)
)
def test_whatever_stands_there_is_answered_or_refused(words: list[str]) -> None:
    result = CliRunner().invoke(main, ["calc", "--", *words] if words else ["calc"])
    assert result.exit_code in (0, 1, 2)
    assert "internal error" not in result.output
    again = CliRunner().invoke(main, ["calc", *words])
    assert again.exit_code in (0, 1, 2)
    assert "internal error" not in again.output


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("5 -k 7", "Kernel size can't be greater than actual input size: a window that spans 7 on 5 cells"),
        ("1 -k 2 -p 4 --transposed", "Output size is too small: the padding takes all that there is"),
    ],
)
def test_nothing_comes_out(command: str, message: str) -> None:
    answer = calc(command)
    assert run(command).exit_code == 1
    assert (answer["out"], answer["unread"], answer["axes"][0]["loss"]) == (None, None, None)
    assert answer["axes"][0]["findings"][0]["text"].startswith(message)
    assert answer["axes"][0]["changes"]
