"""Files of ONNX become model files: every shape as ONNX' own inference has it, and values as ONNX' own evaluator and
PyTorch have them, from the code of the model file with the weights of the ONNX file by their names.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
import torch
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper, shape_inference
from torch import Tensor, nn

import planner
from onnx_files import LIGHT, cases, evaluated, exported, followed, planned, rebuilt, shapes, written
from planner.cli import main
from planner.faults.not_imported import NotImported
from planner.inputs._axes import Traced
from planner.inputs._onnx import following
from planner.inputs._onnx.following import followed as follow
from planner.inputs._onnx.given import inputs_of
from planner.inputs._onnx.network import network_of
from planner.outputs.code.torch import emitted
from planner.outputs.code.torch.building import module_of
from random_modules import Net

CONFIGS = Path(__file__).parent.parent / "configs"


@pytest.fixture(autouse=True)
def internal_errors_come_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "TOLERATED", ())


# Whole networks


def test_there_are_nine_networks_without_weights() -> None:
    assert len(LIGHT) == 9


@pytest.mark.parametrize("file", LIGHT, ids=lambda file: file.stem)
def test_every_tensor_of_known_networks_has_the_shape_that_onnx_infers(file: Path) -> None:
    model = onnx.load(file)
    network = network_of(model)
    inputs = inputs_of(network.given, network.nodes, None)
    found = follow(network, "net", inputs)
    assert not any(found.gaps)
    checked = 0
    for info in shape_inference.infer_shapes(model).graph.value_info:
        value = found.values.get(info.name)
        if isinstance(value, Traced):
            assert value.sizes() == tuple(dim.dim_value for dim in info.type.tensor_type.shape.dim), info.name
            checked += 1
    assert checked >= len(found.graph.steps) // 2
    planned(planner.import_model(str(file)))


def compared(model: onnx.ModelProto, module: nn.Module, x: Tensor) -> str:
    """Require what is built of a file to give what the module gives that the file was exported from."""
    found, text = followed(model)
    assert not any(found.gaps), text
    again = rebuilt(found, text)
    module.double()
    with torch.no_grad():
        wanted, got = module(x.double()), again(x.double())
    assert got.shape == wanted.shape, text
    assert torch.allclose(got, wanted, rtol=1e-4, atol=1e-4), text
    return text


@pytest.mark.parametrize("free", [True, False], ids=["any number of samples", "one sample"])
@pytest.mark.parametrize("seed", range(8))
def test_exported_modules_are_the_modules(seed: int, free: bool) -> None:
    torch.manual_seed(seed)
    module = Net(Random(seed))
    for each in module.modules():
        if isinstance(each, nn.BatchNorm2d):
            nn.init.uniform_(each.weight, 0.5, 2)
            nn.init.uniform_(each.bias, -1, 1)
    x = torch.randn(2 if free else 1, 3, 16, 16)
    compared(exported(module, x, free=free), module, x)


class Block(nn.Module):
    def __init__(self, width: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(width, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.relu = nn.ReLU()
        same = stride == 1 and width == out
        self.downsample = None if same else nn.Sequential(nn.Conv2d(width, out, 1, stride), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Any:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 7, 2, 3)
        self.layer1 = nn.Sequential(Block(8, 8, 1), Block(8, 8, 1))
        self.layer2 = nn.Sequential(Block(8, 16, 2), Block(16, 16, 1), Block(16, 16, 1))
        self.fc = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Any:
        return self.fc(torch.flatten(self.layer2(self.layer1(self.stem(x))).mean((2, 3)), 1))


def test_names_are_those_of_the_module_and_equal_parts_a_block() -> None:
    module = Network()
    kept: dict[str, Any] = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
    text = followed(exported(module, torch.randn(1, 3, 32, 32), **kept))[1]
    report = planned(text)
    state = {f"{step.name}.{key}": tuple(sizes) for step in report.plan.steps for key, sizes in step.state.items()}
    assert state == {name: tuple(each.shape) for name, each in module.state_dict().items()}
    assert text.count("type: Conv2d") == 4  # the stem, and a block's three
    assert "repeat: 2" in text


@pytest.mark.parametrize(
    "name",
    [
        "lenet5", "squeezenet1_1", "mobilenet_v3_small", "resnet18",
        *(
            pytest.param(each, marks=pytest.mark.long)
            for each in ("crnn", "densenet121", "googlenet", "pointnet", "resnet50", "swin_t", "unet", "vit_b_16")
        ),
    ],
)  # fmt: skip
def test_a_network_that_went_through_onnx_is_as_it_was(name: str) -> None:
    before = planner.check(CONFIGS / f"{name}.yaml")
    code = emitted(before)
    module = getattr(module_of(code.text), code.name)()
    (shape,) = (each.outputs[0] for each in before.plan.inputs)
    model = exported(module, torch.zeros(1, *shape.torch), free=False)
    after = planned(followed(model)[1])
    assert after.cost.macs == before.cost.macs
    assert [after.plan.shape(each) for each in after.plan.outputs] == [
        before.plan.shape(each) for each in before.plan.outputs
    ]


# Operators


GEOMETRY = {
    "Conv": 6, "ConvTranspose": 10, "MaxPool": 16, "AveragePool": 12, "LpPool": 4, "GlobalAveragePool": 2,
    "GlobalMaxPool": 2, "Resize": 11, "Upsample": 1, "Pad": 1, "DepthToSpace": 2, "SpaceToDepth": 1,
}  # fmt: skip
"""Operators, and how many of their tests of the package onnx layers say at least; the others are opaque."""


@pytest.mark.parametrize("op", GEOMETRY)
def test_operators_are_said_as_they_are_or_not_at_all(op: str) -> None:
    equal = 0
    for case in cases(op):
        model, (inputs, outputs) = case.model, case.data_sets[0]
        given = [each.name for each in model.graph.input]
        for name, array in zip(given[1:], inputs[1:], strict=True):
            model.graph.initializer.append(numpy_helper.from_array(array, name))
        found, text = followed(model)
        if any(found.gaps):
            continue
        got = rebuilt(found, text)(torch.from_numpy(inputs[0].astype(np.float64))).detach().numpy()
        assert got.shape == outputs[0].shape, f"{case.name}\n{text}"
        assert np.allclose(got, outputs[0], rtol=1e-4, atol=1e-4), f"{case.name}\n{text}"
        equal += 1
    assert equal >= GEOMETRY[op]


ALIKE: dict[str, tuple[str, dict[str, Any]]] = {
    "a kernel that is worked out": (
        "k = Mul(w, s) y = Conv<pads = [1, 1, 1, 1], strides = [2, 1]>(x, k, b)",
        {"w": (4, 3, 3, 3), "s": (4, 1, 1, 1), "b": (4,)},
    ),
    "sums from the other end": (
        "y = CumSum<reverse = 1, exclusive = 1>(x, axis)",
        {"axis": np.int64(2)},
    ),
    "uneven padding of a convolution": ("y = Conv<pads = [0, 1, 2, 3]>(x, w)", {"w": (4, 3, 3, 3)}),
    "padding at the front": ('y = Conv<auto_pad = "SAME_LOWER", strides = [2, 2]>(x, w)', {"w": (4, 3, 4, 4)}),
    "padding at the end": ('y = Conv<auto_pad = "SAME_UPPER", strides = [2, 2]>(x, w)', {"w": (4, 3, 4, 4)}),
    "uneven padding of a pool": ("y = MaxPool<kernel_shape = [3, 3], pads = [0, 0, 2, 2], strides = [2, 2]>(x)", {}),
    "a mean without padding": (
        "y = AveragePool<kernel_shape = [3, 3], pads = [1, 0, 1, 2], strides = [2, 3], ceil_mode = 1>(x)",
        {},
    ),
    "means with padding": ("y = AveragePool<kernel_shape = [2, 2], pads = [1, 0, 0, 1], count_include_pad = 1>(x)", {}),
    "cut off at the end": ("y = ConvTranspose<pads = [0, 0, 1, 2], strides = [2, 2]>(x, w)", {"w": (3, 4, 3, 3)}),
    "cut off at the front": ("y = ConvTranspose<pads = [1, 1, 0, 0], strides = [2, 2]>(x, w)", {"w": (3, 4, 3, 3)}),
    "weights as they are stored": ("a = GlobalAveragePool(x) f = Flatten(a) y = MatMul(f, w)", {"w": (3, 5)}),
    "weights the other way": (
        "a = GlobalMaxPool(x) f = Flatten(a) y = Gemm<transB = 1>(f, w, b)",
        {"w": (5, 3), "b": (5,)},
    ),
    "weights turned by a node": (
        "t = Transpose(w) a = GlobalMaxPool(x) f = Flatten(a) y = MatMul(f, t)",
        {"w": (5, 3)},
    ),
    "a scaled product": (
        "a = GlobalMaxPool(x) f = Flatten(a) y = Gemm<alpha = 0.5, beta = 2.0>(f, w, b)",
        {"w": (3, 5), "b": (5,)},
    ),
    "a size worked out": (
        "s = Shape(x) n = Slice(s, i, j) t = Concat<axis = 0>(n, rest) r = Reshape(x, t) y = MatMul(r, w)",
        {"i": [0], "j": [1], "rest": [-1], "w": (768, 5)},
    ),
    "half of the channels": ("a, b = Split<axis = 1>(x, n) y = Mul(b, b)", {"n": [1, 2]}),
    "every second row": ("y = Slice(x, s, e, a, k)", {"s": [1], "e": [2**62], "a": [2], "k": [2]}),
    "turned round": ("y = Slice(x, s, e, a, k)", {"s": [-1], "e": [-(2**62)], "a": [3], "k": [-1]}),
    "old softmax": ("a = GlobalMaxPool(x) f = Flatten(a) y = Softmax(f)", {}),
    "numbers on either side": (
        "a = Sub(c, x) b = Div(a, c) d = Pow(b, two) y = Add(d, c)",
        {"c": np.float32(1.5), "two": np.float32(2)},
    ),
    "a bound": ("y = Clip(x, low)", {"low": np.float32(-0.5)}),
    "means along axes": ("y = ReduceMean<axes = [2, 3], keepdims = 0>(x)", {}),
    "a normalization": (
        "y = BatchNormalization(x, g, b, m, v)",
        {"g": (3,), "b": (3,), "m": (3,), "v": np.array([1, 2, 3], np.float32)},
    ),
    "a slope for each channel": ("y = PRelu(x, s)", {"s": (3, 1, 1)}),
    "a larger map": (
        'y = Resize<mode = "linear", coordinate_transformation_mode = "half_pixel">(x, , s)',
        {"s": np.array([1, 1, 2, 2], np.float32)},
    ),
}
NEWER = {"half of the channels": 13, "a normalization": 15}
"""The opsets from which on these are such operators, or ONNX' evaluator knows them."""


