"""Files of weights: what torch, NumPy and ONNX write is read as it was written."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pytest

from checkpoint_files import FORMATS, entries, net, refused, safetensors, with_header, wrote
from planner.checkpoints import read

torch = pytest.importorskip("torch")


def as_torch_says(state: dict[str, Any]) -> dict[str, tuple[tuple[int, ...], str]]:
    return {name: (tuple(each.shape), str(each.dtype).removeprefix("torch.")) for name, each in state.items()}


DTYPES = [
    "float64",
    "float32",
    "float16",
    "bfloat16",
    "float8_e4m3fn",
    "float8_e5m2",
    "float8_e4m3fnuz",
    "float8_e5m2fnuz",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint8",
    "bool",
    "complex64",
    "complex128",
    "uint16",
    "uint32",
    "uint64",
]


@pytest.mark.parametrize("zipped", FORMATS)
def test_a_state_dict(zipped: bool, tmp_path: Path) -> None:
    state = net().state_dict()
    torch.save(state, tmp_path / "net.pt", _use_new_zipfile_serialization=zipped)
    found = read(tmp_path / "net.pt")
    assert entries(found) == as_torch_says(state)
    assert [each.name for each in found.sections[0].tensors] == list(state)
    assert found.in_order


@pytest.mark.parametrize("zipped", FORMATS)
def test_tensors_of_all_kinds(zipped: bool, tmp_path: Path) -> None:
    """Types of numbers, views, scalars, empty ones, transposed ones, conjugated ones, parameters, on no device."""
    dtypes = DTYPES if zipped else DTYPES[:-3]
    base = torch.zeros(6, 8)
    state: dict[str, Any] = {each: torch.zeros(2, 3, dtype=getattr(torch, each)) for each in dtypes}
    state |= {
        "scalar": torch.tensor(1.0), "empty": torch.zeros(0, 3), "view": base[1:3, 2:5], "transposed": base.t(),
        "expanded": torch.zeros(1).expand(4, 5), "parameter": torch.nn.Parameter(base), "same": base,
        "buffer": torch.nn.Buffer(torch.zeros(3)), "many": torch.zeros((1,) * 12),
    }  # fmt: skip
    if zipped:
        state["meta"] = torch.zeros(4, 4, device="meta")
    torch.save(state, tmp_path / "net.pt", _use_new_zipfile_serialization=zipped)
    found = read(tmp_path / "net.pt")
    assert entries(found) == as_torch_says(state)
    places = {each.name: each.place for each in found.sections[0].tensors}
    assert places["same"] == places["parameter"] != places["view"]
    assert places["empty"] is None


@pytest.mark.parametrize("zipped", FORMATS)
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_whatever_stands_around_the_weights(zipped: bool, protocol: int, tmp_path: Path) -> None:
    from argparse import Namespace
    from datetime import datetime, timedelta

    module = net()
    state = module.state_dict()
    optimizer = torch.optim.AdamW(module.parameters())
    optimizer.zero_grad()
    module[2](torch.zeros(1, 8)).sum().backward()
    optimizer.step()
    around = {
        "state_dict": state,
        "state_dict_ema": {f"module.{name}": each for name, each in state.items()},
        "optimizer": optimizer.state_dict(),
        "args": Namespace(lr=0.1, path=Path("x"), dtype=torch.float16, device=torch.device("cpu")),
        "epoch": 3, "best": np.float64(0.5), "when": datetime(2026, 1, 1), "took": timedelta(1), "seen": {1, 2},
        "history": defaultdict(list, a=[1.0]), "counts": Counter("aab"), "shape": torch.Size([1, 2]),
        "array": np.zeros((3, 4), np.float32), "nested": {"list": [1, (2, {"x": None})]}, 5: "five", None: b"bytes",
        "rng": torch.get_rng_state(), "big": 1 << 200, "negative": -1, "truth": True, "slice": slice(1, 2),
    }  # fmt: skip
    torch.save(around, tmp_path / "net.ckpt", _use_new_zipfile_serialization=zipped, pickle_protocol=protocol)
    found = read(tmp_path / "net.ckpt")
    assert entries(found, ("state_dict",)) == as_torch_says(state)
    assert next(iter(entries(found, ("state_dict_ema",)))) == "module.0.weight"
    assert entries(found)["array"] == ((3, 4), "float32")
    assert not any("optimizer" in each.key for each in found.sections)


def test_parts_that_are_saved_apart(tmp_path: Path) -> None:
    state = net().state_dict()
    torch.save({"encoder": state, "decoder": net().state_dict()}, tmp_path / "net.pt")
    found = read(tmp_path / "net.pt")
    assert {each.key for each in found.sections} == {("",), ("encoder",), ("decoder",)}
    assert entries(found, ("",))["decoder.0.weight"] == ((8, 3, 3, 3), "float32")


@pytest.mark.parametrize("compressed", [True, False])
def test_arrays(compressed: bool, tmp_path: Path) -> None:
    arrays: dict[str, Any] = {each: np.zeros((2, 3), each) for each in ("f2", "f4", "f8", "i8", "u1", "?", "c8", ">f4")}
    arrays |= {"scalar": np.float32(1), "empty": np.zeros((0, 2)), "a.b": np.asfortranarray(np.zeros((3, 4)))}
    (np.savez_compressed if compressed else np.savez)(tmp_path / "net.npz", **arrays)
    with np.load(tmp_path / "net.npz") as loaded:
        wanted = {name: (each.shape, each.dtype.newbyteorder("=").name) for name, each in loaded.items()}
    assert entries(read(tmp_path / "net.npz")) == wanted
    np.save(tmp_path / "fc.weight.npy", np.zeros((3, 4), np.float16))
    assert entries(read(tmp_path / "fc.weight.npy")) == {"fc.weight": ((3, 4), "float16")}
    (tmp_path / "net.pkl").write_bytes(pickle.dumps({"model": {"w": np.zeros((3, 4), np.int16)}, "by": "me"}))
    assert entries(read(tmp_path / "net.pkl"), ("model",)) == {"w": ((3, 4), "int16")}


def test_safetensors(tmp_path: Path) -> None:
    sizes = {"b": (2, 3), "a": (), "c.d": (0, 4), "e": (5,)}
    path = wrote(tmp_path, "net.safetensors", safetensors(sizes, "bfloat16", e="float8_e4m3fn"))
    dtypes = dict.fromkeys(sizes, "bfloat16") | {"e": "float8_e4m3fn"}
    assert entries(read(path)) == {name: (each, dtypes[name]) for name, each in sizes.items()}
    assert not read(path).in_order


def test_onnx(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    helper, types = onnx.helper, onnx.TensorProto
    tensors = [
        onnx.numpy_helper.from_array(np.zeros((4, 3, 1, 1), np.float32), "conv.weight"),
        onnx.numpy_helper.from_array(np.zeros((), np.int64), "count"),
        helper.make_tensor("half", types.BFLOAT16, (2,), [1.0, 2.0]),
        helper.make_tensor("unpacked", types.FLOAT, (2, 2), [1.0] * 4),
        helper.make_tensor("empty", types.FLOAT, (0, 2), []),
    ]
    node = helper.make_node("Identity", ["conv.weight"], ["y"])
    graph = helper.make_graph([node], "g", [], [helper.make_tensor_value_info("y", types.FLOAT, None)], tensors)
    onnx.save(helper.make_model(graph), tmp_path / "net.onnx")
    assert entries(read(tmp_path / "net.onnx")) == {
        "conv.weight": ((4, 3, 1, 1), "float32"),
        "count": ((), "int64"),
        "half": ((2,), "bfloat16"),
        "unpacked": ((2, 2), "float32"),
        "empty": ((0, 2), "float32"),
    }
    data = (tmp_path / "net.onnx").read_bytes()
    end = data.index(b"empty")  # what stands behind the graph may be missing
    for cut in range(0, end, 3):
        refused(wrote(tmp_path, "cut.onnx", data[:cut]))


def test_a_list_of_sizes(tmp_path: Path) -> None:
    path = wrote(
        tmp_path, "net.json", json.dumps({"name": "net", "state_dict": {"a.weight": [3, 4], "n": []}}).encode()
    )
    assert entries(read(path), ("state_dict",)) == {"a.weight": ((3, 4), ""), "n": ((), "")}
    path = wrote(tmp_path, "net.json", b'\xef\xbb\xbf {"a": {"shape": [3], "dtype": "torch.float16"}, "b": [1]}')
    assert entries(read(path)) == {"a": ((3,), "float16"), "b": ((1,), "")}


def test_several_files(tmp_path: Path) -> None:
    wrote(tmp_path, "m-1.safetensors", safetensors({"a": (2,), "b": (3,)}))
    torch.save({"c": torch.zeros(4)}, tmp_path / "m-2.bin")
    weight_map = {"a": "m-1.safetensors", "b": "m-1.safetensors", "c": "m-2.bin"}
    index = wrote(tmp_path, "model.safetensors.index.json", json.dumps({"weight_map": weight_map}).encode())
    assert entries(read(index)) == {each: ((size,), "float32") for each, size in (("a", 2), ("b", 3), ("c", 4))}
    for home in (
        "../m-1.safetensors",
        "/etc/passwd",
        "C:\\m",
        "missing.bin",
        "",
        "..",
        "model.safetensors.index.json",
        5,
    ):
        bad = wrote(tmp_path, "x.index.json", json.dumps({"weight_map": {**weight_map, "d": home}}).encode())
        refused(bad if home != "model.safetensors.index.json" else index.with_name("x.index.json"))
    refused(wrote(tmp_path, "x.index.json", json.dumps({"weight_map": {"d": "m-1.safetensors"}}).encode()))
    refused(wrote(tmp_path, "x.index.json", b"{}"))
    nested = wrote(tmp_path, "x.index.json", json.dumps({"weight_map": {"a": index.name}}).encode())
    assert f"names `{index.name}`, which is an index too" in refused(nested).message


def test_large_files_take_no_time(tmp_path: Path) -> None:
    """Of 40 GB that are not there, nothing is read."""
    width = 50_000
    sizes = {f"{i}.weight": (width, width) for i in range(4)}
    data = safetensors(dict.fromkeys(sizes, (0,)))
    header = {
        name: {"dtype": "F32", "shape": [width, width], "data_offsets": [i * 4 * width**2, (i + 1) * 4 * width**2]}
        for i, name in enumerate(sizes)
    }
    path = wrote(tmp_path, "large.safetensors", with_header(header, 0))
    end = path.stat().st_size + 16 * width**2
    start = process_time()
    os.truncate(path, end)
    assert data
    assert {each.sizes for each in read(path).sections[0].tensors} == {(width, width)}
    os.truncate(path, end - 1)
    assert "ends too early" in refused(path).message
    assert process_time() - start < 1


def test_neither_torch_nor_numpy_is_imported(tmp_path: Path) -> None:
    torch.save(net().state_dict(), tmp_path / "net.pt")
    np.savez(tmp_path / "net.npz", a=np.zeros(3))
    code = (
        "import sys; from planner.checkpoints import read; [read(each) for each in sys.argv[1:]];"
        "assert not {'torch', 'numpy', 'onnx', 'pickle'} & ({*sys.modules} - before)"
    )
    code = f"import sys, pickletools; before = {{*sys.modules}}; {code}"
    subprocess.run([sys.executable, "-c", code, tmp_path / "net.pt", tmp_path / "net.npz"], check=True)
