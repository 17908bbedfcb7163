"""Pools with padding that PyTorch's own argument cannot say: the code that is written, value by value.

The reference run takes each window by itself, from the cells that it holds. What TensorFlow computes was written down
from its pages: https://www.tensorflow.org/api_docs/python/tf/nn, "Notes on padding", and tf.nn.pool: "The reduction
never includes out-of-bounds positions."
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import torch

import planner
from planner.diagnostics import Fault
from planner.outputs.code.torch import emitted
from planner.outputs.code.torch.building import module_of
from planner.outputs.code.torch.program import Style
from planner.propagation import propagate
from planner.report import Report
from planner.source import of_mapping
from planner.unfolding import load
from reference_run import differences

pytestmark = pytest.mark.filterwarnings("ignore")

Entry = dict[str, Any]
PAIRS = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (0, 2), (3, 1), (1, 4)]
AT_ONCE = 100
"""Pools in one model."""
STYLES: tuple[Style, ...] = ("auto", "module", "sequential")


def report_of(layers: list[Entry], *size: int) -> Report:
    file = {
        "input": {"x": [*size, 2]},
        "layers": [{"name": f"p{i}", "from": "x", **each} for i, each in enumerate(layers)],
    }
    return Report(propagate(load(of_mapping({**file, "outputs": [f"p{i}" for i in range(len(layers))]}))))


def fitting(layers: list[Entry], *size: int) -> list[Entry]:
    """Those of some layers that can be planned on an input of this size."""
    return [each for each in layers if report_of([each], *size).plan.complete]


def batched(layers: list[Entry], most: int) -> Iterator[list[Entry]]:
    yield from (layers[first : first + most] for first in range(0, len(layers), most))


def on_one_axis() -> Iterator[Entry]:
    """Every pool over one axis with kernels to 4, strides to 3, and each way to pad."""
    for kernel, stride, ceil in product((1, 2, 3, 4), (1, 2, 3), (False, True)):
        windows = {"kernel_size": kernel, "stride": stride, "ceil_mode": ceil}
        for padding in ("same", "tf_same", *([list(pair)] for pair in PAIRS)):
            yield {"type": "MaxPool1d", **windows, "padding": padding}
            yield {"type": "MaxPool1d", **windows, "padding": padding, "dilation": 2}
            yield {"type": "AvgPool1d", **windows, "padding": padding}
            yield {"type": "AvgPool1d", **windows, "padding": padding, "count_include_pad": False}
            yield {"type": "LPPool1d", **windows, "padding": padding, "norm_type": 2}


@pytest.mark.parametrize(
    "n",
    [
        1,
        2,
        5,
        pytest.param(6, marks=pytest.mark.long),
        pytest.param(7, marks=pytest.mark.long),
        pytest.param(9, marks=pytest.mark.long),
    ],
)
def test_one_axis_is_pooled_as_the_plan_says(n: int) -> None:
    layers = fitting([*on_one_axis()], n)
    assert len(layers) > 600
    for some in batched(layers, AT_ONCE):
        report = report_of(some, n)
        assert differences(report, emitted(report)) == []


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("size", [(5,), (5, 6), (3, 4, 5)], ids=len)
def test_axes_are_padded_each_by_its_own(size: tuple[int, ...], style: Style) -> None:
    rank = len(size)
    paddings = ["same", "tf_same", [[0, 1]] * rank, [[2, 0], *[[0, 1]] * (rank - 1)], [*[0] * (rank - 1), [3, 1]]]
    tried = 0
    for padding, ceil, stride in product(paddings, (False, True), (1, 2, None)):
        windows = {"kernel_size": [2, 3, 2][:rank] if rank > 1 else 2, "stride": stride, "padding": padding}
        options: list[Entry] = [{}, {"count_include_pad": False}, *([{"divisor_override": -3}] if rank > 1 else [])]
        for kind, more in [("Max", {}), ("LP", {"norm_type": 3}), *(("Avg", each) for each in options)]:
            entry = {"type": f"{kind}Pool{rank}d", **windows, "ceil_mode": ceil, **more}
            if not fitting([entry], *size):
                continue
            tried += 1
            report = report_of([entry], *size)
            found = emitted(report, style=style)
            assert differences(report, found) == [], found.text
    assert tried > 80


@pytest.mark.parametrize("kind", ["Max", "Avg"])
def test_code_is_right_for_other_sizes_too(kind: str) -> None:
    entries = [{**each} for each in on_one_axis() if each["type"] == f"{kind}Pool1d" and each["kernel_size"] == 3]
    layers = fitting(fitting(entries, 8), 11)
    for some in batched(layers, AT_ONCE):
        there, here = report_of(some, 8), report_of(some, 11)
        assert differences(here, emitted(there)) == []


def test_tensorflow_leaves_padding_out() -> None:
    # tf.nn.avg_pool1d([[1, 2, 3, 4, 5]], 2, 2, "SAME") gives 1.5, 3.5 and 5: the last window holds one number.
    pool = {"type": "AvgPool1d", "kernel_size": 2, "stride": 2, "padding": "tf_same"}
    assert _computed(pool, [1, 2, 3, 4, 5]) == [1.5, 3.5, 5]
    assert _computed({**pool, "padding": [[0, 1]]}, [1, 2, 3, 4, 5]) == [1.5, 3.5, 2.5]
    assert _computed({**pool, "type": "MaxPool1d"}, [-1, -2, -3, -4, -5]) == [-1, -3, -5]


def test_windows_on_padding_alone() -> None:
    pool: Entry = {"kernel_size": 2, "stride": 2, "padding": [[2, 0]]}
    found = {kind: _computed({"type": f"{kind}Pool1d", **pool}, [3, 5]) for kind in ("Max", "Avg")}
    assert found == {"Max": [-math.inf, 5], "Avg": [0, 4]}
    none, four = _computed({"type": "AvgPool1d", "count_include_pad": False, **pool}, [3, 5])
    assert math.isnan(none)
    assert four == 4
    report = planner.check({"input": [2, 1], "layers": [{"type": "MaxPool1d", **pool}]})
    assert [each.code for each in report.diagnostics] == ["NSP334"]


def _computed(entry: Entry, values: list[float]) -> list[float]:
    report = report_of([entry], len(values))
    found = emitted(report)
    result = getattr(module_of(found.text), found.name)()(
        torch.tensor(values, dtype=torch.float64).reshape(1, 1, -1).expand(1, 2, -1)
    )
    numbers: list[float] = result[0, 0].tolist()
    return numbers


PLACED: list[tuple[Any, bool]] = [(1, True), ([1, 1], True), ([[1, 1], [0, 0]], True), ("same", True), ("valid", True)]
PLACED += [("tf_same", False), ([[0, 1], [0, 1]], False), ([[2, 2], 0], False)]


@pytest.mark.parametrize(("padding", "own"), PLACED, ids=str)
def test_places_are_those_on_the_map_itself(padding: Any, own: bool) -> None:
    entry = {"type": "MaxPool2d", "kernel_size": 3, "stride": 1, "padding": padding, "return_indices": True}
    report = report_of([entry], 5, 6)
    assert report.plan.complete
    if not own:
        with pytest.raises(Fault) as refused:
            emitted(report)
        assert refused.value.code == "NSP504"
        return
    found = emitted(report)
    x = torch.randn(1, 2, 5, 6)
    text = found.text.replace("return self.p0(x)[0]", "return self.p0(x)")
    values, places = getattr(module_of(text), found.name)()(x)
    assert torch.equal(x.flatten(2).gather(2, places.flatten(2)), values.flatten(2))
