"""Sweeps: each row is what the plan of its point says; nothing is lost or doubled, however the work is done."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

import planner
from planner.cli import main
from planner.diagnostics import Severity
from planner.outputs import formats
from planner.points import (
    MOST_POINTS,
    Objective,
    ParetoFront,
    Question,
    Series,
    SweepPoint,
    SweepRow,
    read_series,
    read_shapes,
)
from planner.rules import all_rules
from planner.source import of_mapping, read
from planner.sweeping import PointPlanner, StoredRows, SweepStopped, Unasked, asked, rows
from planner.sweeping.local import LostProcess, Processes
from planner.sweeping.planning import batch_rows
from planner.sweeping.rows import MOST_TRIES, Batch, Crew

CONFIGS = Path(__file__).parents[1] / "configs"
MODEL = """\
name: small
input: [32, 32, 3]
params: {width: 8, kernel: 3, classes: 10, act: ReLU}
layers:
  - {type: Conv2d, out_channels: $width, kernel_size: $kernel, stride: 2}
  - {type: $act}
  - {type: MaxPool2d, kernel_size: 2}
  - {type: Conv2d, out_channels: 2 * $width, kernel_size: 3}
  - {type: AdaptiveAvgPool2d, output_size: 1}
  - {type: Flatten}
  - {type: Linear, out_features: $classes}
