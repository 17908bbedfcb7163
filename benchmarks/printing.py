"""Printing what was found, with the fixes that are tried for it, against checking the same files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.measure import Measurement, seconds
from planner.outputs import renderer
from planner.outputs._screen import Screen
from planner.workbench import Workbench

CONFIGS = sorted(map(str, Path("configs").glob("*.yaml")))
SQUEEZENET = "configs/squeezenet1_0.yaml"
TARGET = 1.3


def measure() -> Iterator[Measurement]:
    yield _against_checking("SqueezeNet 1.0: findings printed", [SQUEEZENET])
    yield _against_checking(f"all {len(CONFIGS)} configs: findings printed", CONFIGS)


def _against_checking(what: str, files: list[str]) -> Measurement:
    """The time of printing and of checking, each the sum over the files of the medians of three runs."""
    printing, checking = map(sum, zip(*map(_both, files), strict=True))
    return Measurement(what, printing, "checking", checking, TARGET)


def _both(file: str) -> tuple[float, float]:
    show, screen = renderer("check", "full"), Screen()
    printing, checking = [], []
    for _ in range(4):
        bench = Workbench.on(file)
        checking.append(seconds(partial(getattr, bench, "report")))
        printing.append(seconds(partial(show, [bench.report], screen)))
    return median(printing[1:]), median(checking[1:])
