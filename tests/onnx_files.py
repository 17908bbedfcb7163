"""Files of ONNX for tests: written as text, or exported by PyTorch; and their values by ONNX' own evaluator."""

from __future__ import annotations

import io
import warnings
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import onnx.parser
import torch
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn

from planner.inputs._onnx.following import Follower
from planner.inputs._onnx.network import network_of
from planner.inputs.onnx import graph_of, text_of_graph
from planner.outputs.code.torch import emitted
from planner.outputs.code.torch.building import module_of
from planner.report import Report
from planner.workbench import Workbench

LIGHT = sorted((Path(onnx.__file__).parent / "backend" / "test" / "data" / "light").glob("*.onnx"))
"""Networks that the package onnx has without their weights."""


def written(body: str, reads: str = "float[N,3,16,16] x", opset: int = 17, **weights: Any) -> onnx.ModelProto:
    """A model of nodes in ONNX' own language, which gives `y`; weights are random where only sizes are given."""
    text = f'<ir_version: 8, opset_import: ["" : {opset}, "other" : 1]> net ({reads}) => (float y) {{ {body} }}'
    model = onnx.parser.parse_model(text)
    random = np.random.default_rng(0)
    for name, given in weights.items():
        sizes = isinstance(given, tuple)
        array = random.normal(size=given).astype(np.float32) if sizes else np.asarray(given)
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    return model


def followed(model: onnx.ModelProto, **options: Any) -> tuple[Follower, str]:
    """The graph of a model, and its model file."""
    found = graph_of(network_of(model), "net", **options)
    return found, text_of_graph(found)


def planned(text: str, **options: Any) -> Report:
    """The report on a model file, in which nothing is wrong."""
    report = Workbench.on_text(text, **options).report
    assert [each.message for each in report.diagnostics if each.severity.name == "ERROR"] == [], text
    assert isinstance(report, Report)
    return report


def shapes(model: onnx.ModelProto, **options: Any) -> list[tuple[int, ...]]:
    """The shapes of what a model gives, channels last."""
    plan = planned(followed(model, **options)[1]).plan
    return [tuple(plan.shape(each) or ()) for each in plan.outputs]


def rebuilt(found: Follower, text: str) -> nn.Module:
    """The module of a model file, with the weights of the ONNX file by their names there."""
    code = emitted(planned(text))
    module: nn.Module = getattr(module_of(code.text), code.name)().eval()
    state = {}
    for name, own in module.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            numbers = torch.from_numpy(np.array(found.origins[name].numbers, dtype=np.float64))
            state[name] = numbers.reshape(own.shape)
    module.load_state_dict(state, strict=False)
    return module.double()


def evaluated(model: onnx.ModelProto, *inputs: Tensor) -> Tensor:
    """What ONNX' own evaluator gives for a model."""
    names = [each.name for each in model.graph.input]
    given = {name: each.numpy().astype(np.float32) for name, each in zip(names, inputs, strict=True)}
    results: Any = ReferenceEvaluator(model).run(None, given)
    found: Tensor = torch.from_numpy(results[0].astype(np.float64))
    return found


@cache
def all_cases() -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [each for each in collect_testcases(None) if each.model is not None]


def cases(op: str) -> list[Any]:
    """The tests of the package onnx for an operator by itself."""
    return [each for each in all_cases() if [node.op_type for node in each.model.graph.node] == [op]]


def exported(module: nn.Module, *inputs: Tensor, free: bool = True, **options: Any) -> onnx.ModelProto:
    """A module as PyTorch exports it; with any number of samples where `free`."""
    names = [f"x{i}" for i in range(len(inputs))]
    axes = {"input_names": names, "dynamic_axes": {name: {0: "N"} for name in names}} if free else {}
    file, export = io.BytesIO(), cast(Any, torch.onnx.export)
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        export(module.eval(), inputs, file, dynamo=False, opset_version=17, **axes, **options)
    return onnx.load_model_from_string(file.getvalue())