"""


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "m.yaml"
    path.write_text(MODEL, encoding="utf-8")
    return path


def run(*words: str, **options: Any) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(main, ["sweep", *words], **options)


def question(model: Path, **options: Any) -> Question:
    return asked(read(model), {"width": range(4, 20, 2), "kernel": [1, 3, 5]}, {"": range(12, 40, 3)}, **options)


# What is asked


SERIES = [
    ("32:128:32", [32, 64, 96, 128]),
    ("32:100:32", [32, 64, 96]),
    ("3:5", [3, 4, 5]),
    ("7:7:9", [7]),
    ("-2:2:2", [-2, 0, 2]),
    ("0.5:1:0.25", [0.5, 0.75, 1.0]),
    ("0.1:0.3:0.1", [0.1, 0.2, 0.3]),
    ("8", [8]),
    ("8, 16,32", [8, 16, 32]),
    ("1:3,8", [1, 2, 3, 8]),
    ("ReLU,GELU", ["ReLU", "GELU"]),
    ("true,false", [True, False]),
    ("[1, 2],[3, 4]", [[1, 2], [3, 4]]),
    ("'a,b',c", ["a,b", "c"]),
    ("1,1.0,true", [1, 1.0, True]),
]
NO_SERIES = [
    ("0:10:0", "has a step of 0"),
    ("1:9:-2", "has a step of -2"),
    ("128:32:8", "goes down from 128 to 32; write 32:128:8"),
    ("1:x:2", "is no range; write from:to:step"),
    ("1:", "is no range"),
    (":9", "is no range"),
    ("1,,2", "has an empty place"),
    ("1,", "has an empty place"),
    ("8,16,8", "has 8 twice"),
    ("1:4,3", "has 3 twice"),
]
SHAPES: list[tuple[str, list[tuple[int, ...]]]] = [
    ("160:224:32", [(160,), (192,), (224,)]),
    ("224x224x3", [(224, 224, 3)]),
    ("8,16x16x3", [(8,), (16, 16, 3)]),
    ("1:2x3x4:8:4", [(1, 3, 4), (1, 3, 8), (2, 3, 4), (2, 3, 8)]),
    ("4×5×3", [(4, 5, 3)]),
]
NO_SHAPES = [
    ("0", "is no size"),
    ("0:4", "no whole numbers from 1"),
    ("1:2:0.5", "no whole numbers from 1"),
    ("8xx3", "is no size"),
    ("8x-8x3", "is no size"),
    ("a", "is no size"),
    ("320:160:32", "goes down"),
]


def _value(text: str) -> Any:
    from planner.cli._options import read_value

    return read_value(text)


@pytest.mark.parametrize(("text", "values"), SERIES)
def test_a_series_has_its_values_in_order(text: str, values: list[Any]) -> None:
    series = read_series(text, _value)
    assert list(map(repr, series)) == list(map(repr, values))
    assert series.count == len(values)


@pytest.mark.parametrize(("text", "why"), NO_SERIES)
def test_what_is_no_series_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"^`") as refused:
        read_series(text, _value)
    assert why in str(refused.value)


@pytest.mark.parametrize(("text", "shapes"), SHAPES)
def test_shapes_are_combined_in_order(text: str, shapes: list[tuple[int, ...]]) -> None:
    found = read_shapes(text)
    assert [found.at(i) for i in range(found.count)] == shapes


@pytest.mark.parametrize(("text", "why"), NO_SHAPES)
def test_what_is_no_shape_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"^`") as refused:
        read_shapes(text)
    assert why in str(refused.value)


def test_a_range_in_python_is_pythons_own() -> None:
    assert list(Series.of(range(32, 129, 8))) == list(range(32, 129, 8))
    assert list(Series.of([])) == list(Series.of(range(0))) == []


def test_points_are_all_combinations_the_input_fastest(model: Path) -> None:
    asking = question(model)
    points = [asking.point(i) for i in range(asking.count)]
    sizes = list(range(12, 40, 3))
    wanted = [({"width": w, "kernel": k}, {"": (n,)}) for w in range(4, 20, 2) for k in (1, 3, 5) for n in sizes]
    assert [(each.values, each.sizes) for each in points] == wanted
    assert [each.number for each in points] == list(range(len(wanted)))


# What is planned


def _wanted(path: Path, point: SweepPoint, own: dict[str, list[int]]) -> SweepRow:
    """The row that a whole check of a point makes."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, given_ in point.sizes.items():
        axes = own[name]
        shapes[name] = (*given_ * (len(axes) - 1), axes[-1]) if len(given_) == 1 else given_
    report = planner.check(path, params=point.values, input=shapes.get("") or shapes or None)
    told = report.to_dict()
    plan, totals, reach = report.plan, told["totals"], told["reach"]
    errors = [each for each in told["diagnostics"] if each["severity"] == "error"]
    dropping = {rule.code for rule in all_rules() if rule.drops}
    numbers = {name: totals[name] for name in ("params", "macs", "activation_bytes", "peak_bytes")}
    return SweepRow(
        point.number,
        point.values,
        {name: tuple(shape) for name, shape in told["inputs"].items()},
        {name: tuple(shape) for name, shape in told["outputs"].items() if shape is not None},
        **(numbers if plan.complete else {}),
        unread=sum(each["unread_cells"] for each in reach.values()) if reach is not None else None,
        wasted_macs=told["wasted_macs"],
        loses=tuple(each["name"] for each in told["diagnostics"] if each["code"] in dropping),
        errors=len(errors),
        error=f"{errors[0]['code']}: {errors[0]['message']}" if errors else "",
    )


