"""Writing PyTorch code: against planning the same file, and for four times as many blocks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.measure import Measurement, race
from planner import propagation, source, unfolding
from planner.outputs.code.torch import emitted
from planner.report import Report

NETWORKS = {"resnet50": 2, "densenet121": 3, "googlenet": 3}
"""Networks of `configs/`, and how many times planning their code may take."""
FEW, MANY = 1_000, 4_000


def planned(path: str) -> Report:
    return Report(propagation.propagate(unfolding.load(source.read(path))))


def blocks(count: int) -> Report:
    """A model of so many calls of one block, each of another width."""
    block = [
        {"name": "conv", "type": "Conv2d", "out_channels": "$width", "kernel_size": 3, "padding": 1},
        {"type": "BatchNorm2d"},
        {"type": "ReLU"},
    ]
    file = {
        "input": [8, 8, 8],
        "layers": [{"name": f"block{i}", "type": "block", "width": 8 + i} for i in range(count)],
        "blocks": {"block": {"params": {"width": None}, "layers": block}},
    }
    return Report(propagation.propagate(unfolding.load(source.of_mapping(file))))


def measure() -> Iterator[Measurement]:
    for name, target in NETWORKS.items():
        path = f"configs/{name}.yaml"
        report = planned(path)
        ours, planning = race(11, partial(emitted, report), partial(planned, path))
        yield Measurement(f"{name}: code", ours, "reading and planning", planning, target)
    few, many = blocks(FEW), blocks(MANY)
    ours, yardstick = race(3, partial(emitted, many), partial(emitted, few))
    yield Measurement(f"code of {MANY:,} blocks", ours, f"{FEW:,} blocks", yardstick, 4)