@pytest.mark.parametrize(
    ("name", "opset"), [(name, opset) for name in ALIKE for opset in (11, 13, 17) if opset >= NEWER.get(name, 11)]
)
def test_values_are_those_of_onnx(name: str, opset: int) -> None:
    body, weights = ALIKE[name]
    model = written(body, opset=opset, **weights)
    found, text = followed(model)
    assert not any(found.gaps), text
    torch.manual_seed(0)
    x = torch.randn(2, 3, 16, 16, dtype=torch.float64)
    got = rebuilt(found, text)(x)
    wanted = evaluated(model, x)
    assert got.shape == wanted.shape, text
    assert torch.allclose(got, wanted, rtol=1e-4, atol=1e-5), text


def test_attributes_of_old_operators_are_read() -> None:
    body = "a = Slice<axes = [2], starts = [1], ends = [9]>(x) b = Unsqueeze<axes = [2]>(a) c = Squeeze<axes = [2]>(b)"
    body += " d = Pad<pads = [0, 0, 1, 1, 0, 0, 1, 1]>(c) y = Upsample<scales = [1.0, 1.0, 2.0, 2.0]>(d)"
    assert shapes(written(body, opset=9)) == [(20, 36, 3)]


# What comes in


def test_open_sizes_are_asked_for() -> None:
    model = written("y = Conv(x, w)", "float[N,3,H,W] x", w=(4, 3, 3, 3))
    with pytest.raises(NotImported) as caught:
        followed(model)
    assert "`x`" in caught.value.message
    assert "H×W×3" in caught.value.label
    assert shapes(model, input=(32, 20, 3)) == [(30, 18, 4)]


