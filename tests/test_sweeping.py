"""Rows of a sweep: each is what a check of its point says; none is lost or doubled, whoever plans it."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import planner
from planner.points import (
    Question,
    SweepPoint,
    SweepRow,
)
from planner.rules import all_rules
from planner.source import of_mapping, read
from planner.sweeping import PointPlanner, SweepStopped, Unasked, asked, rows
from planner.sweeping.local import LostProcess, Processes
from planner.sweeping.planning import batch_rows
from planner.sweeping.rows import MOST_TRIES, Batch, Crew
from sweep_model import placed, question, run

CONFIGS = Path(__file__).parents[1] / "configs"


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return placed(tmp_path, monkeypatch)


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
    numbers = {name: totals[name] for name in ("params", "macs", "activation_bytes", "peak_bytes", "kept_bytes")}
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
    return asked(read(path), params, inputs, kept=True), own


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


def test_what_training_keeps_is_worked_out_only_where_it_is_asked_for(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = planner.check(model, params={"width": 6}, batch=3).training().kept_bytes
    (row,) = planner.sweep(model, params={"width": 6}, batch=3, kept=True)
    assert row.kept_bytes == planner.point_planner(model, batch=3, kept=True).at({"width": 6}).kept_bytes == wanted

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("planner.training.running.run", never)
    (row,) = planner.sweep(model, params={"width": 6}, batch=3)
    assert (row.kept_bytes, row.error) == (None, "")
    with pytest.raises(Unasked, match="in int8 nothing is trained"):
        planner.sweep(model, params={"width": 6}, dtype="int8", kept=True)


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
