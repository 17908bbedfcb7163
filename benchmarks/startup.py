"""Whole processes: what a person waits for on the command line."""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter

import planner
from benchmarks.measure import Measurement, race


def process(*arguments: str) -> Callable[[], object]:
    return partial(subprocess.run, arguments, check=True, stdout=subprocess.DEVNULL)


def processor_time() -> float:
    """What all finished children have used: unlike the time on the clock, the same on a busy machine."""
    times = os.times()
    return times.children_user + times.children_system


def measure() -> Iterator[Measurement]:
    # pip compiles what it installs, torch among it; the working copy may have been left uncompiled.
    compileall.compile_dir(planner.__path__[0], quiet=1)
    check = process(str(Path(sys.executable).with_name("planner")), "check", "configs/resnet50.yaml")
    torch = process(sys.executable, "-c", "import torch")
    for what, clock in (("on the clock", perf_counter), ("processor time", processor_time)):
        checked, imported = race(7, check, torch, clock=clock)
        yield Measurement(f"planner check, whole process, {what}", checked, "import torch", imported, 0.17)