def test_the_size_of_the_file_gives_way_to_another_one() -> None:
    model = written("a = Conv(x, w) r = Reshape(a, t) y = MatMul(r, v)", w=(4, 3, 3, 3), t=[0, 4, -1], v=(196, 5))
    assert shapes(written("y = Conv(x, w)", w=(4, 3, 3, 3)), input=(10, 20, 3)) == [(8, 18, 4)]
    assert shapes(model) == [(4, 5)]
    found, _ = followed(model, input=(10, 20, 3))
    assert any(found.gaps)  # 144 cells, and a matrix for 196


def test_a_file_plans_at_other_sizes_as_onnx_infers_them() -> None:
    body = "a = Conv<pads = [1, 1, 1, 1], strides = [2, 2]>(x, w) b = MaxPool<kernel_shape = [2, 2]>(a) "
    body += 's = Shape(a) i = Slice(s, start, end) c = Concat<axis = 0>(n, i) d = Resize<mode = "nearest", '
    body += 'coordinate_transformation_mode = "asymmetric", nearest_mode = "floor">(b, , , c) y = Add(d, a)'
    model = written(body, w=(4, 3, 3, 3), n=[1, 4], start=[2], end=[4], reads="float[1,3,H,W] x")
    text = followed(model, input=(32, 32, 3))[1]
    for height, width in ((36, 48), (44, 32), (33, 35)):
        report = planned(text, input=(height, width, 3))
        (found,) = (report.plan.shape(each) for each in report.plan.outputs)
        for dim, size in zip(model.graph.input[0].type.tensor_type.shape.dim[2:], (height, width), strict=True):
            dim.dim_value = size
        known = shape_inference.infer_shapes(model, data_prop=True).graph.value_info
        (wanted,) = (each.type.tensor_type.shape.dim for each in known if each.name == "a")
        assert found == (wanted[2].dim_value, wanted[3].dim_value, 4)


