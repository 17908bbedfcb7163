"""ResNet-50 brought in: as a module of PyTorch, against its own forward pass, and as a file of ONNX."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import planner
from benchmarks.measure import Measurement, race
from benchmarks.startup import process, processor_time

BEFORE = """
import torch
from benchmarks.networks import resnet50
with torch.device("meta"):
    module = resnet50().eval()
image = torch.zeros(1, 3, 224, 224, device="meta")
"""
FORWARD = """
with torch.no_grad():
    module(image)
"""
IMPORT = """
import planner
planner.import_model(module, input=(224, 224, 3))
"""
TIMES = 5
"""Processes of each kind; the first lap is not counted."""
PROMISED = 0.3
"""Seconds in which a file of ONNX is planned."""


def measure() -> Iterator[Measurement]:
    python = partial(process, sys.executable, "-c")
    runs = (python(BEFORE), python(BEFORE + FORWARD), python(BEFORE + FORWARD + IMPORT), python(BEFORE + IMPORT))
    bare, forward, both, imported = race(TIMES, *runs, clock=processor_time)
    against = "meta forward"
    yield Measurement("import of ResNet-50, beyond import torch", imported - bare, against, forward - bare, 5)
    warm, again = in_process()
    yield Measurement("the first in a process that ran it, warm forward", both - forward, against, warm, 5)
    yield Measurement("import of ResNet-50 in process", again, against, warm, 5)
    with TemporaryDirectory() as folder:
        file = exported(Path(folder))
        planned = race(TIMES, lambda: planner.check(file).ok)
        yield Measurement("ONNX ResNet-50 planned in process", median(planned), "promised", PROMISED, 1)


def in_process() -> list[float]:
    """The forward pass of ResNet-50 without values, and its import, in this process."""
    import torch

    from benchmarks.networks import resnet50

    with torch.device("meta"):
        module, image = resnet50().eval(), torch.zeros(1, 3, 224, 224)

    def forward() -> object:
        with torch.no_grad():
            return module(image)

    imported: Callable[[], object] = partial(planner.import_model, module, input=(224, 224, 3))
    return race(TIMES, forward, imported)


def exported(folder: Path) -> str:
    """The path of ResNet-50 with its weights as a file of ONNX."""
    import torch

    from benchmarks.networks import resnet50

    file = str(folder / "resnet50.onnx")
    with warnings.catch_warnings(), redirect_stdout(StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(resnet50().eval(), (torch.zeros(1, 3, 224, 224),), file, dynamo=False)
    return file
