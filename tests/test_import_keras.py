"""Networks of Keras, from configurations alone: their shapes by TensorFlow's formulas, published numbers of parameters,
values where PyTorch goes about it otherwise, and what is said of files that are no such networks.
"""

from __future__ import annotations

import copy
import io
import json
import math
import os
import random
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

import planner
from keras_configs import Config, archived, called, functional, input_layer, layer, sequential
from planner.cli import main
from planner.faults.not_imported import NotImported
from planner.inputs.keras import model_text, read
from planner.report import Report
from planner.workbench import Workbench


def planned(config: Config, **options: Any) -> Report:
    """The report on a network, in which nothing is wrong."""
    report = Workbench.on_text(model_text(config, "net", **options)).report
    assert [each.message for each in report.diagnostics if each.severity.name == "ERROR"] == []
    assert isinstance(report, Report)
    return report


def shapes(config: Config, **options: Any) -> list[tuple[int, ...]]:
    """The shapes of a network's outputs."""
    plan = planned(config, **options).plan
    return [tuple(plan.shape(each) or ()) for each in plan.outputs]


def made(config: Config, folder: Path) -> torch.nn.Module:
    """The network as a module of PyTorch, for values of double precision."""
    file = folder / "net.yaml"
    file.write_text(model_text(config, "net"), encoding="utf-8")
    module: torch.nn.Module = planner.build(file)
    return module.double().eval()


def refusal(config: Any) -> NotImported:
    with pytest.raises(NotImported) as caught:
        model_text(config, "net")
    return caught.value


# Shapes and parameters


@pytest.mark.parametrize("size", [11, 12])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_windows_are_as_many_as_tensorflow_says(padding: str, kernel: int, stride: int, size: int) -> None:
    options: dict[str, Any] = {"strides": [stride] * 2, "padding": padding}
    layers = [
        layer("Conv2D", filters=4, kernel_size=[kernel] * 2, **options),
        layer("DepthwiseConv2D", kernel_size=[kernel] * 2, **options),
        layer("SeparableConv2D", filters=3, kernel_size=[kernel] * 2, **options),
        layer("MaxPooling2D", pool_size=[kernel] * 2, **options),
        layer("AveragePooling2D", pool_size=[kernel] * 2, **options),
    ]
    wanted = math.ceil(size / stride) if padding == "same" else math.ceil((size - kernel + 1) / stride)
    for each in layers:
        assert shapes(sequential([size, size, 3], each))[0][:2] == (wanted, wanted)


def test_vgg16_has_the_published_number_of_parameters() -> None:
    layers = []
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        conv = layer("Conv2D", filters=width, kernel_size=[3, 3], padding="same", activation="relu")
        layers += [*[conv] * count, layer("MaxPooling2D", pool_size=[2, 2], strides=[2, 2])]
    dense = [layer("Dense", units=4096, activation="relu")] * 2
    layers += [layer("Flatten"), *dense, layer("Dense", units=1000, activation="softmax")]
    report = planned(sequential([224, 224, 3], *layers))
    assert report.cost.params == 138_357_544  # Simonyan and Zisserman, arXiv:1409.1556, and keras.io/api/applications
    assert shapes(sequential([224, 224, 3], *layers)) == [(1000,)]


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("kind", ["BatchNormalization", "LayerNormalization"])
def test_normalizations_have_a_scale_and_a_shift_each_by_itself(kind: str, scale: bool, center: bool) -> None:
    report = planned(sequential([6, 5, 8], layer(kind, scale=scale, center=center)))
    assert report.cost.params == 8 * (scale + center)