def test_several_inputs_are_given_by_name() -> None:
    model = written("a = Conv(x, w) y = Add(a, z)", "float[N,3,H,W] x, float[N,4,K,L] z", w=(4, 3, 1, 1))
    assert shapes(model, input={"x": (9, 8, 3), "z": (9, 8, 4)}) == [(9, 8, 4)]
    for wrong, said in (({"x": (9, 8, 3)}, "`z`"), ({"u": (9, 8, 3)}, "no input `u`"), ((9, 8, 3), "several inputs")):
        with pytest.raises(NotImported, match=said):
            followed(model, input=wrong)


@pytest.mark.parametrize(
    ("reads", "body", "weights", "shape"),
    [
        ("float[N,20,12] x", "y = MatMul(x, w)", {"w": (12, 7)}, (20, 7)),
        ("float[N,12,20] x", "y = Conv(x, w)", {"w": (7, 12, 3)}, (18, 7)),
        ("float[N,9,8,3] x", "t = Transpose<perm = [0, 3, 1, 2]>(x) y = Conv(t, w)", {"w": (7, 3, 1, 1)}, (9, 8, 7)),
        ("int64[N,20] x", "y = Gather(w, x)", {"w": (100, 6)}, (20, 6)),
    ],
)
def test_channels_are_where_the_first_operator_has_them(
    reads: str, body: str, weights: dict[str, Any], shape: tuple[int, ...]
) -> None:
    assert shapes(written(body, reads, **weights)) == [shape]


