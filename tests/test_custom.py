"""Layers that the planner does not know: what the file declares of them is planned, and nothing else is said."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn
from torch.nn import functional

import planner
from planner.analyses.causality import Causal, causal_axes
from planner.analyses.input_sizes import input_sizes
from planner.analyses.reach import trace
from planner.analyses.sizes import AxisSizes
from planner.cells import all_cells
from planner.cli import main
from planner.diagnostics import Fault
from planner.geometry import Shape
from planner.outputs._screen import Screen
from planner.outputs.code.torch import emitted
from planner.outputs.code.torch.building import module_of
from planner.outputs.code.torch.verifying import request
from planner.outputs.code.torch.verifying.sizing import Compared
from planner.outputs.draw import mmd
from planner.outputs.plan import markdown, table
from planner.propagation import propagate
from planner.source import of_mapping
from planner.unfolding import load
from planner.workbench import Checked, checked, checked_text
from reference_run import inputs_of, run

CLASS = "my_package.layers.StandIn"


class StandIn(nn.Module):
    """A layer that reads what is declared of it, on tensors with their channels second."""

    def __init__(self, channels: int = 5, reads: str = "all", size: Any = None, **window: Any) -> None:
        super().__init__()
        self.channels, self.reads, self.size, self.window = channels, reads, size, window
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        x = sum([each.sum() for each in others], self.weight * x.sum(1, keepdim=True))
        if self.reads == "all":
            size = x.shape[2:] if self.size is None else self.size
            x = x.flatten(1).sum(1).reshape(-1, 1, *[1] * len(size)).expand(-1, 1, *size)
        elif self.reads == "causal":
            x = x.cumsum(-1)
        elif self.reads == "window":
            kernel = torch.ones(1, 1, *[self.window.pop("kernel_size")] * (x.dim() - 2), dtype=x.dtype)
            x = (functional.conv1d if x.dim() == 3 else functional.conv2d)(x, kernel, **self.window)
        return x.expand(-1, self.channels, *[-1] * (x.dim() - 2))


@pytest.fixture(autouse=True)
def my_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with the class; code that is written may import it."""
    module = ModuleType("my_package.layers")
    vars(module)["StandIn"] = StandIn
    monkeypatch.setitem(sys.modules, "my_package", ModuleType("my_package"))
    monkeypatch.setitem(sys.modules, "my_package.layers", module)


def custom(output: list[Any], **more: Any) -> dict[str, Any]:
    return {"name": "it", "type": "Custom", "class": CLASS, "output": output, **more}


def report_on(layers: list[dict[str, Any]], input: Any, **more: Any) -> Checked:
    return checked(of_mapping({"name": "model", "input": input, "layers": layers, **more}))


# What is declared holds for a class that does so

WINDOW = {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2}
DECLARED: list[tuple[list[int], dict[str, Any], dict[str, Any]]] = [
    ([6, 4, 3], {"output": [None, None, 5]}, {}),
    ([6, 4, 3], {"output": [2, 3, 5]}, {"size": [2, 3]}),
    ([6, 4, 3], {"output": [7, 5]}, {"size": [7]}),
    ([6, 4, 3], {"output": [5]}, {"size": []}),
    ([6, 4, 3], {"output": [None, None, 5], "reads": "same"}, {"reads": "same"}),
    ([9, 3], {"output": [None, 5], "reads": "causal"}, {"reads": "causal"}),
    ([11, 3], {"output": [None, 5], "reads": WINDOW}, {"reads": "window", **WINDOW}),
    ([9, 8, 3], {"output": [4, None, 5], "reads": WINDOW}, {"reads": "window", **WINDOW}),
]


