"""For which heights ResNet-50 works and what it loses there, against asking torch about one height after another."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import mean

from benchmarks.measure import Measurement, race, seconds
from benchmarks.planning import meta_forward
from planner import source, unfolding
from planner.analyses.sizes import sizes
from planner.model import Model

LAST = 4096
SAMPLED = range(32, LAST + 1, LAST // 20)


def verdicts(loaded: Model) -> list[tuple[bool, bool, bool]]:
    """For every height whether the model works, is lossless, is exact."""
    height = sizes(loaded, "input", 0)
    return [(n in height.works, n in height.lossless, n in height.exact) for n in range(1, LAST + 1)]


def measure() -> Iterator[Measurement]:
    from benchmarks import networks

    loaded = unfolding.load(source.read("configs/resnet50.yaml"))
    (ours,) = race(5, lambda: verdicts(loaded))
    torch_takes = LAST * mean(seconds(meta_forward(networks.resnet50, height)) for height in SAMPLED)
    yield Measurement(f"ResNet-50: sizes 1…{LAST}", ours, f"{LAST} meta forwards", torch_takes, 1 / 500)