# What is not said


def test_what_no_layer_says_is_opaque_and_the_rest_is_planned() -> None:
    found, text = followed(written("a = Conv(x, w) b = Hardmax(a) y = Conv(b, v)", w=(4, 3, 3, 3), v=(5, 4, 3, 3)))
    assert [each.reason for each in found.graph.opaque] == ["ONNX' Hardmax"]
    assert "class: onnx.Hardmax" in text
    planned(text)


def test_what_nothing_reads_is_left_out() -> None:
    model = written("a = Conv(x, w) b = other.Wild(a) c = Det(s) y = Relu(a)", w=(4, 3, 3, 3), s=(2, 2))
    assert followed(model)[0].gaps == (0, 0)


def test_subgraphs_are_opaque() -> None:
    branch = "then_branch = t () => (float[N, 4, 14, 14] p) { p = Relu(a) }, "
    branch += "else_branch = e () => (float[N, 4, 14, 14] q) { q = Neg(a) }"
    body = f"a = Conv(x, w) b = If<{branch}>(c) y = Conv(b, v)"
    model = written(body, "float[N,3,16,16] x", w=(4, 3, 3, 3), v=(5, 4, 3, 3), c=np.array([True]))
    found, text = followed(model)
    assert [each.reason for each in found.graph.opaque] == ["the subgraphs of If"]
    assert [tuple(each) for each in (planned(text).plan.steps[-1].outputs[0],)] == [(12, 12, 5)]


def test_where_sizes_depend_on_values_the_network_ends_and_says_so() -> None:
    model = written("a = Conv(x, w) n = NonZero(a) y = Transpose(n)", w=(4, 3, 3, 3))
    found, text = followed(model)
    assert found.lost == {"NonZero": "ONNX' NonZero"}
    assert [tuple(each) for each in (planned(text).plan.steps[-1].outputs[0],)] == [(14, 14, 4)]


def test_weights_in_another_file_are_not_needed_for_shapes(tmp_path: Path) -> None:
    model = written("a = Conv(x, w) f = Reshape(a, t) y = MatMul(f, v)", w=(4, 3, 3, 3), t=[0, -1], v=(784, 5))
    for each in model.graph.initializer:
        if each.name != "t":
            each.ClearField("raw_data")
            each.data_location = TensorProto.EXTERNAL
            each.external_data.add(key="location", value="weights.bin")
    assert shapes(model) == [(5,)]
    for each in model.graph.initializer:
        each.data_location = TensorProto.EXTERNAL
    found, _ = followed(model)
    assert any("stand in another file" in reason for reason in found.lost.values())


def test_functions_of_the_file_are_opened(tmp_path: Path) -> None:
    text = """<ir_version: 8, opset_import: ["" : 17, "own" : 1]>
    net (float[N,3,16,16] x) => (float y) { a = own.twice(x) y = own.twice(a) }
    <opset_import: ["" : 17], domain: "own"> twice (u) => (v) { v = Add(u, u) }"""
    imported = planner.import_model(str(saved(onnx.parser.parse_model(text), tmp_path)))
    assert [each.type for each in planned(imported).plan.steps] == ["Input", "Add", "Add"]


# Commands


def saved(model: onnx.ModelProto, folder: Path, name: str = "net.onnx") -> Path:
    file = folder / name
    file.write_bytes(model.SerializeToString())
    return file