@pytest.mark.parametrize(("shape", "declared", "args"), DECLARED, ids=str)
def test_shapes_and_reach_are_those_of_a_class_that_does_what_is_declared(
    shape: list[int], declared: dict[str, Any], args: dict[str, Any]
) -> None:
    report = report_on([custom(**declared, args=args)], shape)
    assert report.ok
    plan = report.plan
    found = emitted(report)
    model = getattr(module_of(found.text), found.name)().double()
    x = torch.rand(1, *Shape(shape).torch, dtype=torch.float64, requires_grad=True)
    given = x.movedim(1, -1) if found.inputs == ("last",) else x
    y = model(given)
    y = y.movedim(-1, 1) if found.outputs == ("last",) else y
    (out,) = plan.outputs
    assert (1, *plan.steps[out.step].outputs[0].torch) == y.shape
    for place in range(y[0, 0].numel()):
        cell = [int(each) for each in torch.unravel_index(torch.tensor(place), y.shape[2:])] if y.dim() > 2 else []
        (gradient,) = torch.autograd.grad(y[0, 0][tuple(cell)], x, retain_graph=True)
        at = (*(all_cells(i + 1) & ~all_cells(i) for i in cell), all_cells(1))
        said = torch.zeros(shape, dtype=torch.bool)
        for box in trace(plan, out.step, out.output, (at,)).get("input", ()):
            axes = [torch.tensor([bool(cells >> i & 1) for i in range(n)]) for cells, n in zip(box, shape, strict=True)]
            inside = torch.ones(shape, dtype=torch.bool)
            for axis, row in enumerate(axes):
                inside &= row.reshape([-1 if each == axis else 1 for each in range(len(shape))])
            said |= inside
        assert torch.equal(said, gradient[0].movedim(0, -1) != 0)


def test_a_causal_class_is_causal() -> None:
    plan = report_on([custom([None, 5], reads="causal")], [9, 3]).plan
    assert causal_axes(plan, plan.outputs[0]) == {Causal("input", 0, 0, False)}


