"""What is printed: the table, the findings, and the formats for other programs."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import planner
from planner.geometry import Shape
from planner.manual import all_kinds, example
from planner.outputs import endings, formats, renderer, stated
from planner.outputs._findings import Tally, path_text
from planner.outputs._fold import rows
from planner.outputs._json import laid_out
from planner.outputs._screen import Screen, columns, cut, excerpt, padded, printable, wrapped
from planner.outputs.plan.table import memory, shapes_text
from planner.outputs.report import html
from planner.outputs.report._data import data
from planner.words import counted
from planner.workbench import Checked, checked, checked_text

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(each.stem for each in (ROOT / "configs").glob("*.yaml"))
SCREEN = Screen(80)
ANSI = re.compile(r"\x1b\[[\d;]*m")
HOSTILE = st.text(st.characters(exclude_categories=[]), max_size=60)


@cache
def config(name: str) -> Checked:
    report = checked(ROOT / "configs" / f"{name}.yaml")
    # As one sees it who stands in the repository, wherever the tests are run.
    report.source.file = f"configs/{name}.yaml"
    return report


def model(text: str) -> Checked:
    return checked_text(text, "configs/m.yaml")


def full(report: Checked, width: int = 80) -> str:
    text: str = renderer("check", "full")([report], Screen(width))
    return text


# Goldens: what it looks like


@pytest.mark.parametrize("name", ["lenet5", "resnet50", "unet", "densenet121", "vit_b_16"])
@pytest.mark.parametrize("width", [80, 120])
def test_tables(name: str, width: int, golden: Callable[[str, str], None]) -> None:
    golden(f"table/{name}-{width}.txt", renderer("plan", "table")(config(name), Screen(width), None))


@pytest.mark.parametrize("name", ["resnet50", "inception_v3", "densenet121"])
@pytest.mark.parametrize("depth", [1, 2])
def test_folded_tables(name: str, depth: int, golden: Callable[[str, str], None]) -> None:
    golden(f"table/{name}-80-depth{depth}.txt", renderer("plan", "table")(config(name), SCREEN, depth))


FAULTY = """\
name: faulty
input: [56, 56, 64]
layers:
  - {name: conv1, type: Conv2d, out_channels: 64, kernel_size: 3}
  - {name: good, type: stage, groups: 4}
  - {name: bad, type: stage, groups: 3}
  - {name: late, type: Conv2d, out_channels: 8, kernel_size: 1, strid: 2}
  - {type: ReLU, from: conv1}
blocks:
  stage:
    params: {groups: }
    layers:
      - {type: Conv2d, out_channels: 64, kernel_size: 1}
      - {type: grouped, groups: $groups}
  grouped:
    params: {groups: }
    layers:
      - type: Conv2d
        out_channels: 96
        kernel_size: 3
        groups: $groups
      - {type: ReLU}