@pytest.mark.parametrize("command", ["plan", "check", "sizes", "code", "report"])
def test_commands_take_a_file_of_onnx(command: str, tmp_path: Path) -> None:
    file = saved(written("a = Conv(x, w) y = Relu(a)", "float[N,3,H,W] x", w=(4, 3, 3, 3)), tmp_path)
    result = CliRunner().invoke(main, [command, str(file), "--input", "32x20x3"])
    assert result.exit_code == 0, result.output


def test_a_file_is_imported_by_command_and_in_python(tmp_path: Path) -> None:
    file = saved(written("a = Conv(x, w) y = Relu(a)", w=(4, 3, 3, 3)), tmp_path)
    written_to = tmp_path / "net.yaml"
    result = CliRunner().invoke(main, ["import", str(file), "-o", str(written_to)])
    assert result.exit_code == 0, result.output
    assert written_to.read_text(encoding="utf-8") == planner.import_model(str(file))
    assert [each.macs for each in planner.check(file).plan.steps] == [
        each.macs for each in planner.check(written_to).plan.steps
    ]


def test_resnet_50_is_planned_at_once(tmp_path: Path) -> None:
    file = next(each for each in LIGHT if "resnet50" in each.stem)
    planner.check(file)  # imports
    start = perf_counter()
    planner.check(file)
    assert perf_counter() - start < 3  # 0.3 on a machine that does nothing else; this one has 239 nodes for weights


def test_without_the_package_onnx_it_is_asked_for(tmp_path: Path) -> None:
    file = saved(written("y = Relu(x)"), tmp_path)
    code = f"import sys; sys.modules['onnx'] = None; from planner.cli import main; main(['plan', {str(file)!r}])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "pip install shape-planner[onnx]" in result.stderr


# Bad files


def _node(op: str, reads: list[str], gives: list[str], **more: Any) -> onnx.NodeProto:
    return helper.make_node(op, reads, gives, **more)


def _model(*nodes: onnx.NodeProto, sizes: Any = ("N", 3, 16, 16), gives: str = "y", **more: Any) -> onnx.ModelProto:
    reads = [helper.make_tensor_value_info("x", TensorProto.FLOAT, sizes)]
    outputs = [helper.make_tensor_value_info(gives, TensorProto.FLOAT, None)]
    return helper.make_model(helper.make_graph(nodes, "net", reads, outputs, **more))


def _calls(*, circle: bool) -> onnx.ModelProto:
    """Functions each of which calls the next one twice; or which call one another in a circle."""
    model = _model(_node("f0", ["x"], ["y"], domain="own"))
    for i in range(40):
        name = f"f{(i + 1) % 40 if circle else i + 1}" if circle or i < 39 else "Relu"
        domain = "own" if name != "Relu" else ""
        nodes = [_node(name, ["a"], ["b"], domain=domain), _node(name, ["b"], ["c"], domain=domain)]
        imports = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
        model.functions.append(helper.make_function("own", f"f{i}", ["a"], ["c"], nodes, imports))
    return model


def _without(field: str) -> bytes:
    model = _model(_node("Relu", ["x"], ["y"]))
    del getattr(model.graph, field)[:]
    return bytes(model.SerializeToString())


def _with_weights(sizes: list[int]) -> onnx.ModelProto:
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=sizes)
    return _model(_node("Conv", ["x", "w"], ["y"]), initializer=[weights])


