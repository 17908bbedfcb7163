"""Numbers as operands, functions and reductions in a file: what is refused, and how they read as code."""

from __future__ import annotations

from typing import Any

import pytest

from planner.editing import edited
from planner.layers import all_layers
from planner.outputs.code.torch import emitted
from planner.report import Report
from planner.source import of_mapping
from planner.workbench import checked

X, Y = {"name": "a", "type": "Tanh"}, {"name": "b", "type": "Sigmoid", "from": "input"}


def told(entry: dict[str, Any], **file: Any) -> Report:
    return checked(of_mapping({"input": [8, 8, 4], "layers": [X, Y, {"name": "it", **entry}], **file}))


OPERATORS = [name for name, each in all_layers().items() if "other" in each.model_fields and each.takes[0] == 2]


@pytest.mark.parametrize("name", OPERATORS)
def test_one_source_and_no_number_is_too_little(name: str) -> None:
    (found,) = told({"type": name, "from": "a"}).diagnostics
    assert (found.code, found.message) == (
        "NSP207",
        f"{name} takes 2{'' if all_layers()[name].takes[1] else ' or more'} sources",
    )


@pytest.mark.parametrize("name", OPERATORS)
def test_a_number_stands_in_place_of_a_source(name: str) -> None:
    report = told({"type": name, "from": ["a", "b"], "other": 2})
    (found,) = report.diagnostics
    assert (found.code, found.message) == ("NSP207", f"{name} takes one source with `other`")
    assert found.label == "2 given, `a` and `b`, and a number"
    assert found.help == "remove `other`, or name one source alone"
    mended = checked(of_mapping(edited(report.source.data, found.mends[0])))
    assert mended.ok
    assert "other" not in mended.source.data["layers"][-1]


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "Where", "from": ["a", "b"]}, "NSP207", "Where takes 3 sources"),
    ({"type": "Where", "from": ["a", "b", "a"], "other": 0}, "NSP207", "Where takes 2 sources with `other`"),
    ({"type": "Where", "from": "a", "other": 0}, "NSP207", "Where takes 2 sources with `other`"),
    ({"type": "Subtract", "from": ["a", "b"], "reversed": True}, "NSP310", "`reversed` is for a number and a tensor"),
    ({"type": "Multiply", "other": "2"}, "NSP112", "`other` takes a number"),
    ({"type": "Multiply", "other": True}, "NSP112", "`other` takes a number"),
    ({"type": "Clamp"}, "NSP111", "Clamp needs `min` or `max`"),
    ({"type": "Clamp", "min": 1, "max": 0}, "NSP225", "max must be greater than min"),
    ({"type": "Sum"}, "NSP111", "Sum needs `dim`"),
    ({"type": "Max", "dim": [2, 2]}, "NSP220", "dim 2 appears multiple times in the list of dims"),
    ({"type": "Max", "dim": [1, 2, 3]}, "NSP222", "Max leaves no axis"),
    ({"type": "ArgMax", "dim": [1, 2]}, "NSP112", "`dim` takes a whole number"),
    (
        {"type": "Var", "dim": 1, "correction": 4},
        "NSP112",
        "`correction` takes a whole number below 4, as 4 values have no more degrees of freedom",
    ),
    ({"type": "Add", "from": ["a", "vector"]}, "NSP204", "sizes of tensors must match"),
]


@pytest.mark.parametrize(("entry", "code", "message"), REFUSED, ids=[f"{e['type']}-{c}" for e, c, _ in REFUSED])
def test_refused(entry: dict[str, Any], code: str, message: str) -> None:
    layers = [X, Y, {"name": "vector", "type": "AdaptiveAvgPool2d", "output_size": 1}]
    report = told({"from": "a", **entry}, layers=[*layers, {"name": "it", "from": "a", **entry}])
    assert [(each.code, each.message) for each in report.diagnostics] == [(code, message)]