"""


@pytest.mark.parametrize(("command", "format"), [(each, name) for each in ("plan", "check") for name in formats(each)])
def test_a_faulty_model_in_every_format(command: str, format: str, golden: Callable[[str, str], None]) -> None:
    report = model(FAULTY)
    argument: Any = report if command == "plan" else [report]
    options = [None] if command == "plan" else []
    golden(f"faulty/{command}.{format}.txt", renderer(command, format)(argument, SCREEN, *options))


CASES = sorted((ROOT / "tests/cases/architectures").glob("*.yaml"))


@pytest.mark.parametrize("file", [*CASES, *sorted((ROOT / "configs").glob("*.yaml"))], ids=lambda each: each.stem)
@pytest.mark.parametrize("depth", [1, 2, None])
def test_a_table_fits_and_cuts_no_shape(file: Path, depth: int | None) -> None:
    report = checked(file)
    table = renderer("plan", "table")(report, SCREEN, depth)
    assert max(map(columns, table.splitlines())) <= 80
    for row in rows(report.plan, depth):
        for shape in row.outputs:
            assert str(shape) in table
    assert not re.search(r"×\d*…", table)
    assert f"{len(report.plan.steps) - len(report.plan.inputs):,} steps" in table


def test_shapes_of_several_outputs_go_on_in_the_next_line() -> None:
    sizes = list(range(1, 41))
    names = [f"{'input_' * 3}{i}" for i in range(9)]
    inputs = "".join(f"  {name}: [48, 48, {sum(sizes)}]\n" for name in names)
    adds = f"  - {{name: sum, type: Add, from: [{', '.join(names)}]}}\n"
    report = model(f"input:\n{inputs}layers:\n{adds}  - {{name: parts, type: Split, split_size: {sizes}}}\n")
    table = renderer("plan", "table")(report, SCREEN, None)
    assert max(map(columns, table.splitlines())) <= 80
    assert [f"48×48×{size}" in table for size in sizes] == [True] * 40
    assert table.count(f"48×48×{sum(sizes)}") == 9 + 1
    assert [line for line in table.splitlines() if line != line.rstrip()] == []


def test_the_count_of_steps_is_one_number() -> None:
    report = model(
        "input: {a: [8, 8, 4], b: [8, 8, 4]}\nlayers:\n  - {name: s, type: Add, from: [a, b]}\n"
        "  - {type: m, repeat: 3}\nblocks:\n  m:\n    layers:\n      - {type: ReLU}\n      - {type: Tanh}\n"
    )
    count = 7
    assert f"{count} steps" in renderer("plan", "table")(report, SCREEN, None)
    assert f"{count} steps" in renderer("plan", "table")(report, SCREEN, 1)
    assert len(report.to_dict()["steps"]) == count
    told = data(report, [])
    assert dict(told["figures"])["steps"] == str(count)
    assert len(told["steps"]) - len(told["inputs"]) == count


@pytest.mark.parametrize("format", ["sarif", "json", "full", "concise"])
def test_a_file_name_that_is_not_utf_8_is_escaped(format: str) -> None:
    report = checked_text("input: [8, 8, 3]\nlayers:\n  - {type: ReLu}\n", os.fsdecode(b"n\xff.yaml"))
    said = renderer("check", format)([report], SCREEN)
    assert said.encode()
    assert ("n%FF.yaml" if format == "sarif" else "n\\udcff.yaml") in said
    if format in ("sarif", "json"):
        assert json.loads(said)
    assert html.render(report, [], []).encode()


# The fixed form of a finding

FIXED = """\
name: m
input: [58, 58, 64]
layers:
  - name: conv1
    type: Conv2d
    out_channels: 64
    kernel_size: 3

  - name: conv2
    type: Conv2d
    out_channels: 64
    kernel_size: 3
    padding: 1
    # ResNeXt
    # has
    # groups
    groups: 3