PLAIN = _model(_node("Relu", ["x"], ["y"])).SerializeToString()
BAD: dict[str, tuple[Callable[[], bytes | onnx.ModelProto], str]] = {
    "empty": (lambda: b"", "is empty"),
    "text": (lambda: b"name: net\ninput: [3, 3, 3]\n", "is no ONNX file"),
    "zeros": (lambda: bytes(1000), "is no ONNX file"),
    "cut off": (lambda: PLAIN[:-5], "is no ONNX file, or a broken one"),
    "nothing in it": (lambda: onnx.ModelProto(ir_version=8).SerializeToString(), "without a network"),
    "no nodes": (lambda: _without("node"), "without a network"),
    "no input": (lambda: _without("input"), "nothing gives `x`"),
    "no output": (lambda: _without("output"), "gives nothing"),
    "an output from nowhere": (lambda: _model(_node("Relu", ["x"], ["z"])), "`y` is given by no node"),
    "an input from nowhere": (lambda: _model(_node("Add", ["x", "z"], ["y"])), "nothing gives `z`"),
    "a circle": (
        lambda: _model(_node("Add", ["x", "b"], ["a"]), _node("Relu", ["a"], ["b"]), _node("Relu", ["b"], ["y"])),
        "reads what follows from itself",
    ),
    "given twice": (lambda: _model(_node("Relu", ["x"], ["y"]), _node("Neg", ["x"], ["y"])), "given twice"),
    "no layers": (lambda: _model(_node("Identity", ["x"], ["y"])), "has no layer"),
    "an input without a shape": (lambda: _model(_node("Relu", ["x"], ["y"]), sizes=None), "has no shape"),
    "a single number": (lambda: _model(_node("Relu", ["x"], ["y"]), sizes=()), "cannot be said"),
    "one dimension": (lambda: _model(_node("Relu", ["x"], ["y"]), sizes=(5,)), "cannot be said"),
    "nine dimensions": (lambda: _model(_node("Relu", ["x"], ["y"]), sizes=(1,) * 9), "cannot be said"),
    "a huge input": (lambda: _model(_node("Relu", ["x"], ["y"]), sizes=(1, 3, 2**62, 2)), "too large"),
    "open sizes": (lambda: _model(_node("Relu", ["x"], ["y"]), sizes=("N", 3, "H", None)), "leaves the size"),
    "old operators": (lambda: written("y = Relu(x)", opset=1), "operators of opset 1"),
    "functions in a circle": (lambda: _calls(circle=True), "a function that calls itself"),
    "functions without end": (lambda: _calls(circle=False), "more than 20,000 nodes"),
    "negative weights": (lambda: _with_weights([-1, 3, 3, 3]), "has the size -1"),
    "weights of many dimensions": (lambda: _with_weights([1] * 99), "99 dimensions"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_told_in_words(name: str, tmp_path: Path) -> None:
    make, said = BAD[name]
    made = make()
    file = tmp_path / "net.onnx"
    file.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
    result = CliRunner().invoke(main, ["plan", str(file)])
    assert result.exit_code == 2, result.output
    assert said in result.output
    assert "Traceback" not in result.output


STRANGE: dict[str, Callable[[], onnx.ModelProto]] = {
    "weights of the wrong rank": lambda: written("y = Conv(x, w)", w=(4, 3)),
    "weights for other channels": lambda: written("y = Conv(x, w)", w=(4, 5, 3, 3)),
    "a kernel larger than the map": lambda: written("y = Conv(x, w)", w=(4, 3, 99, 99)),
    "an empty kernel": lambda: written("y = Conv(x, w)", w=(4, 3, 0, 3)),
    "no stride": lambda: written("y = MaxPool<kernel_shape = [2, 2], strides = [0, 0]>(x)"),
    "strides for one axis": lambda: written("y = MaxPool<kernel_shape = [2, 2], strides = [2]>(x)"),
    "no kernel": lambda: written("y = MaxPool(x)"),
    "too few inputs": lambda: written("y = Conv(x)"),
    "too many inputs": lambda: written("y = Relu(x, x, x)"),
    "axes beyond": lambda: written("y = ReduceMean<axes = [7]>(x)"),
    "an order that is none": lambda: written("y = Transpose<perm = [0, 0, 1, 5]>(x)"),
    "a reshape to other values": lambda: written("y = Reshape(x, t)", t=[7, -1]),
    "a reshape to huge sizes": lambda: written("y = Reshape(x, t)", t=[2**62, 2**62]),
    "a division by no size": lambda: written("s = Shape(x) d = Div(s, z) y = Reshape(x, d)", z=[0, 0, 0, 0]),
    "a sum that is too large": lambda: written("s = Mul(a, a) y = Reshape(x, s)", a=[2**61, 1, 1, 1]),
    "a list without end": lambda: written("r = Range(a, b, c) y = Reshape(x, r)", a=0, b=2**62, c=1),
    "a place beyond an axis": lambda: written("y = Gather<axis = 1>(x, i)", i=99),
    "parts that are not the whole": lambda: written("y, z = Split<axis = 1>(x, n)", n=[7, 8]),
    "factors for fewer axes": lambda: written("y = Resize(x, , s)", s=np.array([2.0], np.float32)),
    "infinite factors": lambda: written("y = Resize(x, , s)", s=np.array([1, 1, np.inf, np.nan], np.float32)),
    "groups of none": lambda: written("y = Conv<group = 0>(x, w)", w=(4, 3, 3, 3)),
    "an attribute of another type": lambda: written('y = Conv<strides = "two">(x, w)', w=(4, 3, 3, 3)),
    "an unknown domain": lambda: written("y = other.Wild(x)"),
    "huge weights": lambda: _with_weights([2**62 - 1, 3, 3, 3]),
    "text as weights": lambda: written("y = Add(x, s)", s=np.array(["a", "b", "c"], dtype=object)),
    "numbers that are missing": lambda: _model(
        _node("Reshape", ["x", "t"], ["y"]), initializer=[TensorProto(name="t", data_type=7, dims=[4])]
    ),
}


def _text_or_refusal(file: Path) -> str:
    try:
        return planner.import_model(str(file))
    except NotImported as fault:
        return fault.message


@pytest.mark.parametrize("name", STRANGE)
def test_whatever_nodes_say_is_answered_in_words(name: str, tmp_path: Path) -> None:
    text = _text_or_refusal(saved(STRANGE[name](), tmp_path))
    assert any(words in text for words in ("opaque", "Ends where", "has no layer", "cannot be said")), text


@pytest.mark.parametrize(
    "name", ["", "a b", "/", "..", "input", "x" * 500, "\x1b[31m", "ä/ö", "a.weight", "0", "${x}", "*"]
)
def test_odd_names_change_nothing_else(name: str) -> None:
    model = _model(
        _node("Conv", ["x", f"{name}w"], ["a"], name=name),
        _node("Conv", ["a", f"{name}/v.weight"], ["y"], name=f"{name}/{name}"),
        initializer=[
            numpy_helper.from_array(np.zeros((3, 3, 3, 3), np.float32), each)
            for each in (f"{name}w", f"{name}/v.weight")
        ],
    )
    found, text = followed(model)
    assert planned(text).cost.params == 2 * 81
    rebuilt(found, text)


def test_long_networks_are_followed_without_recursion() -> None:
    names = ["x", *(f"v{i}" for i in range(1500)), "y"]
    nodes = [_node("Relu", [a], [b]) for a, b in itertools.pairwise(names)]
    assert len(followed(_model(*reversed(nodes)))[0].graph.steps) == 1501


def test_broken_bytes_never_end_in_an_error_of_ours(tmp_path: Path) -> None:
    random = Random(0)
    good = written("a = Conv(x, w) r = Reshape(a, t) y = MatMul(r, v)", w=(4, 3, 3, 3), t=[0, -1], v=(784, 5))
    data = good.SerializeToString()
    file = tmp_path / "net.onnx"
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(random.randint(1, 6)):
            broken[random.randrange(300)] = random.randrange(256)
        file.write_bytes(bytes(broken))
        assert _text_or_refusal(file)
