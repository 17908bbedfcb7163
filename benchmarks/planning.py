"""Planning inside a running process, against one forward of the same network on torch's meta device.

The forward is torch at its quickest: in eval mode, without gradients, the module built beforehand. Ours starts from the
file for "load and plan" and "check", and from the finished model for the propagation alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import planner
from benchmarks.measure import Measurement, race
from planner import propagation, source, unfolding
from planner.analyses.cost import cost
from planner.analyses.loss import losses
from planner.analyses.reach import reach
from planner.analyses.receptive_field import receptive_fields
from planner.plan import Plan

if TYPE_CHECKING:
    from torch import nn

ROUNDS = 9


def planned(path: str) -> Plan:
    return propagation.propagate(unfolding.load(source.read(path)))


def analysed(path: str) -> None:
    report = planner.check(path)
    for analysis in (cost, losses, reach, receptive_fields):
        analysis(report.plan)


def meta_forward(build: Callable[[], nn.Module], height: int = 224) -> Callable[[], object]:
    """One forward of the module that `build` makes, to be called many times."""
    import torch

    with torch.device("meta"):
        module = build().eval()
        image = torch.empty(1, 3, height, 224)

    def forward() -> object:
        with torch.no_grad():
            return module(image)

    return forward


def measure() -> Iterator[Measurement]:
    from benchmarks import networks

    resnet, densenet = "configs/resnet50.yaml", "configs/densenet121.yaml"
    loaded = unfolding.load(source.read(resnet))
    forward, whole, propagated, checked = race(
        ROUNDS,
        meta_forward(networks.resnet50),
        lambda: planned(resnet),
        lambda: propagation.propagate(loaded),
        lambda: analysed(resnet),
    )
    yield Measurement("ResNet-50: load and plan", whole, "meta forward", forward, 1 / 4)
    yield Measurement("ResNet-50: propagation alone", propagated, "meta forward", forward, 1 / 20)
    yield Measurement("ResNet-50: check, all analyses", checked, "meta forward", forward, 1 / 2)
    forward, checked = race(ROUNDS, meta_forward(networks.densenet121), lambda: analysed(densenet))
    yield Measurement("DenseNet-121: check, all analyses", checked, "meta forward", forward, 1 / 2)
