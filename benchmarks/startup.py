"""Whole processes: what a person waits for on the command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.measure import Measurement, race


def process(*arguments: str) -> Callable[[], object]:
    return partial(subprocess.run, arguments, check=True, stdout=subprocess.DEVNULL)


def measure() -> Iterator[Measurement]:
    planner = str(Path(sys.executable).with_name("planner"))
    checked, imported = race(
        7,
        process(planner, "check", "configs/resnet50.yaml"),
        process(sys.executable, "-c", "import torch"),
    )
    yield Measurement("planner check, whole process", checked, "import torch", imported, 1 / 5)
