"""A model made from one that differs by an edit is the one that unfolding gives, and so is its plan."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from planner.diagnostics import Edit
from planner.diagnostics import Path as Place
from planner.editing import edited
from planner.format import RESERVED
from planner.model import Model
from planner.propagation import propagate
from planner.report import Report
from planner.source import Source, read
from planner.unfolding import Interned, alike, load
from planner.workbench import Workbench

ROOT = Path(__file__).parents[1]
FILES = [
    *sorted(ROOT.glob("docs/models/*.yaml")),
    *(ROOT / f"configs/{name}.yaml" for name in ("deeplabv3_resnet50", "yolov8n")),
]
MOST_EDITS = 25


def edits(data: Any, path: Place = ()) -> Iterator[Edit]:
    """Edits of a model's data: every number one larger, every argument left out, a layer put before every layer."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        here = (*path, key)
        if isinstance(value, int) and not isinstance(value, bool):
            yield Edit(here, value + 1)
        if isinstance(value, dict | list):
            yield from edits(value, here)
        if isinstance(data, dict) and "type" in data and key not in RESERVED:
            yield Edit(here, action="remove")
            yield Edit((*path, "bias"), False)
        if key == "type" and isinstance(value, str) and value.startswith("Batch"):
            yield Edit(here, value.replace("Batch", "Instance"))
        if path[-1:] == ("layers",):
            yield Edit(here, {"type": "ReLU"}, "insert")


def source_with(source: Source, edit: Edit) -> Source:
    return Source(edited(source.data, [edit]), source.file, shelf=source.shelf)


def described(model: Model) -> list[object]:
    """What is known of the instances of a model, layers as the objects that they are."""
    return [
        (each.name, each.type, id(each.layer), each.sources, each.path, each.calls, each.allow, each.input)
        for each in model.instances
    ]


def answers(report: Report) -> list[object]:
    """What is known of a plan, and the analyses that take answers from the plan before."""
    plan = report.plan
    steps = [(step.sources, step.inputs, step.facts) for step in plan.steps]
    axes = [(step.name, each) for step, each in report.axes]
    return [plan.outputs, plan.diagnostics, steps, axes, report.losses, report.reach]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_model_with_other_layers_is_the_one_that_unfolding_gives(file: Path) -> None:
    source, layers = read(file), Interned()
    model = load(source, layers=layers)
    before = Report(propagate(model))
    found = [*edits(source.data)]
    for edit in found[:: max(len(found) // MOST_EDITS, 1)]:
        other = source_with(source, edit)
        made = alike(model, other, layers)
        if made is not None:
            unfolded = load(other, layers=layers)
            assert not unfolded.diagnostics
            assert described(made) == described(unfolded)
            after = Report(propagate(made, like=before.plan), like=before)
            assert answers(after) == answers(Report(propagate(unfolded)))


def test_steps_that_read_the_same_are_the_same_steps() -> None:
    bench = Workbench.on(ROOT / "configs/resnet50.yaml")
    before = bench.report.plan.steps

    def changed(path: Place, value: object) -> list[str]:
        after = bench.judged(source_with(bench.source, Edit(path, value)), like=bench.report).plan.steps
        return [a.name for a, b in zip(before, after, strict=True) if a is not b]

    same = changed(("blocks", "bottleneck", "layers", 3, "dilation"), 1)
    assert len(same) == 16
    assert all(name.endswith(".conv2") for name in same)
    longer = changed(("layers", 0, "padding"), 4)
    assert longer[0] == "conv1"
    assert longer[-1] == "avgpool"


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("{type: Conv2d, out_channels: 8, kernel_size: 3, repeat: 2}", Edit(("layers", 0, "repeat"), 3)),
        ("{type: Conv2d, out_channels: 8 + $index, kernel_size: 3, repeat: 2}", Edit(("layers", 0, "kernel_size"), 5)),
        ("{type: Conv2d, out_channels: $input.channels, kernel_size: 3}", Edit(("input",), [9, 9, 4])),
        ("{type: Conv2d, out_channels: 8, kernel_size: 3}", Edit(("layers", 0, "kernel_siz"), 5)),
        ("{type: Conv2d, out_channels: 8, kernel_size: 3}", Edit(("layers", 0, "kernel_size"), "$five")),
        ("{type: Conv2d, out_channels: 8, kernel_size: 3}", Edit(("layers", 0, "name"), "first")),
        ("{type: Conv2d, out_channels: 8, kernel_size: 3}", Edit(("input",), [0, 9, 3])),
        ("{type: Conv2d, out_channels: 8, kernel_size: 3}", Edit(("layers", 0), {"type": "ReLU"}, "insert")),
    ],
)
def test_what_may_change_more_than_layers_is_unfolded(text: str, edit: Edit) -> None:
    bench = Workbench.on_text(f"input: [9, 9, 3]\nlayers: [{text}]\n")
    assert alike(bench.report.plan.model, source_with(bench.source, edit), bench.layers) is None


def test_a_step_is_not_the_same_where_its_mask_hides_something_else() -> None:
    text = """
        input: [6, 4]
        layers:
          - {name: mask, type: Constant, shape: [6, 6], fill: causal_mask}
          - {type: ScaledDotProductAttention, from: [input, input, input, mask]}
    """
    bench = Workbench.on_text(text)
    source = source_with(bench.source, Edit(("layers", 0, "fill"), "zeros"))
    after = bench.judged(source, like=bench.report)
    assert after.plan.model.like is bench.report.plan.model
    assert answers(after) == answers(Workbench.on(source).report)
    assert after.plan.steps[-1].links != bench.report.plan.steps[-1].links
