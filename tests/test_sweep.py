"""`planner sweep`: rows that are gone on with, formats that have them, and what is refused."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from io import StringIO
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pytest

import planner
from planner.diagnostics import Severity
from planner.outputs import formats
from planner.points import (
    MOST_POINTS,
    SweepRow,
)
from planner.rules import all_rules
from planner.sweeping import StoredRows, Unasked, rows
from sweep_model import MODEL, placed, question, run


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return placed(tmp_path, monkeypatch)


# Going on


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines(keepends=True)


def test_a_sweep_goes_on_after_any_number_of_rows_and_a_torn_line(model: Path, tmp_path: Path) -> None:
    asking = question(model)
    whole = tmp_path / "whole.jsonl"
    with StoredRows(asking, str(whole)) as stored:
        for row in rows(asking):
            stored.add(row)
        assert list(stored.rows()) == list(rows(asking))
    lines = _lines(whole)
    for kept in (0, 1, 2, 77, len(lines) - 1, len(lines)):
        part = tmp_path / "part.jsonl"
        torn = lines[kept][: len(lines[kept]) // 2] if kept < len(lines) else ""
        part.write_text("".join(lines[:kept]) + torn, encoding="utf-8")
        with StoredRows(asking, str(part)) as stored:
            assert stored.count == max(kept - 1, 0)
            for row in rows(asking, start=stored.count):
                stored.add(row)
        assert part.read_bytes() == whole.read_bytes()


def test_after_sigkill_no_row_is_doubled(model: Path, tmp_path: Path) -> None:
    words = ["m.yaml", "--set", "width=1:24", "--set", "kernel=1,3,5", "--input", "12:60:4", "--results", "r.jsonl"]
    code = "import sys; from planner.cli import main; sys.argv[0] = 'planner'; main()"
    results = tmp_path / "r.jsonl"
    process = subprocess.Popen([sys.executable, "-c", code, "sweep", *words, "--jobs", "2"], stdout=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not (results.exists() and results.stat().st_size > 20_000) and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    before = results.read_bytes()
    assert len(before) > 20_000
    assert run(*words, "-o", "r.json", "--jobs", "1").exit_code == 0
    after = results.read_bytes()
    assert after.startswith(before[: before.rindex(b"\n") + 1])
    points = [json.loads(line)["point"] for line in after.splitlines()[1:]]
    assert points == list(range(24 * 3 * 13))
    told = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert [row["point"] for row in told["rows"]] == points


KEPT = [("--kept",), ("--max-kept", "9MiB"), ("--min-kept", "1"), ("--front", "least:kept,most:macs")]


@pytest.mark.parametrize("words", KEPT)
def test_whatever_needs_what_is_kept_asks_for_it(model: Path, words: tuple[str, ...]) -> None:
    common = ("m.yaml", "--set", "width=4:16:4")
    rows_ = [json.loads(run(*common, *more, "--format", "json").output)["rows"] for more in (words, ())]
    assert [row["kept_bytes"] for row in rows_[0]] == [
        planner.check(model, params={"width": width}).kept_bytes for width in (4, 8, 12, 16)
    ]
    assert [{name: value for name, value in row.items() if name != "kept_bytes"} for row in rows_[0]] == rows_[1]
    assert "kept" in run(*common, *words).output.splitlines()[2].split()


def test_rows_that_say_more_answer_a_question_for_less(model: Path) -> None:
    common = ("m.yaml", "--set", "width=4:16:4", "--results", "r.jsonl")
    whole = run(*common, "--kept").output
    lines = _lines(Path("r.jsonl"))
    Path("r.jsonl").write_text("".join(lines[:3]), encoding="utf-8")
    assert run(*common).output == whole
    assert _lines(Path("r.jsonl")) == lines
    Path("r.jsonl").write_text("".join(line.replace('"kept": true, ', "") for line in lines[:1]), encoding="utf-8")
    assert "it is the sweep of another question, which differs in `--kept`" in run(*common, "--kept").output
    assert all(
        row.kept_bytes is None for row in planner.sweep(model, params={"width": range(4, 20, 4)}, results="r.jsonl")
    )


def test_what_a_budget_bounds_of_a_point_is_bounded_here_too(model: Path) -> None:
    common = ("m.yaml", "--set", "width=4:16:4", "--input", "32,33", "--format", "csv")
    whole = list(csv.DictReader(StringIO(run(*common).output)))
    macs = sorted({int(row["macs"]) for row in whole})
    for words, keeps in (
        (("--max-flops", str(2 * macs[2])), lambda row: int(row["macs"]) <= macs[2]),
        (("--max-unread", "0"), lambda row: row["unread"] == "0"),
    ):
        found = list(csv.DictReader(StringIO(run(*common, *words).output)))
        assert [row["point"] for row in found] == [row["point"] for row in whole if keeps(row)]
        assert 0 < len(found) < len(whole)


def test_limits_in_parts_of_a_byte_are_kept_exactly(model: Path) -> None:
    common = ("m.yaml", "--set", "width=4:16:4", "--format", "csv")
    peaks = [row.peak_bytes or 0 for row in planner.sweep(model, params={"width": range(4, 20, 4)})]
    for more in (-0.5, 0.5):
        limit = peaks[1] + more
        for option, wanted in (
            ("--max-peak", [peak for peak in peaks if peak <= limit]),
            ("--min-peak", [peak for peak in peaks if peak >= limit]),
        ):
            found = csv.DictReader(StringIO(run(*common, option, f"{limit / 1024:.10f}KiB").output))
            assert [int(row["peak_bytes"]) for row in found] == wanted != []


def test_rows_of_the_command_are_gone_on_with_in_python(model: Path) -> None:
    words = ("--set", "width=4:7", "--set", "act=ReLU,GELU", "--input", "32:36:2", "--results", "r.jsonl")
    assert run("m.yaml", *words).exit_code == 0
    before = Path("r.jsonl").read_bytes()
    params = {"width": range(4, 8), "act": ["ReLU", "GELU"]}
    assert len(list(planner.sweep("m.yaml", params=params, input=range(32, 37, 2), results="r.jsonl"))) == 4 * 2 * 3
    assert Path("r.jsonl").read_bytes() == before


OTHERS = [
    (("--set", "width=4:16:2"), "differs in `--set`, which was `width=4:16:4`"),
    (("--set", "width=4:16:4", "--input", "32"), "differs in `--input`"),
    (("--set", "width=4:16:4", "--batch", "2"), "differs in `--batch`"),
    (("--set", "width=4:16:4", "--dtype", "int8"), "differs in `--dtype`"),
]


@pytest.mark.parametrize(("words", "why"), OTHERS)
def test_the_rows_of_another_question_are_not_gone_on_with(model: Path, words: tuple[str, ...], why: str) -> None:
    first = ("m.yaml", "--results", "r.jsonl")
    assert run(*first, "--set", "width=4:16:4").exit_code == 0
    before = Path("r.jsonl").read_bytes()
    result = run(*first, *words)
    assert result.exit_code == 2
    assert (
        "error: the sweep in `r.jsonl` cannot be continued: it is the sweep of another question, which differs in "
        in result.output
    )
    assert why in result.output
    assert Path("r.jsonl").read_bytes() == before


def test_the_rows_of_a_file_that_has_changed_are_not_gone_on_with(model: Path) -> None:
    words = ("m.yaml", "--set", "width=4:16:4", "--results", "r.jsonl")
    assert run(*words).exit_code == 0
    model.write_text(MODEL.replace("stride: 2", "stride: 1"), encoding="utf-8")
    assert "differs in the model" in run(*words).output


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (MODEL, "it holds something other than the rows of a sweep"),
        ("[]\n", "it holds something other than the rows of a sweep"),
        ('{"sweep": 3}\n', "it holds something other than the rows of a sweep"),
        ('{"precious": 1}', "it holds something other than the rows of a sweep"),
        ("precious", "it holds something other than the rows of a sweep"),
    ],
)
def test_a_file_of_something_else_is_kept(model: Path, content: str, why: str) -> None:
    Path("r.jsonl").write_text(content, encoding="utf-8")
    result = run("m.yaml", "--set", "width=4:16:4", "--results", "r.jsonl")
    assert result.exit_code == 2
    assert why in result.output
    assert Path("r.jsonl").read_text(encoding="utf-8") == content


def test_a_line_that_was_changed_is_told(model: Path) -> None:
    words = ("m.yaml", "--set", "width=4:16:4", "--results", "r.jsonl")
    assert run(*words).exit_code == 0
    lines = _lines(Path("r.jsonl"))
    Path("r.jsonl").write_text("".join([*lines[:2], "{}\n", *lines[3:]]), encoding="utf-8")
    assert "line 3 is not the row of point 1" in run(*words).output
    Path("r.jsonl").write_text("".join([*lines[:2], *lines[1:]]), encoding="utf-8")
    assert "cannot be continued: its last line is not the row of point 4" in run(*words).output


def test_two_runs_do_not_write_one_file(model: Path) -> None:
    asking = question(model)
    with StoredRows(asking, "r.jsonl"):
        result = run("m.yaml", "--set", "width=4:16:4", "--results", "r.jsonl")
    assert "error: `r.jsonl` cannot be written: another run is writing it" in result.output


def test_limits_do_not_belong_to_the_question(model: Path) -> None:
    words = ("m.yaml", "--set", "width=4:16:4", "--results", "r.jsonl", "--format", "csv")
    both = run(*words), run(*words, "--max-params", "1k")
    few, all_ = (list(csv.DictReader(StringIO(each.output))) for each in reversed(both))
    assert few == [row for row in all_ if int(row["params"]) <= 1000]
    assert 0 < len(few) < len(all_)


# What is shown


@pytest.mark.parametrize("format", [each for each in formats("sweep") if each not in ("png", "pdf", "parquet")])
def test_every_format_has_the_rows_that_keep_the_limits(model: Path, format: str) -> None:
    words = ("m.yaml", "--set", "width=4:16:4,wide", "--input", "3,31:33", "--max-macs", "60k", "--format", format)
    result = run(*words)
    assert result.exit_code == 0, result.output
    kept = [row for row in planner.sweep(model, params={"width": [4, 8, 12, 16, "wide"]}, input=[3, 31, 32, 33])
            if row.error or (row.macs or 0) <= 60_000]  # fmt: skip
    if format == "csv":
        read_ = list(csv.DictReader(StringIO(result.output)))
        assert [(row["width"], row["input"], row["macs"]) for row in read_] == [
            (str(row.values["width"]), "x".join(map(str, row.inputs["input"])), str(row.macs or "")) for row in kept
        ]
    elif format == "json":
        assert [SweepRow.of_dict(row) for row in json.loads(result.output)["rows"]] == kept
    elif format == "table":
        shown = [line for line in result.output.splitlines() if "×3" in line]
        assert len(shown) == len(kept)
        assert ["✗" in line for line in shown] == [bool(row.error) for row in kept]
        assert all(("!" in line) == bool(row.loses and not row.error) for line, row in zip(shown, kept, strict=True))
        assert "left out: " in result.output
    elif format == "svg":
        assert result.output.startswith("<svg")
        assert result.output.count("<polygon") >= 2
    else:
        assert len(result.output.splitlines()) >= len(kept)


def _least(rows_: list[dict[str, Any]], most: str) -> list[int]:
    """The points of rows that no other one beats in fewer multiply-adds or in more of something."""
    worth = [(int(row["macs"]), -row[most]) for row in rows_]
    beaten = [any(a <= x and b <= y and (a, b) != (x, y) for a, b in worth) for x, y in worth]
    return [row["point"] for row, each in zip(rows_, beaten, strict=True) if not each]


def _swept(*words: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(run("m.yaml", *words, "--format", "json").output)
    for row in told["rows"]:
        height, width, _ = row["inputs"]["input"]
        row["read"] = height * width - row["unread"]
    return told


def test_each_size_of_the_input_has_a_front_where_parameters_vary_too(model: Path) -> None:
    """In one front the smallest input would win, since a larger one has no more parameters."""
    words = ("--set", "width=4:16:4", "--set", "kernel=1,3,5", "--input", "32:36")
    told = _swept(*words)
    assert told["front"]["for_each_input"] is True
    sizes = {row["inputs"]["input"][0] for row in told["rows"]}
    fronts = [_least([row for row in told["rows"] if row["inputs"]["input"][0] == size], "params") for size in sizes]
    assert sorted(told["front"]["points"]) == sorted(chain.from_iterable(fronts))
    assert len(sizes) == 5
    assert all(1 < len(each) < 12 for each in fronts)
    asked_ = _swept(*words, "--front", "least:macs,most:params")
    assert asked_["front"]["for_each_input"] is False
    assert sorted(asked_["front"]["points"]) == _least(told["rows"], "params")
    assert run("m.yaml", *words, "--format", "svg").output.count("<polyline") == 1 + 5


def test_of_sizes_alone_the_front_has_the_most_cells_that_are_read(model: Path) -> None:
    """A size that loses cells does not beat a smaller one that reads as many."""
    told = _swept("--input", "32:48")
    assert (told["front"]["y"], told["front"]["for_each_input"]) == ("most:read", False)
    assert sorted(told["front"]["points"]) == _least(told["rows"], "read")
    kept = [row for row in told["rows"] if row["point"] in told["front"]["points"]]
    assert any(row["lossless"] for row in kept)
    assert _least([{**row, "cells": row["inputs"]["input"][0]} for row in kept], "cells") != [
        each["point"] for each in kept
    ]


def test_parquet_has_what_csv_has(model: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    words = ("m.yaml", "--set", "width=4:16:4,wide", "--input", "3,31:33")
    assert run(*words, "-o", "r.parquet").exit_code == 0
    table = parquet.read_table("r.parquet").to_pylist()
    told = list(csv.DictReader(StringIO(run(*words, "--format", "csv").output)))
    plain = [{name: _text(value) for name, value in row.items()} for row in table]
    assert plain == told
    assert isinstance(table[-5]["macs"], int)


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def test_parquet_without_its_package_says_what_to_install(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = run("m.yaml", "--format", "parquet", "-o", "r.parquet")
    assert result.exit_code == 2
    assert "pip install 'shape-planner[parquet]'" in result.output


def test_of_a_large_table_only_the_front_is_shown(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.outputs.sweep.table.MOST_SHOWN", 8)
    result = run("m.yaml", "--set", "width=4:9", "--input", "33,41", "--front", "least:macs,most:params")
    assert "Of 12 rows, those on the front; --format csv has all." in result.output
    assert sum(line.startswith("*") for line in result.output.splitlines()) == 6


def test_a_column_of_a_parameter_is_told_apart_from_ours(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(
        "input: [8, 3]\nparams: {macs: 2, input: 1}\nlayers: [{type: Linear, out_features: $macs + $input}]\n",
        encoding="utf-8",
    )
    result = run(str(path), "--set", "macs=2,3", "--set", "input=1", "--format", "csv")
    (first, *_) = csv.reader(StringIO(result.output))
    assert first[:4] == ["point", "set.macs", "input", "input.input"]


# What is refused


REFUSED = [
    (("--set", "widht=1:9"), "there is no parameter `widht`"),
    (("--set", "widht=1:9"), "`act`, `classes`, `kernel`, `width`"),
    (("--set", "width=0:10:0"), "has a step of 0"),
    (("--set", "width=9:1"), "write 1:9"),
    (("--set", "width"), "sets nothing"),
    (("--set", "width=1", "--set", "width=2"), "is set twice"),
    (("--set", "width=1:1000000000000"), "1,000,000,000,000 points, and at most 100,000,000 are planned"),
    (("--set", "width=1:1000000", "--set", "classes=1:1000000"), "1,000,000 × 1,000,000 are 1,000,000,000,000 points"),
    (("--set", "width=0:9999999999999999999:0.0000000000000000001"), "points, and at most"),
    (("--input", "left=8:16"), "there is no input `left`"),
    (("--input", "8:16", "--input", "9"), "several inputs need a name each"),
    (("--max-macs", "5MiB"), "is a number of bytes"),
    (("--max-peak", "5 parsecs"), "has a unit that is not known"),
    (("--max-kept", "2,1MiB"), "has a comma before its decimals; write 2.1MiB"),
    (("--kept", "--dtype", "int8"), "in int8 nothing is trained"),
    (("--front", "macs"), "write it as least:macs"),
    (("--front", "least:macs,most:beauty"), "there is no measure `beauty`; there are: params, macs"),
    (("--front", "least:macs,most:macs"), "a front has two measures"),
    (("-o", "r.docx"), "does not say what to draw"),
    (("--results", "no/such/r.jsonl"), "there is no folder `"),
    (("--results", "m.yaml"), "it is the file that is read"),
    (("--results", "r.csv", "-o", "./r.csv"), "two options write to"),
    (("--results", "/dev/null"), "it does not keep what is written to it"),
    (("--results", "-"), "it does not keep what is written to it"),
]


@pytest.mark.parametrize(("words", "why"), REFUSED)
def test_what_has_no_answer_is_refused_at_once(model: Path, words: tuple[str, ...], why: str) -> None:
    start = time.process_time()
    result = run("m.yaml", *words)
    assert result.exit_code == 2, result.output
    assert result.output.startswith("error: ")
    assert why in " ".join(result.output.split())
    assert time.process_time() - start < 3


def test_most_points_are_asked_about_without_making_them() -> None:
    data = {"input": [9, 3], "params": {"n": 1}, "layers": [{"type": "Linear", "out_features": "$n"}]}
    found = planner.sweep(data, params={"n": range(1, MOST_POINTS + 1)})
    assert [row.params for row in islice(found, 3)] == [4, 8, 12]


def test_an_input_without_spatial_axes_has_no_sizes(tmp_path: Path) -> None:
    data = {"input": [9], "layers": [{"type": "Linear", "out_features": 3}]}
    with pytest.raises(Unasked, match=r"it has no spatial axis that could be 4:6$"):
        planner.sweep(data, input=range(4, 7))


def test_a_file_that_cannot_be_read_is_told_as_ever(model: Path) -> None:
    assert run("nothing.yaml").exit_code == 2
    model.write_text("layers: [", encoding="utf-8")
    result = run("m.yaml", "--set", "width=1:3")
    assert result.exit_code == 1
    assert "error[NSP1" in result.output
    assert "\x1b[" not in result.output
    assert "\x1b[" in run("m.yaml", "--color", "always").output


def test_where_nothing_is_left_the_exit_code_says_so(model: Path) -> None:
    assert run("m.yaml", "--set", "width=4:8", "--max-params", "1").exit_code == 1
    result = run("m.yaml", "--set", "width=wide")
    assert result.exit_code == 1
    assert result.output.endswith("  `planner check m.yaml` says where, and what to do.\n")
    assert "planner check" not in run("m.yaml", "--set", "width=wide,8").output


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_may_not_be_written_is_told(model: Path, tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").touch(0o400)
    assert "it is not permitted" in run("m.yaml", "--results", "r.jsonl").output


def test_standard_input_is_swept_too(model: Path) -> None:
    result = run("-", "--set", "width=4:6", "--format", "csv", input=MODEL)
    assert len(result.output.splitlines()) == 4


def test_severities_of_what_drops_cells() -> None:
    """A lossless size has no finding of these, so all of them are warnings, which a brief report has too."""
    dropping = {rule.code: rule.severity for rule in all_rules() if rule.drops}
    assert dropping == dict.fromkeys(["NSP320", "NSP321", "NSP322", "NSP325", "NSP334"], Severity.WARNING)