def _of_config(path: Path, lot: random.Random) -> tuple[Question, dict[str, list[int]]]:
    """A question about a config with all of its parameters, and its own inputs."""
    data = read(path).data
    params: dict[str, Any] = {}
    for name, value in (data.get("params") or {}).items():
        if isinstance(value, bool):
            params[name] = [True, False]
        elif isinstance(value, int):
            params[name] = sorted({max(0, value // 2), value, value + 1, 2 * value})
        elif isinstance(value, float):
            params[name] = [value, value * 1.5]
        else:
            params[name] = [value, "GELU"]
    own = data["input"] if isinstance(data["input"], dict) else {"": data["input"]}
    inputs = {
        name: [
            max(1, shape[0] - 3),
            (*(n + lot.choice([0, 1, 16]) for n in shape[:-1]), shape[-1]),
            (*shape[:-1], shape[-1] + 1),
        ]
        for name, shape in own.items()
        if len(shape) > 1 and all(isinstance(n, int) for n in shape)
    }
    return asked(read(path), params, inputs), own


FEW = ["crnn", "dcgan_generator", "gmlp_s16", "lenet5", "mobilevit_s", "regnet_y_400mf", "siamese", "squeezenet1_1",
       "unet_same", "wavenet"]  # fmt: skip


@pytest.mark.parametrize("name", FEW)
def test_a_row_is_what_a_check_says(name: str) -> None:
    """Of points in an order in which what is kept of one is of use for the next."""
    _compare(CONFIGS / f"{name}.yaml", 3)


@pytest.mark.long
@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_config_is_swept_as_it_is_checked(path: Path) -> None:
    _compare(path, 12)


def _compare(path: Path, most: int) -> None:
    lot = random.Random(path.stem)
    asking, own = _of_config(path, lot)
    here = PointPlanner(asking)
    for number in sorted(lot.sample(range(asking.count), min(most, asking.count))):
        assert here.row(number) == _wanted(path, asking.point(number), own)


def test_what_is_kept_for_later_points_is_let_go_of(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = question(model)
    whole = list(rows(asking))
    monkeypatch.setattr("planner.sweeping.planning.MOST_KEPT", 20)
    here = PointPlanner(asking)
    assert [here.row(number) for number in range(asking.count)] == whole
    assert len(here.bench.known) < 40


def test_a_point_that_cannot_be_planned_is_a_row(model: Path) -> None:
    found = list(planner.sweep(model, params={"width": [8, "wide", 0]}, input=[3, 32]))
    assert [bool(row.error) for row in found] == [True, False, True, True, True, True]
    assert found[3].error == 'NSP112: `out_channels` takes a whole number: received the text "wide"'
    assert all(row.params is None and row.errors for row in found if row.error)


def test_an_error_of_the_planner_costs_its_point_alone(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = question(model)
    whole = list(rows(asking))
    report = PointPlanner.report

    def broken(self: PointPlanner, point: SweepPoint) -> Any:
        return 1 // 0 if point.number == 5 else report(self, point)

    monkeypatch.setattr(PointPlanner, "report", broken)
    found = list(rows(asking))
    assert "ZeroDivisionError" in found[5].error
    assert [*found[:5], *found[6:]] == [*whole[:5], *whole[6:]]


def test_a_searcher_plans_one_point_after_another(model: Path) -> None:
    points = planner.point_planner(model)
    assert points.at({"width": 6}, 20) == points.at({"width": 6}, (20, 20, 3))
    assert points.at({"width": 6}, 20).params == planner.check(model, params={"width": 6}).cost.params
    assert points.at({"widht": 6}).error.startswith("NSP107: there is no parameter `widht`")


def test_libraries_beside_the_file_go_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "blocks.yaml").write_text(
        "blocks:\n  pair:\n    params: {width: }\n    layers:\n"
        "      - {type: Conv2d, out_channels: $width, kernel_size: 3}\n",
        encoding="utf-8",
    )
    model = tmp_path / "m.yaml"
    model.write_text(
        "input: [9, 9, 3]\nparams: {width: 4}\nuse: [./blocks.yaml, residual]\nlayers: [{type: pair, width: $width}]\n",
        encoding="utf-8",
    )
    asking = asked(read(model), {"width": [4, 8]}, {})
    wanted = [planner.check(model, params={"width": width}).cost.params for width in (4, 8)]
    (tmp_path / "blocks.yaml").unlink()
    assert [row.params for row in rows(asking)] == wanted
    assert not any(row.error for row in rows(asking))


def test_a_mapping_and_a_file_of_ultralytics_are_swept(tmp_path: Path) -> None:
    data = {
        "input": [8, 8, 3],
        "params": {"n": 4},
        "layers": [{"type": "Conv2d", "out_channels": "$n", "kernel_size": 1}],
    }
    assert [row.params for row in planner.sweep(data, params={"n": range(1, 4)})] == [4, 8, 12]
    yolo = Path(__file__).parent / "ultralytics" / "yolov8n.yaml"
    files = [yolo] if yolo.exists() else sorted((Path(__file__).parent / "ultralytics").glob("*.yaml"))[:1]
    for file in files:
        (row,) = planner.sweep(file, input=64)
        assert row.macs == planner.check(file, input=(64, 64, 3)).cost.macs


# Whoever plans it


class Unsteady:
    """Workers that give batches back in another order, and lose some of them."""

    def __init__(self, question: Question, lot: random.Random, hands: int) -> None:
        self.question, self.lot, self.hands = question, lot, hands
        self.out = self.most = self.lost_batches = 0
        self.threads = ThreadPoolExecutor(hands)

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self.threads.shutdown()

    def submit(self, first: int, last: int) -> Future[Batch]:
        self.out += 1
        self.most = max(self.most, self.out)
        return self.threads.submit(self.planned, first, last)

    def planned(self, first: int, last: int) -> Batch:
        time.sleep(self.lot.random() / 1000)
        self.out -= 1
        if self.lot.random() < 0.15:
            self.lost_batches += 1
            raise LostProcess("it ended")
        return batch_rows(self.question, "unsteady", first, last)[0], self.lot.random()

    def lost(self, error: BaseException) -> str:
        return str(error) if isinstance(error, LostProcess) else ""


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), hands=st.integers(1, 5), start=st.integers(0, 60))
def test_no_row_is_lost_or_doubled_or_out_of_order(seed: int, hands: int, start: int) -> None:
    data = {"input": [9, 3], "params": {"n": 1}, "layers": [{"type": "Linear", "out_features": "$n"}]}
    asking = asked(of_mapping(data), {"n": range(1, 62)}, {})
    crew = Unsteady(asking, random.Random(seed), hands)
    try:
        found = list(rows(asking, crew, start))
    except SweepStopped:
        assert crew.lost_batches >= MOST_TRIES
        return
    assert [row.point for row in found] == list(range(start, 61))
    assert [row.params for row in found] == [4 * n for n in range(start + 1, 62)]
    assert crew.most <= 2 * hands


def test_a_batch_that_nobody_brings_back_ends_the_sweep(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(self: Unsteady, first: int, last: int) -> Batch:
        raise LostProcess("it ended")

    monkeypatch.setattr(Unsteady, "planned", lost)
    asking = question(model)
    with pytest.raises(SweepStopped, match=f"were lost {MOST_TRIES} times: it ended"):
        list(rows(asking, Unsteady(asking, random.Random(0), 2)))


def test_processes_plan_the_same_and_one_that_is_killed_is_replaced(model: Path) -> None:
    asking = question(model)
    with Processes(asking, 2) as crew:
        found = iter(_all(asking, crew))
        first = list(islice(found, 3))
        crew._started[0]._process.kill()
        rest = list(found)
    assert [*first, *rest] == list(rows(asking))


def _all(asking: Question, crew: Processes) -> Iterator[SweepRow]:
    from planner.sweeping.rows import _Handing

    return _Handing(crew, 0, asking.count).rows()


# A Dask cluster


@pytest.fixture
def cluster() -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and three workers, each a process of its own."""
    pytest.importorskip("distributed")
    paths = os.pathsep.join(filter(None, [str(CONFIGS.parent), os.environ.get("PYTHONPATH")]))
    started: list[subprocess.Popen[bytes]] = []

    def start(kind: str, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.{kind}", *words]
        quiet, environment = subprocess.DEVNULL, {**os.environ, "PYTHONPATH": paths}
        started.append(subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet))
        return started[-1]

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    start("dask_scheduler", "--host", address, "--no-dashboard", "--no-show")
    workers = [
        start("dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
        for _ in range(3)
    ]
    try:
        yield address, workers
    finally:
        for each in started:
            each.kill()
        for each in started:
            each.wait()


@pytest.mark.long
def test_a_cluster_that_loses_a_worker_gives_the_same_rows(
    model: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    from distributed import Client

    address, workers = cluster
    with Client(address, timeout=60, set_as_default=False) as client:
        client.wait_for_workers(3, timeout=60)
    options = {"params": {"width": range(4, 100, 2), "kernel": [1, 3, 5]}, "input": range(12, 72, 3)}
    found = planner.sweep(model, **options, dask=address)  # type: ignore[arg-type]
    first = list(islice(found, 200))
    workers[0].kill()
    assert [*first, *found] == list(planner.sweep(model, **options))  # type: ignore[arg-type]


def test_a_cluster_that_is_not_there_is_told(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("planner.sweeping.cluster.PATIENCE", 1)
    result = run(str(model), "--set", "width=1:100", "--dask", "tcp://127.0.0.1:1")
    assert result.exit_code == 2
    assert "error: the cluster at `tcp://127.0.0.1:1` cannot be reached: " in result.output


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
    words = ["m.yaml", "--set", "width=1:40", "--set", "kernel=1,3,5", "--input", "12:60:2", "--results", "r.jsonl"]
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
    assert points == list(range(40 * 3 * 25))
    told = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert [row["point"] for row in told["rows"]] == points


OTHERS = [
    (("--set", "width=4:16:2"), "another is `--set`, which was `width=4:16:4`"),
    (("--set", "width=4:16:4", "--input", "32"), "another is `--input`"),
    (("--set", "width=4:16:4", "--batch", "2"), "another is `--batch`"),
    (("--set", "width=4:16:4", "--dtype", "int8"), "another is `--dtype`"),
]


@pytest.mark.parametrize(("words", "why"), OTHERS)
def test_the_rows_of_another_question_are_not_gone_on_with(model: Path, words: tuple[str, ...], why: str) -> None:
    first = ("m.yaml", "--results", "r.jsonl")
    assert run(*first, "--set", "width=4:16:4").exit_code == 0
    before = Path("r.jsonl").read_bytes()
    result = run(*first, *words)
    assert result.exit_code == 2
    assert "error: `r.jsonl` cannot be gone on with: it answers another question: " in result.output
    assert why in result.output
    assert Path("r.jsonl").read_bytes() == before


def test_the_rows_of_a_file_that_has_changed_are_not_gone_on_with(model: Path) -> None:
    words = ("m.yaml", "--set", "width=4:16:4", "--results", "r.jsonl")
    assert run(*words).exit_code == 0
    model.write_text(MODEL.replace("stride: 2", "stride: 1"), encoding="utf-8")
    assert "another is the model" in run(*words).output


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (MODEL, "it holds something else than rows of a sweep"),
        ("[]\n", "it holds something else than rows of a sweep"),
        ('{"sweep": 3}\n', "it holds something else than rows of a sweep"),
        ('{"precious": 1}', "it holds something else than rows of a sweep"),
        ("precious", "it holds something else than rows of a sweep"),
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
    assert "cannot be gone on with: its last line is not the row of point 4" in run(*words).output


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


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=40), st.booleans(), st.booleans())
def test_the_front_is_what_nothing_beats(numbers: list[tuple[int, int]], most_x: bool, most_y: bool) -> None:
    front = ParetoFront(Objective("params", most_x), Objective("macs", most_y))
    for i, (x, y) in enumerate(numbers):
        front.add(SweepRow(i, {}, {}, {}, params=x, macs=y))
    worth = [(-x if most_x else x, -y if most_y else y) for x, y in numbers]
    beaten = [any(a <= x and b <= y and (a, b) != (x, y) for a, b in worth) for x, y in worth]
    assert sorted(front.points) == [i for i, each in enumerate(beaten) if not each]
    assert [worth[i][0] for i in front.points] == sorted(worth[i][0] for i in front.points)


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
    else:
        assert result.output.startswith("<svg")
        assert result.output.count("<polygon") >= 2


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
    result = run("m.yaml", "--set", "width=4:9", "--input", "33,41")
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
    (("--front", "macs"), "write it as least:macs"),
    (("--front", "least:macs,most:beauty"), "there is no measure `beauty`; there are: params, macs"),
    (("--front", "least:macs,most:macs"), "a front has two measures"),
    (("-o", "r.docx"), "does not say what to draw"),
    (("--results", "no/such/r.jsonl"), "there is no folder `"),
    (("--results", "m.yaml"), "it is what is read"),
    (("--results", "r.csv", "-o", "./r.csv"), "is to be written twice, as two files"),
    (("--results", "/dev/null"), "it is no file that keeps what is written"),
    (("--results", "-"), "it is no file that keeps what is written"),
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
    with pytest.raises(Unasked, match="it has no spatial axis that could be 4:6:1"):
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
    assert run("m.yaml", "--set", "width=wide").exit_code == 1


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