@pytest.mark.parametrize(
    ("entry", "shape", "said"),
    [
        (custom([None, 5]), [6, 4, 3], "`output` takes numbers, since its input 6×4×3 has other axes"),
        (custom([5], reads="same"), [6, 4, 3], "`output` takes 3 sizes, as its input 6×4×3 has"),
        (custom([6, 5, 3], reads="same"), [6, 4, 3], "`output` takes 4 for width, as `reads` says, or null"),
        (custom([5, None, 3], reads=WINDOW), [9, 8, 3], "`output` takes 4 for height, as `reads` says, or null"),
        (custom([None, None, 3], reads="causal"), [6, 4, 3], "`reads` takes `causal` on a sequence L×C alone"),
        (custom([None, 3], reads={"kernel_size": [3, 3]}), [6, 3], "`reads` takes one number, or 1 for the 1 spatial"),
        (custom([None, 3], reads={"kernel_size": 9}), [6, 3], "kernel size can't be greater than actual input size"),
        (custom([None, 3], reads="some"), [6, 3], "`reads` takes `all`, `same`, `causal`, or windows such as"),
        (custom([0, 3]), [6, 3], "`output` takes a list of sizes with the channels last"),
        (custom([None, 3], params=-1), [6, 3], "`params` takes a whole number from 0"),
        (custom([None, 3], params="1_0000"), [6, 3], "`params` takes a whole number from 0"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_does_not_fit_is_refused(entry: dict[str, Any], shape: list[int], said: str) -> None:
    found = [each for each in report_on([entry], shape).diagnostics if each.severity == "error"]
    assert [said in each.message for each in found] == [True], [each.message for each in found]


# Names and arguments of all kinds


NO_CLASSES = (
    "os",
    "a..b",
    ".a",
    "a.",
    "a.class",
    "a.b c",
    "a.b\nimport os",
    "a.b;c",
    "a.1b",
    "a.b()",
    "a.ﬁ",
    "lambda.b",
)


@pytest.mark.parametrize("name", [*NO_CLASSES, 3, None, "a." * 150 + "b", "a.b#c", "a.None", "a-b.c"])
def test_only_names_of_classes_are_taken(name: object) -> None:
    report = report_on([{**custom([None, 3]), "class": name}], [6, 3])
    assert [each.code for each in report.diagnostics] == ["NSP112"]
    with pytest.raises(Fault):
        planner.torch_code(report)


NO_ARGUMENTS = (
    {"a b": 1},
    {"class": 1},
    {"a": {"b": 1}},
    {"a": [{"b": 1}]},
    {"a=1, b": 1},
    {1: 1},
    [1, 2],
    "a",
    {"ﬁ": 1},
)


@pytest.mark.parametrize("args", [*NO_ARGUMENTS, {"a": list(range(2000))}])
def test_only_plain_arguments_are_taken(args: Any) -> None:
    report = report_on([custom([None, 3], args=args)], [6, 3])
    assert [each.code for each in report.diagnostics] == ["NSP112"]


def test_arguments_are_written_as_they_are() -> None:
    args = {
        "channels": "$width",
        "size": None,
        "output": [1, [2.5, "$width + 1"]],
        "reads": "all",
        "text": "a\"b'c\\\n\u2028",
        "flag": "$flag",
        "none": None,
        "large": 1e15,
        "params": True,
    }
    layers = [custom([None, "$width"], args=args), {"name": "fc", "type": "Linear", "out_features": 2}]
    report = report_on(layers, [6, 3], params={"width": 8, "flag": False})
    found = emitted(report)
    seen: list[dict[str, Any]] = []

    class Seen(StandIn):
        def __init__(self, **given: Any) -> None:
            super().__init__(given["channels"])
            seen.append(given)

    vars(sys.modules["my_package.layers"])["StandIn"] = Seen
    for width, flag in ((8, False), (4, True)):
        model = getattr(module_of(found.text), found.name)(width=width, flag=flag)
        wanted = {**args, "channels": width, "output": [1, [2.5, width + 1]], "flag": flag}
        assert repr(seen.pop()) == repr(wanted)
        assert model(torch.zeros(2, 6, 3)).shape == (2, 6, 2) if found.inputs == ("last",) else True


def test_names_of_the_code_are_kept_apart() -> None:
    layers = [
        {"name": "Linear", "type": "Custom", "class": "a.Model", "output": [None, 3]},
        {"name": "x", "type": "Custom", "class": "b.nn", "output": [None, 3]},
        {"name": "y", "type": "Custom", "class": "a.torch", "output": [None, 3]},
        {"name": "z", "type": "Custom", "class": "c.Model", "output": [None, 3]},
    ]
    text = planner.torch_code(report_on(layers, [6, 3]))
    imports = [line for line in text.splitlines() if line.startswith("from ")]
    assert imports == [
        "from torch import Tensor, nn",
        "from a import Model as Model1, torch as Torch",
        "from b import nn as Nn",
        "from c import Model as Model2",
    ] or imports == [line.replace("Tensor, ", "") for line in imports]


def test_each_layer_is_an_object_of_its_own() -> None:
    """Nothing is known of its weights, so that no two are taken for one; a shared one is one, and counts once."""
    plain = {"type": "Custom", "class": CLASS, "output": [None, 3], "args": {"channels": 3}, "params": 7}
    report = report_on([plain, plain, {"name": "a", **plain}, {"name": "b", **plain, "share": "a"}], [6, 3])
    assert report.ok
    assert report.cost.params == 21
    found = emitted(report)
    model = getattr(module_of(found.text), found.name)()
    assert sum(isinstance(each, StandIn) for each in model.modules()) == 3
    assert {step["name"]: step.get("shares") for step in report.to_dict()["steps"]}["b"] == "a"


def test_further_sources_are_read_as_a_whole_unless_they_have_the_same_sizes() -> None:
    it = {**custom([None, 3], reads="same"), "from": ["x", "y", "z"]}
    plan = report_on([it], {"x": [6, 3], "y": [6, 2], "z": [4, 3]}).plan
    cell = all_cells(3) & ~all_cells(2)
    read = trace(plan, plan.outputs[0].step, 0, ((cell, all_cells(3)),))
    assert read == {
        "x": ((cell, all_cells(3)),),
        "y": ((cell, all_cells(2)),),
        "z": ((all_cells(4), all_cells(3)),),
    }


# What is not known is said to be unknown

UNKNOWN: list[dict[str, Any]] = [
    {"name": "fc", "type": "Linear", "out_features": 4},
    custom([None, 5], args={"channels": 5}),
    {"name": "head", "type": "Linear", "out_features": 2},
]


def test_sums_are_unknown() -> None:
    report = report_on(UNKNOWN, [6, 3])
    assert (report.cost.params, report.cost.macs, report.cost.flops) == (None, None, None)
    assert (report.cost.known_params, report.cost.known_macs) == (16 + 12, 6 * (12 + 10))
    told = report.to_dict()
    assert [told["totals"][each] for each in ("params", "macs", "flops")] == [None] * 3
    assert told["totals"]["unknown"] == {"params": ["it"], "macs": ["it"], "kept": ["it"]}
    assert told["steps"][1] | {"class": CLASS, "params": None, "macs": None} == told["steps"][1]
    json.dumps(told)


def test_every_output_shows_it() -> None:
    report = report_on(UNKNOWN, [6, 3])
    text = table.render(report, Screen(width=100))
    assert "Custom, StandIn" in text
    assert "28 + ?" in text
    assert "132 + ?" in text
    assert "264 + ? FLOPs" in text
    assert "params and MACs of `it` are not known, and not counted" in " ".join(text.split())
    assert "| **28 + ?** | **132 + ?** |" in markdown.render(report, Screen())
    from planner.outputs.plan import csv as as_csv

    rows = list(csv.DictReader(io.StringIO(as_csv.render(report, Screen()))))
    assert [(row["params"], row["macs"]) for row in rows] == [("16", "72"), ("", ""), ("12", "60")]
    assert "StandIn" in mmd.render(report)
    assert "<td>Custom</td>" in report._repr_html_()


def test_zero_is_known() -> None:
    report = report_on([custom([None, 5], params=0, macs="1_000")], [6, 3])
    assert (report.cost.params, report.cost.macs) == (0, 1000)
    assert report.to_dict()["totals"]["unknown"] == {"params": [], "macs": [], "kept": ["it"]}


def test_multiply_adds_that_are_wasted_may_be_unknown() -> None:
    layers = [*UNKNOWN[:2], {"type": "Slice", "dim": 2, "stop": 2, "from": "fc"}]
    report = report_on(layers, [6, 3])
    assert report.reach is not None
    assert report.reach.macs_wasted == (0, 48, None, 0)
    assert report.to_dict()["wasted_macs"] is None


def test_no_share_of_unknown_totals_is_said() -> None:
    conv = {"type": "Conv2d", "out_channels": 64, "kernel_size": 3}
    layers: list[dict[str, Any]] = [conv, {"type": "Flatten"}, {"name": "fc", "type": "Linear", "out_features": 1024}]
    (said,) = [each for each in report_on(layers, [16, 16, 8]).diagnostics if "of all parameters" in each.message]
    report = report_on([*layers, custom([5])], [16, 16, 8])
    assert said.kind not in [each.kind for each in report.diagnostics]


def test_what_comes_first_may_have_no_map_where_a_map_is_read_as_well() -> None:
    layers = [custom(output, **{"from": ["q", "keys"]}) for output in ([12], [1, "$keys.length"])]
    names = [{**each, "name": name} for each, name in zip(layers, "ab", strict=True)]
    assert not report_on(names, {"q": [12], "keys": [7, 12]}, outputs=["a", "b"]).diagnostics


# What is declared holds for the sizes of the file


def answer(report: Checked, axis: int = 0) -> AxisSizes:
    (found,) = input_sizes(report.plan.model)
    each = found.axes[axis]
    assert isinstance(each, AxisSizes)
    return each


STEM = {"name": "stem", "type": "Conv1d", "out_channels": 4, "kernel_size": 3, "stride": 2}


@pytest.mark.parametrize(
    "output", [[None, 5], [7, 5], [5], [3, 3, 5]], ids=["follows", "stated", "vector", "other axes"]
)
def test_sizes_are_those_at_which_the_model_is_known(output: list[int | None]) -> None:
    report = report_on([STEM, custom(output)], [16, 3])
    works = answer(report).works
    for n in range(1, 80):
        plan = propagate(report.plan.model, inputs={"input": Shape((n, 3))})
        assert (n in works) == plan.complete == (n >= 3 if output == [None, 5] else n in (15, 16)), n


def test_an_axis_that_follows_is_free_of_one_that_is_stated() -> None:
    report = report_on([custom([None, 4, 5])], [6, 4, 3])
    assert all(n in answer(report, 0).works for n in range(1, 40))
    assert [n for n in range(1, 40) if n in answer(report, 1).works] == [4]


def test_multiply_adds_hold_for_the_sizes_of_the_file() -> None:
    file = {"input": [6, 3], "layers": [custom([None, 5], params=3, macs=9)]}
    here, there = (checked(of_mapping(file), input=given) for given in (None, [8, 3]))
    assert (here.cost.macs, there.cost.macs, there.cost.params) == (9, None, 3)
    stated = checked(of_mapping({"input": [6, 3], "layers": [custom([6, 5])]}), input=[8, 3])
    assert "stated for length 6, and 8 arrive" in stated.diagnostics[0].help


@pytest.mark.parametrize("given", [[6, 3], [4, 6, 6, 3], [3]])
def test_what_is_declared_holds_for_as_many_axes_as_in_the_file(given: list[int]) -> None:
    report = checked(of_mapping({"input": [6, 6, 3], "layers": [custom([10])]}), input=given)
    assert [each.code for each in report.diagnostics] == ["NSP206"]
    assert not report.plan.complete


@pytest.mark.parametrize("own", [["$missing", 3], [0, 3], [2**40, 2**40], [1] * 100])
def test_a_faulty_shape_that_is_replaced_hinders_nothing(own: list[Any]) -> None:
    for layer in (custom([6, 5]), {"type": "Linear", "out_features": 5}):
        assert checked(of_mapping({"input": own, "layers": [layer]}), input=[6, 3]).ok


def test_no_fix_makes_untrue_what_is_declared() -> None:
    text = """
    input: [16, 3]
    layers:
      - {name: stem, type: Conv1d, out_channels: 4, kernel_size: 3, stride: 2}
      - {name: it, type: Custom, class: a.B, output: OUTPUT}
    """
    for output, arriving in (("[7, 5]", {7}), ("[null, 5]", {7, 8})):
        report = checked_text(text.replace("OUTPUT", output))
        (lost,) = [each for each in report.diagnostics if each.code == "NSP321"]
        sizes = set()
        for fix in report.fixes(lost):
            after = checked_text(text.replace("OUTPUT", output).replace("stride: 2", f"stride: 2, {fix.text}"))
            if after.plan.complete and "`" not in fix.text and "input" not in fix.text and "kernel" not in fix.text:
                sizes.add(after.plan.steps[1].outputs[0][0])
        assert sizes <= arriving


# It is never run


def test_nothing_imports_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hostile.py").write_text("from pathlib import Path\nPath('was_here').touch()\nclass It: pass\n")
    model = tmp_path / "model.yaml"
    model.write_text("input: [6, 3]\nlayers:\n  - {name: it, type: Custom, class: hostile.It, output: [null, 3]}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    runner = CliRunner()
    for command in (["check"], ["plan"], ["sizes"], ["draw", "-o", "a.svg"], ["report", "-o", "a.html"], ["code"]):
        assert runner.invoke(main, [command[0], str(model), *command[1:]]).exit_code == 0, command
    result = runner.invoke(main, ["code", str(model), "--verify"])
    assert result.exit_code == 2
    assert "not verified: `it` is a class of your own, and is not run" in result.output
    assert "verified:" not in result.output.replace("not verified:", "")
    with pytest.raises(Fault, match="is a class of your own"):
        planner.build(model)
    report = checked(model)
    with pytest.raises(Fault, match="is a class of your own"):
        request(report.plan, emitted(report), Compared(report.plan))
    assert "hostile" not in sys.modules
    assert not (tmp_path / "was_here").exists()


def test_the_reference_run_cannot_run_it() -> None:
    plan = propagate(load(of_mapping({"input": [6, 3], "layers": [custom([None, 5])]})))
    with pytest.raises(NotImplementedError, match="what does Custom compute"):
        run(plan, {}, inputs_of(plan))