@pytest.mark.parametrize(
    ("inner", "shape", "wanted"),
    [
        (layer("Conv2D", filters=4, kernel_size=[3, 3], strides=[2, 2], padding="same"), (5, 9, 8, 3), (5, 5, 4, 4)),
        (layer("MaxPooling2D", pool_size=[2, 2]), (5, 9, 8, 3), (5, 4, 4, 3)),
        (layer("Flatten"), (5, 9, 8, 3), (5, 216)),
        (layer("GlobalAveragePooling2D"), (5, 9, 8, 3), (5, 3)),
        (layer("Dense", units=7), (5, 3), (5, 7)),
        (sequential([9, 8, 3], layer("Flatten"), layer("Dense", units=2)), (5, 9, 8, 3), (5, 2)),
    ],
)
def test_time_distributed_keeps_the_axis_of_time(
    inner: Config, shape: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    assert shapes(sequential([*shape], layer("TimeDistributed", layer=inner))) == [wanted]
    alone = planned(sequential([*shape[1:]], inner)).cost.params
    assert planned(sequential([*shape], layer("TimeDistributed", layer=inner))).cost.params == alone


@pytest.mark.parametrize("whole", [True, False])
def test_recurrent_layers_give_the_sequence_or_its_end(whole: bool) -> None:
    gru = layer("GRU", units=5, return_sequences=whole)
    assert shapes(sequential([9, 3], gru)) == [(9, 5) if whole else (5,)]
    assert planned(sequential([9, 3], gru)).cost.params == 3 * 5 * (3 + 5 + 2)
    assert shapes(sequential([9, 3], layer("Bidirectional", layer=gru))) == [(9, 10) if whole else (10,)]


def test_the_second_bias_of_an_lstm_is_told() -> None:
    text = model_text(sequential([9, 3], layer("LSTM", units=5)), "net")
    assert text.startswith("# Not said here: LSTM has a bias in PyTorch for the input and another for the state")


# Values


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
def test_a_transposed_convolution_is_the_gradient_of_a_same_convolution(
    kernel: int, stride: int, tmp_path: Path
) -> None:
    """Output (n · stride) is the length whose convolution with `same` has n cells."""
    conv = layer("Conv2DTranspose", filters=2, kernel_size=[kernel] * 2, strides=[stride] * 2, padding="same")
    net = made(sequential([5, 4, 3], conv), tmp_path)
    small = torch.randn(2, 3, 5, 4, dtype=torch.float64)
    weight, bias = (net.state_dict()[f"conv2dtranspose.{name}"] for name in ("weight", "bias"))
    large = torch.zeros(2, 2, 5 * stride, 4 * stride, dtype=torch.float64, requires_grad=True)
    total = max(kernel - stride, 0)
    padded = torch.nn.functional.pad(large, (total // 2, total - total // 2) * 2)
    forward = torch.nn.functional.conv2d(padded, weight, stride=stride)
    (wanted,) = torch.autograd.grad(forward, large, small)
    torch.testing.assert_close(net(small), wanted + bias[:, None, None])


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("Flatten", {}),
        ("Reshape", {"target_shape": [-1]}),
        ("Reshape", {"target_shape": [24, 5]}),
        ("Reshape", {"target_shape": [3, 8, 5]}),
        ("Reshape", {"target_shape": [2, 2, -1]}),
        ("Reshape", {"target_shape": [15, 8]}),
        ("Permute", {"dims": [3, 1, 2]}),
    ],
)
def test_values_keep_the_order_of_channels_last(kind: str, options: dict[str, Any], tmp_path: Path) -> None:
    net = made(sequential([4, 6, 5], layer(kind, **options)), tmp_path)
    last = torch.arange(240.0, dtype=torch.float64).reshape(2, 4, 6, 5)
    if kind == "Permute":
        wanted = last.permute(0, *options["dims"])
    else:
        wanted = last.reshape(2, *options.get("target_shape", [-1]))
    found = net(last.movedim(-1, 1))
    assert found.equal(wanted) or found.movedim(1, -1).equal(wanted)


def test_means_of_same_pools_leave_padding_out(tmp_path: Path) -> None:
    net = made(
        sequential([5, 5, 2], layer("AveragePooling2D", pool_size=[3, 2], strides=[2, 2], padding="same")), tmp_path
    )
    torch.testing.assert_close(net(torch.ones(1, 2, 5, 5).double()), torch.ones(1, 2, 3, 3).double())


# The graph of calls


def test_a_layer_called_twice_shares_its_weights() -> None:
    dense = called(called(layer("Dense", "proj", units=5), "left"), "right")
    both = called(
        layer("Concatenate"),
        [{"class_name": "__keras_tensor__", "config": {"keras_history": ["proj", i, 0]}} for i in (0, 1)],
    )
    config = functional(input_layer([8], "left"), input_layer([8], "right"), dense, both, outputs=["concatenate"])
    report = planned(config)
    assert report.cost.params == 8 * 5 + 5
    assert "share: proj" in model_text(config, "net")
    assert shapes(config) == [(10,)]


def _twice(inner: Config, node_of_output: int) -> Config:
    model = called(called(inner, "left"), "right")
    ends = [[inner["name"], node_of_output, 0], [inner["name"], node_of_output + 1, 0]]
    return functional(input_layer([6, 6, 3], "left"), input_layer([6, 6, 3], "right"), model, outputs=ends)


def test_a_model_called_twice_is_a_block() -> None:
    layers = [layer("Conv2D", filters=4, kernel_size=[3, 3]), layer("Flatten"), layer("Dense", units=5)]
    chain = _twice(sequential([6, 6, 3], *layers, name="encoder"), 0)
    assert model_text(chain, "net").splitlines()[2:7] == [
        "outputs: [encoder, encoder_1]",
        "layers:",
        "  - {name: encoder, type: encoder, from: left}",
        "  - {name: encoder_1, type: encoder, share: encoder, from: right}",
        "blocks:",
    ]
    assert planned(chain).cost.params == (3 * 9 + 1) * 4 + (64 + 1) * 5


def test_outputs_count_the_making_of_a_functional_model_as_a_call() -> None:
    flat, dense = called(layer("Flatten"), "x"), called(layer("Dense", units=5), "flatten")
    inner = functional(input_layer([6, 6, 3], "x"), flat, dense, outputs=["dense"], name="encoder")
    assert shapes(_twice(inner, 1)) == [(5,), (5,)]


def test_calls_in_the_form_of_keras_2() -> None:
    old = layer("Dense", units=5) | {"inbound_nodes": [[["x", 0, 0, {}]]]}
    add = layer("Add") | {"inbound_nodes": [[["dense", 0, 0, {}], ["dense", 0, 0, {}]]]}
    first = {"class_name": "InputLayer", "name": "x", "config": {"batch_input_shape": [None, 8]}, "inbound_nodes": []}
    assert shapes(functional(first, old, add, outputs=["add"])) == [(5,)]


def test_arithmetic_with_numbers_on_either_side(tmp_path: Path) -> None:
    minus = called(layer("Subtract"), 2.0, "x")
    config = functional(input_layer([3], "x"), minus, outputs=["subtract"])
    assert made(config, tmp_path)(torch.tensor([[1.0, 2.0, 5.0]]).double()).tolist() == [[1.0, 0.0, -3.0]]


def test_open_sizes_are_asked_for() -> None:
    config = sequential([None, None, 3], layer("Conv2D", filters=4, kernel_size=[3, 3]))
    assert shapes(config, input=(10, 12, 3)) == [(8, 10, 4)]
    found = refusal(config)
    assert found.message == "the size of the input `input` is open: [?, ?, 3]"
    assert found.help == "give it: `--input 224x224x3`, or input=(224, 224, 3)"
    with pytest.raises(NotImported, match=r"the input `input` is \[10, 12, 4\], where the network has \[\?, \?, 3\]"):
        model_text(config, "net", input=(10, 12, 4))


def test_open_sizes_of_several_inputs_are_asked_for_by_name() -> None:
    config = functional(
        input_layer([3], "a"),
        input_layer([None], "b"),
        called(layer("Concatenate"), ["a", "b"]),
        outputs=["concatenate"],
    )
    assert refusal(config).help == "give it: `--input b=224`, or input={'b': (224,)}"
    assert shapes(config, input={"b": (224,)}) == [(227,)]


def residual(name: str, source: str, width: int) -> list[Config]:
    """A residual block as Keras' ResNets name it."""
    conv = layer("Conv2D", f"{name}_1_conv", filters=width, kernel_size=[3, 3], padding="same")
    norm = layer("BatchNormalization", f"{name}_1_bn", axis=3, epsilon=1.001e-5)
    add = called(layer("Add", f"{name}_add"), [source, f"{name}_1_bn"])
    out = called(layer("Activation", f"{name}_out", activation="relu"), f"{name}_add")
    return [called(conv, source), called(norm, f"{name}_1_conv"), add, out]


def test_names_of_a_flat_list_make_blocks() -> None:
    blocks = [*residual("conv2_block1", "x", 16), *residual("conv2_block2", "conv2_block1_out", 16)]
    config = functional(input_layer([8, 8, 16], "x"), *blocks, outputs=["conv2_block2_out"])
    assert (
        model_text(config, "net")
        == """\
name: net
input: [8, 8, 16]
layers:
  - {name: conv2_block1, type: block}
  - {name: conv2_block2, type: block}
blocks:
  block:
    layers:
      - {name: conv1, type: Conv2d, out_channels: 16, kernel_size: 3, padding: tf_same}
      - {name: bn1, type: BatchNorm2d, eps: 1.001e-05, momentum: 0.01}
      - {name: add, type: Add, from: [input, bn1]}
      - {name: out, type: ReLU}
"""
    )
    assert planned(config).cost.params == 2 * (16 * 16 * 9 + 16 + 2 * 16)


def test_names_make_no_block_where_weights_are_shared_with_what_stands_outside() -> None:
    first, second = residual("block1", "x", 16), residual("block2", "block1_out", 16)
    second[0] = called(layer("ReLU", "block2_1_conv"), "block1_out")
    first[0] = called(first[0], "block2_out")
    config = functional(input_layer([8, 8, 16], "x"), *first, *second, outputs=[["block1_1_conv", 1, 0]])
    assert planned(config).cost.params == 16 * 16 * 9 + 16 + 2 * 2 * 16
    assert "share: block1_1_conv" in model_text(config, "net")


ODD_NAMES = [
    'a"b',
    "a\nlayers: []",
    "$x",
    "input",
    "training",
    "{a: b}",
    "- a",
    "1",
    " ",
    "\ud800",
    "\x1b[31m",
    "None",
]


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_odd_names_change_nothing_else(name: str) -> None:
    dense, add = layer("Dense", f"{name}d", units=8), layer("Add", f"{name}e")
    graph = functional(
        input_layer([8], name), called(dense, name), called(add, [f"{name}d", name]), outputs=[f"{name}e"]
    )
    chain = sequential([8], layer("Embedding", name, input_dim=9, output_dim=4, mask_zero=True), layer("Flatten", name))
    assert shapes(graph) == [(8,)]
    assert shapes(chain) == [(32,)]
    assert [line[:15] for line in model_text(chain, "net").splitlines()[:2]] == ["# Not said here", "name: net"]


def test_names_that_become_the_same_stay_apart() -> None:
    dense = called(layer("Dense", "a b", units=8), "a_b")
    both = called(layer("Concatenate"), ["a b", "a_b", "a.b"])
    config = functional(dense, input_layer([8], "a_b"), input_layer([8], "a.b"), both, outputs=["concatenate"])
    assert shapes(config) == [(24,)]
    assert planned(config).cost.params == 8 * 8 + 8


def test_an_output_takes_no_name_of_an_input() -> None:
    inputs = input_layer([4, 4, 2], "rearrange"), input_layer([4], "y")
    config = functional(*inputs, called(layer("Flatten"), "rearrange"), outputs=["flatten", "y"])
    assert shapes(config) == [(32,), (4,)]


def test_many_outputs_of_a_kind_are_numbered() -> None:
    relus = [called(layer("ReLU", f"re_lu_{i}"), "x") for i in range(3)]
    config = functional(input_layer([8], "x"), *relus, outputs=["re_lu_0", "re_lu_1", "re_lu_2"])
    assert "outputs: [relu, relu_2, relu_3]" in model_text(config, "net")


# Files


def test_an_archive_and_its_configuration_are_the_same(tmp_path: Path) -> None:
    config = sequential([8, 8, 3], layer("Conv2D", filters=4, kernel_size=[3, 3]))
    (tmp_path / "net.json").write_text(json.dumps(config), encoding="utf-8")
    assert read(archived(config, tmp_path / "net.keras")) == read(tmp_path / "net.json")
    assert read(tmp_path / "net.json").startswith("name: net\n")


@pytest.mark.parametrize(("name", "written"), [("$a b", "$a b"), ("a\nb", '"a\\\\nb"'), ("a\udcff", '"a\\\\udcff"')])
def test_a_network_is_called_as_its_file(name: str, written: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.json").write_text(json.dumps(sequential([8])), encoding="utf-8")
    assert read(tmp_path / f"{name}.json").encode().decode().splitlines()[0] == f"name: {written}"


def test_no_fix_is_written_over_a_network_that_is_no_model_file(tmp_path: Path) -> None:
    config = sequential(
        [224, 224, 3],
        layer("Conv2D", filters=8, kernel_size=[3, 3], strides=[2, 2]),
        layer("GlobalAveragePooling2D"),
    )
    file = tmp_path / "net.json"
    file.write_text(json.dumps(config), encoding="utf-8")
    shown = CliRunner().invoke(main, ["check", "--diff", str(file)])
    assert "safe fix[" in shown.stdout
    refused = CliRunner().invoke(main, ["check", "--fix", str(file)])
    assert refused.exit_code != 0
    assert "is no model file, and fixes are made in model files alone" in refused.stderr
    assert json.loads(file.read_text(encoding="utf-8")) == config


def test_neither_keras_nor_torch_is_needed(tmp_path: Path) -> None:
    file = archived(sequential([8], layer("Dense", units=4)), tmp_path / "net.keras")
    program = f"""
import sys
sys.modules.update(dict.fromkeys(("keras", "torch", "tensorflow", "h5py")))
from planner.inputs.keras import read
print(read({str(file)!r}), end="")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "name: net\ninput: [8]\nlayers:\n  - {name: dense, type: Linear, out_features: 4}\n"


def _zipped(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return file.getvalue()


def _naming_a_place(offset: int) -> bytes:
    """An archive whose list of contents says that the configuration stands at a place, written with 64 bits."""
    entry = zipfile.ZipInfo("config.json")
    entry.extra = struct.pack("<HHQ", 1, 8, offset)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(entry, b"{}")
    data = file.getvalue()
    at = data.index(b"PK\1\2") + 42
    return data[:at] + b"\xff" * 4 + data[at + 4 :]


def bad_files() -> Iterator[Any]:
    good = _zipped("config.json", json.dumps(sequential([8], layer("Dense", units=4))).encode())
    yield pytest.param("net.keras", b"not a zip", "is not a zip archive", id="not a zip")
    yield pytest.param("net.keras", b"{}", "is not a zip archive, but JSON", id="JSON")
    h5 = "is not a zip archive, but an HDF5 file, the older format of Keras"
    yield pytest.param("net.keras", b"\x89HDF\r\n\x1a\n", h5, id="HDF5")
    yield pytest.param("net.keras", b"", "is not a zip archive", id="empty")
    broken = "is a broken zip archive: file is not a zip file"
    yield pytest.param("net.keras", good[:-30], broken, id="truncated")
    damaged = good.replace(good[60:70], bytes(10), 1)
    yield pytest.param("net.keras", damaged, "is a broken zip archive: ", id="damaged")
    yield pytest.param("net.keras", _zipped("a.txt", b""), "is an archive without `config.json`", id="no config.json")
    yield pytest.param(
        "net.keras", _zipped("../config.json", b"{}"), "is an archive without `config.json`", id="a path"
    )
    outside = "is a broken zip archive: it names a place outside of itself"
    yield pytest.param("net.keras", _naming_a_place(2**64 - 1), outside, id="a place beyond any file")
    yield pytest.param("net.keras", _naming_a_place(2**62), outside, id="a place beyond the file")
    bomb = _zipped("config.json", b"[" * (17 << 20))
    yield pytest.param("net.keras", bomb, "has 17.0 MB", id="zip bomb")
    lie = bomb.replace((17 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    yield pytest.param("net.keras", lie, "is a broken zip archive: bad crc-32", id="zip bomb that lies")
    yield pytest.param("net.json", b" " * (17 << 20), "has more than 16 MB", id="huge JSON")
    yield pytest.param("net.json", b"[" * 100_000, "is nested too deep", id="deep JSON")
    yield pytest.param("net.json", b"{", "is not JSON", id="not JSON")
    yield pytest.param("net.json", b"\xff\xfe", "is not UTF-8 text", id="not text")
    yield pytest.param("net.json", b"9" * 5000, "has a number that is too large", id="a long number")
    yield pytest.param("net.json", b"[]", "holds no network", id="a list")


@pytest.mark.parametrize(("name", "data", "words"), [*bad_files()])
def test_bad_files_are_told_in_words(name: str, data: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    with pytest.raises(NotImported) as caught:
        read(file)
    assert words in caught.value.message
    assert caught.value.message.isprintable()
    assert caught.value.help


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotImported, match=r"is not there$"):
        read(tmp_path / "net.keras")
    with pytest.raises(NotImported, match=r"is a folder$"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(NotImported, match=r"is no ordinary file$"):
        read(tmp_path / "pipe.json")


NO_COUNTERPART = [
    (layer("Lambda", function={}), "it holds a function, which is not run"),
    (layer("Sorcery"), "a class that the planner does not know, or that is not Keras' own"),
    (
        layer("Conv2D", filters=4, kernel_size=[3, 3], data_format="channels_first"),
        "its data_format is channels_first, and only channels_last is read",
    ),
    (layer("Conv2D", filters=4, kernel_size=[9, 9]), "a window that spans 9 on 8 cells from its input"),
    (layer("Conv2D", filters="4", kernel_size=[3, 3]), "its filters must be a whole number"),
    (layer("Conv2D", kernel_size=[3, 3]), "its filters is missing"),
    (layer("Conv1D", filters=4, kernel_size=[3]), "it is called with 8×8×3, which has not 1 spatial axes"),
    (layer("Activation", activation="magic"), "the activation `magic` is no layer"),
    (layer("BatchNormalization", axis=1), "its axis is 1, which is not that of the channels"),
    (
        layer("Dense", units=4, activation=layer("PReLU", shared_axes=[1, 2])),
        "its activation is a function of its own, or a layer with weights",
    ),
    (layer("PReLU"), "it has a slope for each cell; with shared_axes=[1, 2] there is a layer"),
    (layer("Reshape", target_shape=[5, 5]), "192 values do not make the shape [5, 5]"),
    (layer("GRU", units=4), "it is called with 8×8×3, which has not 1 spatial axes"),
    (layer("SpatialDropout1D", rate=0.5), "it is called with 8×8×3, which has not 1 spatial axes"),
    (layer("Reshape", target_shape=[1] * 10 + [192, 1, 1]), "its target_shape must be at most 12 whole numbers"),
]


@pytest.mark.parametrize(
    ("bad", "reason"), NO_COUNTERPART, ids=lambda each: each["class_name"] if isinstance(each, dict) else ""
)
def test_layers_without_a_counterpart_are_named_with_the_reason(bad: Config, reason: str) -> None:
    found = refusal(sequential([8, 8, 3], bad))
    kind = bad["class_name"]
    assert found.message == f"the layer `{kind.lower()}` of the class {kind} has no counterpart"
    assert reason in found.label
    assert found.help == "write the model file by hand, with a `Custom` layer in its place"


@pytest.mark.parametrize("kind", ["LSTM", "Dense", "Add", "Concatenate", "MultiHeadAttention", "TimeDistributed"])
def test_layers_that_are_called_with_nothing(kind: str) -> None:
    alone = called(layer(kind, "alone", units=4, layer=layer("Dense", units=4)))
    assert refusal(functional(input_layer([8, 3], "x"), alone, outputs=["alone"])).label


def test_tensors_have_few_axes() -> None:
    flat = layer("Flatten")
    assert shapes(sequential([2] * 12, flat)) == [(4096,)]
    assert shapes(sequential([4096], layer("Reshape", target_shape=[2] * 12))) == [(2,) * 12]
    assert shapes(sequential([6] * 12, layer("Reshape", target_shape=[4, 9] * 6))) == [(4, 9) * 6]
    assert refusal(sequential([2] * 13, flat)).message == "the input `input` has more than 12 axes"
    more = functional(input_layer([2] * 12, "x"), called(layer("ExpandDims", axis=1), "x"), outputs=["expanddims"])
    assert refusal(more).label == "it makes a tensor of more than 12 axes"


def test_spatial_dropout_leaves_shapes_as_they_are() -> None:
    drop = layer("SpatialDropout1D", rate=0.5)
    assert shapes(sequential([8, 3], drop)) == [(8, 3)]
    assert shapes(sequential([5, 8, 3], layer("TimeDistributed", layer=drop))) == [(5, 8, 3)]


def loop() -> Config:
    return functional(
        input_layer([8], "x"), called(layer("Add"), ["x", "relu"]), called(layer("ReLU"), "add"), outputs=["relu"]
    )


def deep() -> list[Any]:
    found: list[Any] = []
    for _ in range(300):
        found = [found]
    return found


def _listed_twice() -> Config:
    config = functional(input_layer([8], "x"), outputs=["x"])
    config["config"]["input_layers"] *= 2
    return config


BAD_NETWORKS = [
    ({}, "this is no configuration of Keras: it names no class"),
    (
        {"class_name": "MyModel", "config": {"width": 8}},
        "the model is of the class MyModel, which does not list its layers",
    ),
    (sequential(None, layer("Dense", units=4)), "the Sequential does not say the shape of its input"),
    (functional(input_layer([8], "x"), outputs=[]), "the network has no output_layers"),
    (
        functional(input_layer([8], "x"), called(layer("ReLU"), deep()), outputs=["relu"]),
        "the configuration is nested too deep",
    ),
    (loop(), "the layer `add` reads what follows from itself"),
    (
        functional(input_layer([8], "x"), called(layer("ReLU"), "y"), outputs=["relu"]),
        "`relu` reads `y`, which is not there",
    ),
    (functional(input_layer([8], "x"), outputs=["y"]), "the layer `y` does not give a tensor 0 in its call 0"),
    (functional(input_layer([None], "x"), outputs=["x"]), "the size of the input `x` is open: [?]"),
    (
        functional(input_layer([8], "x"), layer("ReLU", "y"), layer("ReLU", "y"), outputs=["x"]),
        "two layers are called `y`",
    ),
    (_listed_twice(), "the input `x` is listed twice"),
    (sequential([8], layer("Dense", units=1 << 63)), "the configuration has a number of more than 63 bits"),
    (
        sequential([10**4000] * 2, layer("Flatten")),  # more digits than Python writes
        "the configuration has a number of more than 63 bits",
    ),
]


@pytest.mark.parametrize(("config", "message"), BAD_NETWORKS, ids=lambda each: each if isinstance(each, str) else "")
def test_networks_that_say_too_little(config: Config, message: str) -> None:
    assert refusal(config).message == message


@pytest.mark.parametrize("kind", ["ReLU", ""])
def test_models_of_models_end(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each model calls the one within twice: thirty of them stand for a billion calls, even of nothing at all."""
    monkeypatch.setattr("planner.inputs._keras.building.MOST_CALLS", 1000)
    layers = [called(layer(kind), "x")] if kind else []
    inner = functional(input_layer([8], "x"), *layers, outputs=["relu" if kind else "x"], name="m")
    for _ in range(30):
        twice = called(called(inner, "x"), {"class_name": "__keras_tensor__", "config": {"keras_history": ["m", 0, 0]}})
        inner = functional(input_layer([8], "x"), twice, outputs=[["m", 2, 0]], name="m")
    assert refusal(inner).message == "the network has more than 1,000 calls"


def test_whatever_stands_in_a_configuration_is_answered_in_words() -> None:
    """Values of any kind in any place of good configurations: a model file, or a fault in words."""
    layers = [
        layer("Conv2D", filters=4, kernel_size=[3, 3], strides=[2, 2], padding="same", activation="relu"),
        layer("BatchNormalization", axis=[-1], scale=False),
        layer("ZeroPadding2D", padding=[[1, 0], [0, 1]]),
        layer("Conv2DTranspose", filters=3, kernel_size=[3, 3], strides=[2, 2], padding="same"),
        layer("Rescaling", scale=[1.0, 2.0, 3.0], offset=0.5),
        layer("Reshape", target_shape=[-1, 3]),
        layer("Bidirectional", layer=layer("LSTM", units=4, return_sequences=True)),
        layer("TimeDistributed", layer=layer("Dense", units=6, activation={"class_name": "ReLU", "config": {}})),
        layer("GlobalMaxPooling1D", keepdims=True),
    ]
    attended = called(layer("MultiHeadAttention", num_heads=2, key_dim=3), "x", "x", use_causal_mask=True)
    sliced = {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": None}}
    part = called(layer("GetItem"), "multiheadattention", [sliced, sliced, sliced])
    both = called(layer("Concatenate", axis=-1), ["x", "getitem"])
    graph = functional(input_layer([9, 8], "x"), attended, part, both, outputs=["concatenate"])
    drawn = random.Random(12)
    values = [
        None,
        -1,
        0,
        2,
        7,
        "same",
        "",
        True,
        [],
        {},
        [1],
        [2, 2],
        1.5,
        1e400,
        10**30,
        [[1, 2], [3]],
        {"class_name": 1},
    ]
    answers = []
    for good in [sequential([8, 8, 2], *layers), graph] * 150:
        config = copy.deepcopy(good)
        for _ in range(drawn.choice([1, 1, 2])):
            place: Any = config
            while True:
                keys = [*place] if isinstance(place, dict) else [*range(len(place))]
                if not keys:
                    break
                key = drawn.choice(keys)
                if isinstance(place[key], dict | list) and place[key] and drawn.random() < 0.9:
                    place = place[key]
                    continue
                place[key] = copy.deepcopy(drawn.choice(values))
                break
        answers.append(_answer(config))
    assert all(answer.isprintable() for answer in answers)
    assert 0 < answers.count("") < len(answers)


def _answer(config: Config) -> str:
    """What is said of a configuration; nothing where it becomes a model file."""
    try:
        assert model_text(config, "net")
    except NotImported as fault:
        return f"{fault.message}: {fault.label}: {fault.help}"
    return ""
