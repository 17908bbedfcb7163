"""Channels: who can influence whom, against gradients; and grouped layers in a row that never mix."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx
import pytest
import torch
from hypothesis import given, settings

from linear_copy import LinearCopy
from planner.analyses.channels import Component, components, lineages, never_mixed
from planner.analyses.reach import trace
from planner.geometry import all_cells, bits
from planner.plan import Plan
from planner.propagation import propagate
from planner.regions import channels
from planner.source import read
from planner.unfolding import load
from random_networks import networks, planned

CONFIGS = Path(__file__).parents[1] / "configs"

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")

SOME = settings(max_examples=settings().max_examples // 2)

# Random networks

GROUPED = (
    *(
        "grouped conv",
        "grouped conv",
        "channel slice",
        "channel shuffle",
        "channel parts",
        "pointwise",
        "linear",
        "pixel shuffle",
    ),
    *("Add", "Concat", "Multiply"),
)
"""Kinds of layers that move, part, join and group channels, and leave no cell of an image out."""


def pattern(copy: LinearCopy, i: int, output: int, origin: tuple[int, int]) -> torch.Tensor:
    """Which channels of one tensor each channel of another depends on, wherever: a row for each of the latter."""
    value, start = copy.values[i][output], copy.values[origin[0]][origin[1]]
    rows = [copy.read(value[0, channel], [start])[0] for channel in range(value.shape[1])]
    return torch.stack([row.reshape(-1, start.shape[1]).any(0) for row in rows])


def cells(row: torch.Tensor) -> int:
    """A row of a pattern as a set."""
    return sum(1 << c for c in row.nonzero()[:, 0].tolist())


def connected(found: torch.Tensor) -> set[Component]:
    """The connected components of a pattern, as a graph between its rows and its columns."""
    graph: networkx.Graph[tuple[str, int]] = networkx.Graph()
    graph.add_edges_from((("own", own), ("origin", origin)) for own, origin in found.nonzero().tolist())
    return {
        Component(
            sum(1 << channel for side, channel in each if side == "origin"),
            sum(1 << channel for side, channel in each if side == "own"),
        )
        for each in networkx.connected_components(graph)
    }


@SOME
@given(networks(kinds=GROUPED, rank=1, sizes=(4, 6), channels=(4, 6, 8, 12), inputs=1))
def test_channels_depend_on_what_has_a_gradient(mapping: dict[str, Any]) -> None:
    """From every tensor back to the input by `trace`, and back to its origin by its lineage."""
    plan = planned(mapping)
    copy, found = LinearCopy(plan), lineages(plan)
    for i, step in enumerate(plan.steps):
        for output, (shape, lineage) in enumerate(zip(step.outputs, found[i], strict=True)):
            seen = pattern(copy, i, output, (0, 0))
            for channel, row in enumerate(seen):
                box = (*map(all_cells, shape.spatial), 1 << channel)
                assert channels(trace(plan, i, output, (box,)).get("x", ())) == cells(row), step.name
            if lineage.origin != (i, output):
                seen = pattern(copy, i, output, lineage.origin)
                assert lineage.of(shape.channels) == tuple(map(cells, seen)), step.name
                assert set(components(lineage.of(shape.channels))) == connected(seen), step.name
            elif not step.is_input and len(step.sources) == 1 and found[step.sources[0].step]:
                above = found[step.sources[0].step][step.sources[0].output or 0]
                assert len(connected(pattern(copy, i, output, above.origin))) < 2, step.name


@SOME
@given(networks(kinds=GROUPED, rank=1, sizes=(4, 6), channels=(4, 6, 8, 12), inputs=1))
def test_the_mixer_is_the_first_step_at_which_components_meet(mapping: dict[str, Any]) -> None:
    plan = planned(mapping)
    copy = LinearCopy(plan)
    for kept in never_mixed(plan):
        end = kept.steps[-1]
        assert len(kept.steps) > 1
        assert all(plan.steps[each].weights for each in kept.steps)
        assert len(kept.components) > 1
        mixing = [
            i
            for i in range(end + 1, len(plan.steps))
            for output in range(len(plan.steps[i].outputs))
            if any(
                sum(bool(cells(row) & component.own) for component in kept.components) > 1
                for row in pattern(copy, i, output, (end, 0))
            )
        ]
        assert kept.mixed_by == min(mixing, default=None)


# By hand


@dataclass(frozen=True)
class Row:
    """Layers on 6×6×12, and the rows among them that never mix: their steps, how many components, what mixes them."""

    name: str
    layers: list[dict[str, Any]]
    kept: list[tuple[list[str], int, str | None]]


def grouped(name: str, groups: int | str, width: int = 12, **more: Any) -> dict[str, Any]:
    sizes = {"out_channels": width, "kernel_size": 3, "padding": 1, "groups": groups}
    return {"name": name, "type": "Conv2d", **sizes, **more}


SHUFFLE = {"name": "shuffle", "type": "ChannelShuffle", "groups": 3}
SUM = {"name": "sum", "type": "Add", "from": ["b", "input"]}

ROWS = [
    Row("one grouped layer", [grouped("a", 3)], []),
    Row("a shuffle between", [grouped("a", 3), SHUFFLE, grouped("b", 3)], []),
    Row("a dense layer between", [grouped("a", 3), grouped("dense", 1), grouped("b", 3)], []),
    Row("two", [grouped("a", 3), grouped("b", 3)], [(["a", "b"], 3, None)]),
    Row("mixed later", [grouped("a", 3), grouped("b", 3), grouped("c", 1)], [(["a", "b"], 3, "c")]),
    Row("groups within groups", [grouped("a", 6), grouped("b", 3), grouped("c", 3)], [(["a", "b", "c"], 3, None)]),
    Row("groups that overlap", [grouped("a", 4), grouped("b", 2), grouped("c", 3)], [(["a", "b"], 2, "c")]),
    Row("depthwise", [grouped("a", 12), grouped("b", 12), grouped("c", 1)], [(["a", "b"], 12, "c")]),
    Row("with a skip", [grouped("a", 3), grouped("b", 3), SUM, grouped("c", 3)], [(["a", "b", "c"], 3, None)]),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_rows_that_never_mix(row: Row) -> None:
    plan = planned({"input": [6, 6, 12], "layers": row.layers})
    assert named(plan) == row.kept


def named(plan: Plan) -> list[tuple[list[str], int, str | None]]:
    return [
        (
            [plan.steps[i].name for i in kept.steps],
            len(kept.components),
            None if kept.mixed_by is None else plan.steps[kept.mixed_by].name,
        )
        for kept in never_mixed(plan)
    ]


def test_groups_of_a_convolution() -> None:
    """32 channels to 48 by two groups: inputs 0–15 make outputs 0–23, inputs 16–31 outputs 24–47."""
    plan = planned({"input": [9, 9, 32], "layers": [grouped("a", 2, 48)]})
    (lineage,) = lineages(plan)[1]
    parts = [(bits(part.origin), bits(part.own)) for part in components(lineage.of(48))]
    assert parts == [([*range(16)], [*range(24)]), ([*range(16, 32)], [*range(24, 48)])]


@pytest.mark.parametrize("name", ["resnext50_32x4d", "mobilenet_v2", "regnet_y_400mf", "shufflenet_v2_x1_0"])
def test_published_networks_mix(name: str) -> None:
    assert not never_mixed(propagate(load(read(CONFIGS / f"{name}.yaml"))))


def test_depthwise_layers_in_a_long_row_cost_little() -> None:
    """The row is found whole, and once."""
    layers = [grouped(f"a{i}", 12) for i in range(300)]
    plan = planned({"input": [6, 6, 12], "layers": layers})
    assert named(plan) == [([f"a{i}" for i in range(300)], 12, None)]