@pytest.mark.parametrize(
    ("name", "several"), [("Sum", "Add"), ("Prod", "Multiply"), ("Max", "Maximum"), ("Min", "Minimum")]
)
def test_several_tensors_are_for_another_layer(name: str, several: str) -> None:
    report = told({"type": name, "dim": 1, "from": ["a", "b"]})
    (found,) = report.diagnostics
    assert (found.code, found.help) == ("NSP207", f"use `type: {several}` for several tensors, cell by cell")
    assert checked(of_mapping(edited(report.source.data, found.mends[0]))).ok


def code(*layers: dict[str, Any], **file: Any) -> str:
    """The statements of the forward pass."""
    report = checked(of_mapping({"input": [8, 8, 4], "layers": [X, Y, *layers], **file}))
    assert report.ok, report.diagnostics
    return emitted(report).text.partition("-> Tensor:\n")[2].strip()


WRITTEN: list[tuple[dict[str, Any], str]] = [
    ({"type": "Multiply", "other": 0.5}, "x * 0.5"),
    ({"type": "Add", "other": -1}, "x + -1"),
    ({"type": "Subtract", "other": 1, "reversed": True}, "1 - x"),
    ({"type": "Divide", "other": 3}, "x / 3"),
    ({"type": "Power", "other": 2}, "x ** 2"),
    ({"type": "Power", "other": -0.5}, "x ** -0.5"),
    ({"type": "Power", "other": -2, "reversed": True}, "(-2) ** x"),
    ({"type": "Maximum", "other": 0}, "x.clamp(min=0)"),
    ({"type": "Minimum", "other": 6}, "x.clamp(max=6)"),
    ({"type": "Clamp", "min": 0, "max": 6}, "x.clamp(0, 6)"),
    ({"type": "Clamp", "max": 6}, "x.clamp(max=6)"),
    ({"type": "Neg"}, "-x"),
    ({"type": "Rsqrt"}, "x.rsqrt()"),
    ({"type": "Cumsum", "dim": 2}, "x.cumsum(dim=2)"),
    ({"type": "Normalize"}, "F.normalize(x, dim=1)"),
    ({"type": "Max", "dim": 1}, "x.amax(dim=1)"),
    ({"type": "Sum", "dim": [2, 3], "keepdim": True}, "x.sum(dim=(2, 3), keepdim=True)"),
    ({"type": "Var", "dim": 1, "correction": 0}, "x.var(correction=0, dim=1)"),
    ({"type": "ArgMin", "dim": 1}, "x.argmin(dim=1)"),
]


@pytest.mark.parametrize(("entry", "wanted"), WRITTEN, ids=[each for _, each in WRITTEN])
def test_it_reads_as_people_write_it(entry: dict[str, Any], wanted: str) -> None:
    found = code({"name": "it", "from": "input", **entry})
    assert found.splitlines()[-1].strip() == f"return {wanted}"


def test_operators_are_put_in_brackets_where_they_must_be() -> None:
    layers: list[dict[str, Any]] = [
        {"name": "sum", "type": "Add", "other": 1},
        {"name": "square", "type": "Power", "other": 2},
        {"name": "minus", "type": "Neg"},
        {"name": "root", "type": "Sqrt"},
    ]
    assert code(*layers).splitlines()[-1].strip() == "return (-(self.b(x) + 1) ** 2).sqrt()"


def test_several_sources_meet_two_by_two() -> None:
    found = code({"name": "it", "type": "Maximum", "from": ["a", "b", "input"]})
    assert "torch.maximum(torch.maximum(" in found
    found = code({"name": "it", "type": "Where", "from": ["a", "b"], "other": 0})
    assert "torch.where(" in found
    assert " > 0, " in found


def test_a_number_may_be_a_parameter() -> None:
    scaled: dict[str, Any] = {
        "params": {"scale": None},
        "layers": [{"type": "Tanh"}, {"type": "Multiply", "other": "$scale"}],
    }
    calls: list[dict[str, Any]] = [{"type": "scaled", "scale": 2}, {"type": "scaled", "scale": 0.5}]
    report = checked(of_mapping({"input": [8, 8, 4], "layers": calls, "blocks": {"scaled": scaled}}))
    text = emitted(report).text
    assert text.count("class Scaled") == 1
    assert "def __init__(self, scale: float) -> None:" in text
    assert "* self.scale" in text
