"""A sweep over ResNet-50, in points a second and core: of this process's own time, which is the same on a busy machine.

The config's own parameter and sizes, and the same file with a parameter for its width. Each row has what a check of its
point says of costs and of cells that are lost; a check is the yardstick of what a point takes alone.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

import planner
from benchmarks.measure import Measurement
from planner.source import Source, parse, read
from planner.sweeping import asked, rows

POINTS = 10_000
SECONDS = 0.01
"""What a point may take, so that there are a hundred in a second."""


def with_width(file: str) -> Source:
    """The config with the width of its first stage as a parameter."""
    text = Path(file).read_text(encoding="utf-8").replace("{classes: 1000}", "{classes: 1000, width: 64}")
    for stage, width in enumerate((64, 128, 256, 512)):
        text = text.replace(f"type: stage, width: {width}", f"type: stage, width: {2**stage} * $width")
    return parse(text.replace("out_channels: 64", "out_channels: $width"), file)


def measure() -> Iterator[Measurement]:
    file = "configs/resnet50.yaml"
    start = process_time()
    for size in range(160, 180):
        planner.check(file, input=(size, size, 3))
    check = (process_time() - start) / 20
    sizes = {"": range(160, 320, 4)}
    sweeps: dict[str, tuple[Source, dict[str, Any]]] = {
        "classes": (read(file), {"classes": range(10, 260)}),
        "width": (with_width(file), {"width": range(8, 2008, 8)}),
    }
    for name, (source, params) in sweeps.items():
        question = asked(source, params, sizes)
        assert question.count == POINTS
        gc.collect()
        start = process_time()
        planned = sum(not row.error for row in rows(question))
        each = (process_time() - start) / POINTS
        assert planned == POINTS
        what = f"ResNet-50: {POINTS:,} points, {name} and sizes"
        yield Measurement(f"{what}, each", each, "100 points a second and core", SECONDS, 1)
        yield Measurement(f"{what}, each", each, "a check", check, 1)