"""


def test_the_form_of_a_finding() -> None:
    said = full(model(FIXED))
    assert said.startswith(
        "error[NSP202]: in_channels must be divisible by groups\n"
        "  --> configs/m.yaml:17:13\n"
        "   |\n"
        "17 |     groups: 3\n"
        "   |             ^ 64 channels from `conv1` / 3 groups leaves 1\n"
        "   = help: use groups: 1, 2, 4, 8, 16, 32 or 64\n"
    )
    assert said.endswith("\n\n1 error in configs/m.yaml\n")


def test_a_finding_in_a_mapping_has_its_path() -> None:
    report = planner.check(
        {"input": [56, 56, 64], "layers": [{"type": "Conv2d", "kernel_size": 3, "out_channels": "8"}]}
    )
    assert full(report).splitlines()[:3] == [
        "error[NSP112]: `out_channels` takes a whole number",
        " --> layers[0].out_channels",
        '  = note: received the text "8"',
    ]


def test_a_finding_in_a_block_shows_its_calls() -> None:
    lines = full(model(FAULTY)).splitlines()
    at = lines.index("error[NSP202]: in_channels must be divisible by groups")
    assert lines[at + 1 : at + 11] == [
        "  --> configs/m.yaml:21:17",
        "   |",
        "21 |         groups: $groups",
        "   |                 ^^^^^^^ 64 channels from `bad.0` / 3 groups leaves 1",
        "  ::: called from configs/m.yaml:14:9",
        "14 |       - {type: grouped, groups: $groups}",
        "  ::: called from configs/m.yaml:6:5",
        " 6 |   - {name: bad, type: stage, groups: 3}",
        "   = step: bad.1.0",
        "   = help: use groups: 1, 2, 4, 8, 16 or 32",
    ]


def test_what_is_found_in_many_copies_is_said_once() -> None:
    text = """\
        input: [64, 64, 64]
        layers:
          - {name: a, type: stage, from: input, repeat: 1}
          - {name: b, type: stage, from: input}
          - {name: c, type: stage, from: input}
          - {type: Concat, from: [b, c]}
          - {type: MaxPool2d, kernel_size: 2}
          - {name: d, type: stage}
        blocks:
          stage:
            layers:
              - {type: Conv2d, out_channels: 64, kernel_size: 1, groups: 3}
        """
    report = model(example(text))
    assert report.count(report.diagnostics[0].severity) == 3
    said = full(report)
    assert said.count("error[NSP202]") == 1
    assert "= step: a.0.0\n" in said
    assert "= also: b.0, c.0\n" in said
    assert said.endswith("3 errors in configs/m.yaml\n")


def test_a_long_chain_of_calls_is_cut() -> None:
    said = full(model(example(all_kinds()["NSP116"].bad)))
    assert said.count("called from") == 6
    assert re.search(r"= note: \d+ more calls between", said)


@pytest.mark.parametrize(
    ("before", "mark"),
    [
        ("", "strid: 2"),
        ('x-中文: "日本語", ', "strid: 2"),
        ("x-tab:\t1, ", "strid: 2"),
        ("x-é: é, ", "strid: 2"),
        ("", "中: 2"),
    ],
)
def test_the_caret_stands_under_the_columns(before: str, mark: str) -> None:
    said = full(model(f"input: [8, 8, 3]\nlayers:\n  - {{type: ReLU, {before}{mark}}}\n"), 200).splitlines()
    line, caret = said[3], said[4]
    key = mark.partition(":")[0]
    assert columns(line[: line.index(mark)]) == caret.index("^")
    assert caret.count("^") == columns(key)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("length", [0, 30, 300, 10_000])
def test_long_lines_are_cut_around_the_caret(width: int, length: int) -> None:
    filler = "y" * length
    text = f"input: [8, 8, 3]\nlayers:\n  - {{type: ReLU, x-a: {filler}, strid: 2, x-b: {filler}}}\n"
    said = full(model(text), width).splitlines()
    assert max(map(columns, said[1:])) <= width
    line, caret = said[3], said[4]
    assert caret.index("^") == line.index("strid")
    assert caret.count("^") == 5


@pytest.mark.parametrize(
    "name",
    ["\x1b[31mred", "a\x07b", "\u202eevil", "\u2066x\u2069", "a\u200bb", "\ufeff", "a\x85b", "\x9b31m", "a\u2028b"],
)
@pytest.mark.parametrize("format", [*formats("plan"), *formats("check")])
def test_hostile_texts_are_escaped(name: str, format: str) -> None:
    data = {"name": name, "input": [8, 8, 3], "layers": [{"type": name, "name": name}, {"type": "ReLU", name: 1}]}
    report = planner.check(data)
    texts = [renderer("plan", format)(report, SCREEN, None)] if format in formats("plan") else []
    texts += [renderer("check", format)([report], SCREEN)] if format in formats("check") else []
    if format in ("json", "sarif"):
        texts = [text for text in texts if json.loads(text) and "\x1b" in text]
    assert [text for text in texts if not re.sub(r"[\n\t]", "", text).isprintable()] == []


# Text on a screen


@given(HOSTILE)
def test_printable(text: str) -> None:
    shown = printable(text)
    assert all(char.isprintable() or char.isspace() for char in shown)
    assert "\n" not in shown
    assert "\r" not in shown
    assert printable(shown) == shown
    if text.isprintable():
        assert shown == text


@given(HOSTILE.map(printable), st.integers(1, 50))
def test_cut(text: str, width: int) -> None:
    short = cut(text, width)
    assert columns(short) <= width
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))
    assert columns(padded(short, width)) == width


@given(HOSTILE.map(printable), st.integers(1, 50))
def test_wrapped(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert " ".join(lines) == text
    assert all(columns(line) <= width or " " not in line.strip() for line in lines)


@given(HOSTILE, st.integers(0, 70), st.integers(1, 20), st.integers(20, 90), st.integers(0, 60))
def test_excerpts_show_what_is_marked(text: str, start: int, length: int, width: int, behind: int) -> None:
    line = "".join(char for char in text if char not in "\r\n")
    shown = excerpt(line, start, length, width, behind)
    assert columns(shown.text) <= width
    assert shown.length >= 1
    marked = printable(line[start : start + length].rstrip())
    if marked and "\t" not in line and columns(marked) <= width // 4:
        before = next(i for i in range(len(shown.text) + 1) if columns(shown.text[:i]) == shown.start)
        assert shown.text[before:].lstrip("\u0300").startswith(marked[:1]) or not columns(marked[:1])


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("中文", 4), ("é", 1), ("e\u0301", 1), ("\uff46", 2), ("×", 1), ("", 0), ("한", 2)]
)
def test_columns(text: str, width: int) -> None:
    assert columns(text) == width


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("layers", 3, "kernel_size"), "layers[3].kernel_size"),
        (("layers", 3, "padding", 0, 1), "layers[3].padding[0][1]"),
        (("input",), "input"),
        ((), ""),
    ],
)
def test_paths(path: tuple[str | int, ...], text: str) -> None:
    assert path_text(path) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (1024**2 - 103, "1,023.9 KiB"),
        (9_633_792, "9.2 MiB"),
        (3 * 1024**3, "3.0 GiB"),
        (1024**6, "1,024.0 PiB"),
    ],
)
def test_memory(size: int, text: str) -> None:
    assert memory(size) == text


def test_shapes_in_a_row() -> None:
    assert shapes_text([Shape((8, 8, 3))]) == "8×8×3"
    assert shapes_text([Shape((8, 8, 3)), Shape((4,)), Shape((8, 8, 3))]) == "2 of 8×8×3, 4"


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (["{type: ReLU}"], "nothing wrong in a.yaml"),
        (["{type: RELU}"], "1 error in a.yaml"),
        (["{type: RELU}\n  - {type: Flaten}"], "2 errors in a.yaml"),
        (["{type: ReLU}"] * 3, "nothing wrong in 3 files"),
        (["{type: ReLU}", "{type: RELU}", "{type: ReLU}"], "1 error in 1 of 3 files"),
    ],
)
def test_the_line_that_sums_up(texts: list[str], line: str) -> None:
    tally = Tally()
    for text in texts:
        tally.add(checked_text(f"input: [8, 8, 3]\nlayers:\n  - {text}\n", "a.yaml"))
    assert str(tally) == line


def test_counted() -> None:
    assert [counted(n, "file") for n in (0, 1, 2, 1000)] == ["0 files", "1 file", "2 files", "1,000 files"]


# The tree of blocks


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("depth", [1, 2, 3, None])
def test_rows_account_for_every_step_once(name: str, depth: int | None) -> None:
    report = config(name)
    found = list(rows(report.plan, depth))
    closed = [row for row in found if not row.opened]
    assert [i for row in closed for i in row.steps] == list(range(len(report.plan.inputs), len(report.plan.steps)))
    assert sum(row.params or 0 for row in closed) == report.cost.params
    assert sum(row.macs or 0 for row in closed) == report.cost.macs
    assert max(row.depth for row in found) < (depth or 99)
    assert [row for row in found if row.opened and not row.is_block] == []
    top = [row for row in found if row.depth == 0]
    assert sum(row.params or 0 for row in top) == report.cost.params
    assert set(top[-1].outputs) <= {report.plan.shape(ref) for ref in report.plan.outputs}


def test_equal_siblings_are_one_row() -> None:
    found = {row.name: row for row in rows(config("resnet50").plan, 2) if row.depth == 1}
    assert found["1…2"].copies == 2
    assert found["1…5"].copies == 5
    assert found["1…5"].type == "bottleneck"
    assert found["0"].copies == 1


def test_siblings_that_differ_stay_apart() -> None:
    text = """\
        input: [8, 8, 4]
        layers:
          - {type: stage, width: 4}
          - {type: stage, width: 4}
          - {type: stage, width: 8}
          - {type: ReLU}
          - {type: stage, width: 8}
          - {type: stage, width: 8, name: last}
        blocks:
          stage:
            params: {width: }
            layers: [{type: Conv2d, out_channels: $width, kernel_size: 1}]
        """
    found = [(row.name, row.copies) for row in rows(model(example(text)).plan, 1)]
    assert found == [("stage…stage_1", 2), ("stage_2", 1), ("relu", 1), ("stage_3…last", 2)]


def test_a_block_with_several_outputs() -> None:
    text = """\
        input: [8, 8, 4]
        layers:
          - {name: fork, type: fork}
          - {type: Concat, from: [fork.0, fork.1]}
        blocks:
          fork:
            outputs: [a, b]
            layers:
              - {name: a, type: Conv2d, out_channels: 2, kernel_size: 1}
              - {name: b, type: Conv2d, out_channels: 3, kernel_size: 1, from: input}
        """
    fork, _ = rows(model(example(text)).plan, 1)
    assert shapes_text(fork.outputs) == "8×8×2, 8×8×3"
    assert shapes_text(fork.inputs) == "8×8×4"


# The table


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("width", [72, 80, 104, 120])
def test_tables_fit_the_screen(name: str, width: int) -> None:
    text = renderer("plan", "table")(config(name), Screen(width), None)
    assert max(map(columns, text.splitlines())) <= width
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


@pytest.mark.parametrize("name", CONFIGS)
def test_numbers_are_never_cut(name: str) -> None:
    report = config(name)
    text = renderer("plan", "table")(report, SCREEN, None)
    for number in (report.cost.params, report.cost.macs, report.cost.flops):
        assert f"{number:,}" in text
    assert all(f"{step.params:,}" in text for step in report.plan.layers if step.params)


@pytest.mark.parametrize("width", [80, 120])
def test_colours_change_nothing_else(width: int) -> None:
    for report in (config("resnet50"), model(FAULTY)):
        plain = renderer("plan", "table")(report, Screen(width), None)
        coloured = renderer("plan", "table")(report, Screen(width, colour=True), None)
        assert ANSI.sub("", coloured) == plain
        assert coloured != plain
        assert ANSI.sub("", renderer("check", "full")([report], Screen(width, colour=True))) == full(report, width)


def test_what_is_not_planned_is_marked() -> None:
    lines = renderer("plan", "table")(model(FAULTY), SCREEN, None).splitlines()
    marked = [line for line in lines if line.startswith("✗")]
    assert [line.split()[1:4] for line in marked] == [["0", "Conv2d", "NSP202"]]
    assert sum("not planned" in line for line in lines) >= 4
    assert "without the" in lines[-1] + lines[-2]


def test_a_model_that_could_not_be_read_has_no_table() -> None:
    report = model("layers: [")
    assert renderer("plan", "table")(report, SCREEN, None) == ""
    assert "error[NSP102]" in full(report)


# For other programs


@pytest.mark.parametrize("name", CONFIGS)
def test_json_is_the_report(name: str) -> None:
    report = config(name)
    text = renderer("plan", "json")(report, SCREEN, None)
    assert json.loads(text) == report.to_dict()
    assert json.loads(renderer("plan", "json")(report, Screen(80, unicode=False), None)) == report.to_dict()
    assert renderer("plan", "json")(report, Screen(80, unicode=False), None).isascii()


VALUES = st.recursive(
    st.integers() | st.text(max_size=5) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, st.integers(0, 4))
def test_json_is_laid_out_without_a_change(value: Any, levels: int) -> None:
    assert json.loads(laid_out(value, levels)) == value


@pytest.mark.parametrize("name", CONFIGS)
def test_csv_has_every_step(name: str) -> None:
    report = config(name)
    read = list(csv.DictReader(StringIO(renderer("plan", "csv")(report, SCREEN, None))))
    steps = report.to_dict()["steps"]
    assert [row["name"] for row in read] == [step["name"] for step in steps]
    assert [row["type"] for row in read] == [step["type"] for step in steps]
    assert [int(row["params"]) for row in read] == [step["params"] for step in steps]
    assert [int(row["macs"]) for row in read] == [step["macs"] for step in steps]
    assert [row["from"].split() for row in read] == [step["from"] for step in steps]


def test_csv_cells_are_never_formulas() -> None:
    report = planner.check(
        {"input": [8], "layers": [{"name": "=HYPERLINK(1)", "type": "ReLU"}, {"name": "@x", "type": "ReLU"}]}
    )
    read = list(csv.reader(StringIO(renderer("plan", "csv")(report, SCREEN, None))))
    assert [row[0] for row in read] == ["name", "'=HYPERLINK(1)", "'@x"]


@pytest.mark.parametrize("name", CONFIGS)
def test_markdown_is_a_table(name: str) -> None:
    text = renderer("plan", "markdown")(config(name), SCREEN, None)
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {6}
    assert len(table) == 3 + len(list(rows(config(name).plan)))


def test_markdown_shows_names_as_they_are() -> None:
    report = planner.check({"input": [8], "layers": [{"name": "a|b_*c*<i>", "type": "ReLU"}]})
    text = renderer("plan", "markdown")(report, SCREEN, None)
    assert r"| a\|b\_\*c\*\<i\> | ReLU |" in text


def located(text: str) -> Iterator[tuple[str, int, int]]:
    for file, line, column in re.findall(r"^(\S+?):(\d+):(\d+): ", text, re.MULTILINE):
        yield file, int(line), int(column)


def test_every_format_agrees_on_the_place() -> None:
    report = model(FAULTY)
    found = [(each.code, report.place(each)) for each in report.diagnostics]
    places = [("configs/m.yaml", place.line, place.column) for _, place in found if place]
    said = {name: renderer("check", name)([report], SCREEN) for name in formats("check")}
    assert list(located(said["concise"])) == places
    assert [tuple(map(int, pair)) for pair in re.findall(r",line=(\d+),col=(\d+)", said["github"])] == [
        (line, column) for _, line, column in places
    ]
    assert [(each["file"], each["line"], each["column"]) for each in json.loads(said["json"])["diagnostics"]] == places
    regions = [
        each["locations"][0]["physicalLocation"]["region"] for each in json.loads(said["sarif"])["runs"][0]["results"]
    ]
    assert [(each["startLine"], each["startColumn"]) for each in regions] == [
        (line, column) for _, line, column in places
    ]
    assert re.findall(r"--> (\S+)", said["full"]) == [f"{file}:{line}:{column}" for file, line, column in places]


def test_json_of_several_files() -> None:
    reports = [model(FAULTY), model("input: [8]\nlayers: [{type: ReLU}]\n"), model("layers: [")]
    said = json.loads(renderer("check", "json")(reports, SCREEN))
    assert said["files"] == ["configs/m.yaml"] * 3
    assert len(said["diagnostics"]) == said["errors"] + said["warnings"] + said["infos"]
    assert said["diagnostics"] == [each for report in reports for each in report.to_dict()["diagnostics"]]


def test_github_commands_are_escaped() -> None:
    report = checked_text("input: [8]\nlayers:\n  - {type: 50%}\n", "a,b:c.yaml")
    said = renderer("check", "github")([report], SCREEN)
    assert said.startswith("::error title=NSP113 unknown-type,file=a%2Cb%3Ac.yaml,line=3,col=12,")
    assert "`50%25`" in said
    assert said.count("\n") == 1


def test_sarif_is_complete() -> None:
    text = "input: [8]\nlayers:\n  - {type: RELU}\n"
    reports = [checked_text(text, "dir with space/m.yaml"), model(FAULTY), planner.check({"input": [8], "layers": []})]
    said = json.loads(renderer("check", "sarif")(reports, SCREEN))
    assert said["version"] == "2.1.0"
    (run,) = said["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len(run["results"]) == sum(len(report.diagnostics) for report in reports)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        assert result["locations"]
    uris = [
        place["physicalLocation"]["artifactLocation"]["uri"]
        for result in run["results"]
        for place in result["locations"]
        if "physicalLocation" in place
    ]
    assert uris[0] == "dir%20with%20space/m.yaml"
    assert len(rules) == len({rule["id"] for rule in rules})
    assert all(rule["help"]["text"] and rule["shortDescription"]["text"] for rule in rules)


def test_names_of_formats_are_promises() -> None:
    assert {"csv", "json", "markdown", "table"} <= set(formats("plan"))
    assert {"concise", "full", "github", "json", "sarif"} <= set(formats("check"))


def test_formats_state_what_they_are() -> None:
    assert {"csv", "json", "md", "txt"} <= {stated("plan", name).ending for name in formats("plan")}
    assert {"markdown", "table"} <= {name for name in formats("plan") if stated("plan", name).folds}
    for command in ("draw", "map"):  # a file's name says its format
        assert len(endings(command)) == len(formats(command))
