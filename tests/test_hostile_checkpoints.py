"""Files of weights that no one should load: broken ones, and those that would run code, are refused."""

from __future__ import annotations

import builtins
import io
import os
import struct
import subprocess
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from random import Random
from time import process_time

import pytest

from checkpoint_files import FORMATS, Calls, dumped, entries, named, net, ran, refused, with_header, wrote
from planner.checkpoints import _json, _pickles, read, torch_zip
from planner.faults.unreadable_checkpoint import UnreadableCheckpoint
from planner.faults.unsafe_pickle import UnsafePickle

torch = pytest.importorskip("torch")

STATE = "ccollections\nOrderedDict\n)R"
HOSTILE: dict[str, tuple[bytes, str]] = {
    "os.system": (dumped(Calls(os.system, "touch /tmp/pwned")), "posix.system"),
    "eval": (dumped(Calls(builtins.eval, "ran()")), "builtins.eval"),
    "exec": (dumped(Calls(builtins.exec, "ran()"), 4), "builtins.exec"),
    "getattr": (b"\x80\x02" + named("__builtin__", "getattr") + b".", "builtins.getattr"),
    "import": (b"\x80\x02" + named("__builtin__", "__import__") + b"X\x02\x00\x00\x00os\x85R.", "builtins.__import__"),
    "popen": (dumped(Calls(subprocess.Popen, ["ls"]), 4), "subprocess.Popen"),
    "nested": (dumped({"state_dict": {"w": [1, (2, {"x": Calls(ran, 1)})]}}), "checkpoint_files.ran"),
    "in a key": (dumped({Calls(ran, 1): 1}), "checkpoint_files.ran"),
    "deep": (dumped(Calls(dict, [[("a", Calls(ran))]])), "checkpoint_files.ran"),
    "stack global": (b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R.", "os.system"),
    "stack global, made of parts": (b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93.", "os.system"),
    "inst": (b"(S'ls'\nios\nsystem\n.", "os.system"),
    "obj": (b"\x80\x02(cos\nsystem\nX\x02\x00\x00\x00lso.", "os.system"),
    "newobj": (b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85\x81.", "os.system"),
    "newobj_ex": (b"\x80\x04\x8c\x02os\x8c\x06system\x93)}\x92.", "os.system"),
    "global, never called": (b"\x80\x02cos\nsystem\n0}.", "os.system"),
    "dotted": (b"\x80\x04\x8c\x05torch\x8c\x0dhub.os.system\x93.", "torch.hub.os.system"),
    "load within a load": (
        b"\x80\x02" + named("torch.storage", "_load_from_bytes") + b"C\x00\x85R.",
        "_load_from_bytes",
    ),
    "torch.load": (b"\x80\x02" + named("torch", "load") + b"X\x01\x00\x00\x00x\x85R.", "torch.load"),
    "wrapper subclass": (
        b"\x80\x02" + named("torch._utils", "_rebuild_wrapper_subclass") + b")R.",
        "_rebuild_wrapper_subclass",
    ),
    "from type": (
        b"\x80\x02" + named("torch._tensor", "_rebuild_from_type_v2") + b"("
        + named("torch._utils", "_rebuild_tensor_v2")
        + named("torch", "Storage") + b"))tR.", "torch.Storage",
    ),
    "from type, with a function": (
        b"\x80\x02" + named("torch._tensor", "_rebuild_from_type_v2") + b"(" + named("collections", "OrderedDict")
        + named("collections", "OrderedDict") + b"))tR.", "collections.OrderedDict",
    ),
    "copyreg": (b"\x80\x02" + named("copy_reg", "_reconstructor") + b")R.", "copyreg._reconstructor"),
    "functools": (b"\x80\x02" + named("functools", "partial") + b")R.", "functools.partial"),
    "operator": (b"\x80\x02" + named("operator", "attrgetter") + b")R.", "operator.attrgetter"),
    "a module": (
        b"\x80\x02" + named("torch.nn.modules.linear", "Linear") + b")\x81}b.",
        "torch.nn.modules.linear.Linear",
    ),
    "state of a class": (b"\x80\x02" + named("collections", "OrderedDict") + b"}b.", "collections.OrderedDict"),
    "call of what was made": (f"\x80\x02{STATE})R.".encode("latin-1"), "would call what it has made"),
    "call of a text": (b"\x80\x02X\x01\x00\x00\x00x)R.", "would call a text"),
    "call of a type of numbers": (b"\x80\x02" + named("torch", "float32") + b")R.", "torch.float32"),
    "call of a storage": (b"\x80\x02" + named("torch", "FloatStorage") + b")R.", "torch.FloatStorage"),
    "ext1": (b"\x80\x02\x82\x01.", "EXT1"),
    "ext2": (b"\x80\x02\x83\x01\x00.", "EXT2"),
    "ext4": (b"\x80\x02\x84\x01\x00\x00\x00.", "EXT4"),
    "persid": (b"Pos.system\n.", "PERSID"),
    "next buffer": (b"\x80\x05\x97.", "NEXT_BUFFER"),
    "newline in a name": (b"\x80\x04\x8c\x02os\x8c\x08sys\n\x1b[2m\x93.", "\\n"),
}  # fmt: skip


def zipped(pickle: bytes, **members: bytes) -> bytes:
    """An archive as torch.save writes it."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("archive/data.pkl", pickle)
        for name, each in members.items():
            archive.writestr(f"archive/data/{name.removeprefix('_')}", each)
    return data.getvalue()


def legacy(data: bytes) -> bytes:
    """A file as torch.save wrote it before version 1.6."""
    return b"".join(map(dumped, (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))) + data + dumped([])


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("wrap", [zipped, legacy, bytes], ids=["zip", "legacy", "plain"])
def test_pickles_that_would_run_code_are_refused(name: str, wrap: Callable[[bytes], bytes], tmp_path: Path) -> None:
    data, called = HOSTILE[name]
    said = refused(wrote(tmp_path, "net.pt", wrap(data)), UnsafePickle).message
    assert called in said
    assert said.endswith("nothing of it was run")
    assert said.isprintable()
    assert not Path("/tmp/pwned").exists()


def storage(*id: object) -> bytes:
    """A persistent id; a class of torch stands for itself."""
    return dumped(id)[2:-1] + b"Q"


FLOATS = (
    b"(X\x07\x00\x00\x00storage" + named("torch", "FloatStorage") + b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x0ctQ"
)
REBUILD = named("torch._utils", "_rebuild_tensor_v2") + b"("


def tensor(rest: bytes) -> bytes:
    """A mapping with a tensor, of the arguments that follow its storage of 12 numbers."""
    return b"\x80\x02}X\x01\x00\x00\x00w" + REBUILD + FLOATS + rest + b"\x89" + STATE.encode() + b"tRs."


BROKEN: dict[str, bytes] = {
    "empty": b"",
    "no stop": b"\x80\x02}",
    "empty stack": b"\x80\x02.",
    "pops too much": b"\x80\x02000.",
    "tuple of nothing": b"\x80\x02\x87.",
    "no mark": b"\x80\x02t.",
    "memo without an entry": b"\x80\x02h\x07.",
    "not an opcode": b"\x80\x02\xff.",
    "items of a number": b"\x80\x02K\x01K\x02K\x03s.",
    "key without a value": b"\x80\x02}(K\x01u.",
    "appends to a number": b"\x80\x02K\x01(K\x02e.",
    "adds to a list": b"\x80\x04](K\x01\x90.",
    "arguments that are no tuple": b"\x80\x02" + named("collections", "OrderedDict") + b"]R.",
    "name of a number": b"\x80\x04K\x01K\x02\x93.",
    "a long text that is not there": b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fab.",
    "negative text": b"\x80\x02T\xff\xff\xff\xffab.",
    "negative number of bytes": b"\x80\x02\x8b\xff\xff\xff\xff.",
    "a number of many digits": b"L" + b"9" * 100_000 + b"L\n.",
    "no UTF-8": b"\x80\x02X\x02\x00\x00\x00\xff\xfe.",
    "a number": dumped(5),
    "a list of numbers": dumped([1, 2, 3]),
    "no tensors": dumped({"a": 1, "b": {"c": "x"}}),
    "nothing": dumped(None),
    "deep tuples": b"\x80\x02)" + b"\x85" * 30_000 + b".",
    "deep mappings": b"\x80\x02" + b"}X\x01\x00\x00\x00a" * 20_000 + b"}" + b"s" * 20_000 + b".",
    "a list within itself": b"\x80\x02]q\x00h\x00a.",
    "a mapping within itself": b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.",
    "a bomb of tuples": b"\x80\x02)" + b"2\x86" * 20_000 + b".",
    "a bomb of mappings": b"\x80\x02}" + b"q\x00}X\x01\x00\x00\x00ah\x00X\x01\x00\x00\x00bh\x00(0u" * 2_000 + b".",
    "persistent id of a number": b"\x80\x02K\x05Q.",
    "persistent id of a list": b"\x80\x02]Q.",
    "persistent id of texts": b"\x80\x02" + storage("storage", "FloatStorage", "0", "cpu", 12) + b".",
    "persistent id of another kind": b"\x80\x02" + storage("module", "x", "y", "z") + b".",
    "persistent id of a name": b"\x80\x02" + named("collections", "OrderedDict") + b"Q.",
    "sizes of texts": tensor(b"K\x00X\x01\x00\x00\x00a\x85K\x01\x85"),
    "sizes of a number": tensor(b"K\x00K\x05K\x05"),
    "negative sizes": tensor(b"K\x00J\xff\xff\xff\xff\x85K\x01\x85"),
    "truth values for sizes": tensor(b"K\x00\x88\x85K\x01\x85"),
    "huge sizes": tensor(b"K\x00\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x85K\x01\x85"),
    "sizes whose product is huge": tensor(
        b"K\x00J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x87K\x00K\x00K\x00\x87"
    ),
    "other strides": tensor(b"K\x00K\x03\x85)"),
    "beyond its storage": tensor(b"K\x00K\x0d\x85K\x01\x85"),
    "beyond by its offset": tensor(b"K\x01K\x0c\x85K\x01\x85"),
    "beyond by its strides": tensor(b"K\x00K\x04\x85K\x05\x85"),
    "negative offset": tensor(b"J\xff\xff\xff\xffK\x02\x85K\x01\x85"),
    "many axes": tensor(b"K\x00(" + b"K\x01" * 65 + b"t(" + b"K\x01" * 65 + b"t"),
    "no storage": b"\x80\x02" + REBUILD + b"NK\x00K\x03\x85K\x01\x85tR.",
    "no arguments": b"\x80\x02" + named("torch._utils", "_rebuild_tensor_v2") + b")R.",
    "parameter of a number": b"\x80\x02" + named("torch._utils", "_rebuild_parameter") + b"K\x05\x88}\x87R.",
    "array that is none": b"\x80\x02" + named("numpy.core.multiarray", "_reconstruct") + b")RK\x05b.",
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize(
    "wrap", [lambda data: zipped(data, _0=bytes(48)), legacy, bytes], ids=["zip", "legacy", "plain"]
)
def test_broken_pickles_are_refused(name: str, wrap: Callable[[bytes], bytes], tmp_path: Path) -> None:
    assert refused(wrote(tmp_path, "net.pt", wrap(BROKEN[name])), UnreadableCheckpoint).message.isprintable()


def test_the_broken_tensors_are_broken_by_one_thing_alone(tmp_path: Path) -> None:
    path = wrote(tmp_path, "net.pt", zipped(tensor(b"K\x00K\x0c\x85K\x01\x85"), _0=bytes(48)))
    assert entries(read(path)) == {"w": ((12,), "float32")}
    assert "has 47 bytes" in refused(wrote(tmp_path, "net.pt", zipped(tensor(b"K\x00)"), _0=bytes(47)))).message
    assert "not in it" in refused(wrote(tmp_path, "net.pt", zipped(tensor(b"K\x00)")))).message


def test_pickles_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pickles, "MOST_OPCODES", 1_000)
    assert "opcodes" in refused(wrote(tmp_path, "net.pt", zipped(b"\x80\x02]" + b"K\x01a" * 1_000 + b"."))).message
    monkeypatch.setattr(_pickles, "MOST_BYTES", 1_000)
    refused(wrote(tmp_path, "net.pt", legacy(b"\x80\x02X\x00\x10\x00\x00" + b"a" * 4096 + b".")))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("zipped", FORMATS)
def test_tensors_of_odd_kinds_are_named(zipped: bool, tmp_path: Path) -> None:
    """A sparse one, a quantized one."""
    state = {
        "a.weight": torch.eye(3).to_sparse(),
        "b.weight": torch.quantize_per_tensor(torch.zeros(3), 1.0, 0, torch.qint8),
        "c.weight": torch.zeros(3),
    }
    torch.save(state, tmp_path / "net.pt", _use_new_zipfile_serialization=zipped)
    (found,) = read(tmp_path / "net.pt").sections
    assert found.odd == {"a.weight": "a sparse tensor", "b.weight": "a quantized tensor"}


@pytest.mark.filterwarnings("ignore")
def test_modules_are_refused_by_name(tmp_path: Path) -> None:
    torch.save(net(), tmp_path / "net.pt")
    assert "torch.nn.modules.container.Sequential" in refused(tmp_path / "net.pt", UnsafePickle).message
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "net.pt")
    assert "is a scripted module" in refused(tmp_path / "net.pt").message


HEADERS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is empty"),
    "short": (b"\x02\0\0\0", "ends before its header"),
    "a header of 2^63 bytes": (struct.pack("<Q", 1 << 63) + b"{}", "its header would have"),
    "a header of 200 MB": (struct.pack("<Q", 200_000_000) + b"{}", "at most 100,000,000"),
    "a header behind the end": (struct.pack("<Q", 1000) + b"{}", "ends too early"),
    "no JSON": (with_header(b"{nothing}", 0), "is not JSON"),
    "no mapping": (with_header(b"[1, 2]", 0), "no JSON mapping"),
    "deep": (with_header(b'{"a":' * 100_000, 0), "nested too deep"),
    "deep lists": (with_header(b'{"a":' + b"[" * 100_000, 0), "nested too deep"),
    "twice": (with_header(b'{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"a":{}}', 4), "has `a` twice"),
    "no UTF-8": (with_header(b'{"\xff":1}', 0), "is not JSON"),
    "many digits": (with_header(b'{"a":' + b"9" * 5_000 + b"}", 0), "is not JSON"),
    "a number": (with_header({"a": 5}, 0), "does not say the dtype"),
    "no offsets": (with_header({"a": {"dtype": "F32", "shape": []}}, 4), "does not say the dtype"),
    "unknown dtype": (with_header({"a": {"dtype": "F31", "shape": [], "data_offsets": [0, 4]}}, 4), "not known"),
    "negative": (with_header({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, 4), "whole numbers"),
    "fractions": (with_header({"a": {"dtype": "F32", "shape": [1.5], "data_offsets": [0, 6]}}, 6), "whole numbers"),
    "truth": (with_header({"a": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}, 4), "whole numbers"),
    "huge": (with_header({"a": {"dtype": "F32", "shape": [1 << 62, 8], "data_offsets": [0, 4]}}, 4), "more numbers"),
    "other size": (with_header({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, 4), "is not what its"),
    "backwards": (with_header({"a": {"dtype": "F32", "shape": [], "data_offsets": [4, 0]}}, 4), "is not what its"),
    "a third offset": (with_header({"a": {"dtype": "F32", "shape": [], "data_offsets": [0, 4, 8]}}, 4), "two whole"),
    "overlap": (
        with_header({each: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for each in "ab"}, 4), "overlap",
    ),
    "hole": (with_header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, 8), "leave a hole"),
    "too long": (with_header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, 9), "5 bytes behind"),
    "too short": (with_header({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, 4), "ends too early"),
    "long name": (with_header({"a" * 2000: {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}}, 4), "no text"),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_are_not_believed(name: str, tmp_path: Path) -> None:
    data, said = HEADERS[name]
    assert said in refused(wrote(tmp_path, "net.safetensors", data), UnreadableCheckpoint).message


def test_json_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_json, "MOST_VALUES", 100)
    assert (
        "more than 100 values" in refused(wrote(tmp_path, "n.safetensors", with_header(b"{" + b"[]," * 99, 0))).message
    )


def npy(header: bytes, version: bytes = b"\x01\x00", data: bytes = b"") -> bytes:
    return b"\x93NUMPY" + version + struct.pack("<H" if version[0] == 1 else "<I", len(header)) + header + data


ARRAYS = {
    "short": b"\x93NUMPY",
    "no header": npy(b""),
    "other version": npy(b"{}", b"\x09\x00"),
    "code": npy(b"__import__('os').system('ls')"),
    "deep": npy(b"(" * 5_000),
    "long": npy(b" " * 20_000),
    "objects": npy(b"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"),
    "fields": npy(b"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}"),
    "texts": npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': ('a',)}"),
    "negative": npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}"),
    "too short": npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", data=bytes(4)),
    "too long": npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", data=bytes(12)),
    "long type": npy(b"{'descr': '<f99999999', 'fortran_order': False, 'shape': (2,)}", data=bytes(12)),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_are_not_believed(name: str, tmp_path: Path) -> None:
    refused(wrote(tmp_path, "a.npy", ARRAYS[name]), UnreadableCheckpoint)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", ARRAYS[name])
    refused(tmp_path / "a.npz", UnreadableCheckpoint)


def test_zip_bombs_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is unpacked than a pickle may have, or the header of an array."""
    monkeypatch.setattr(torch_zip, "MOST_BYTES", 1 << 20)
    for name, member in (("net.pt", "archive/data.pkl"), ("net.npz", "a.npy")):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(member, bytes(64 << 20))
        start = process_time()
        refused(tmp_path / name, UnreadableCheckpoint)
        assert process_time() - start < 0.1


def test_archives_that_are_not_believed(tmp_path: Path) -> None:
    torch.save(net().state_dict(), tmp_path / "net.pt")
    data = (tmp_path / "net.pt").read_bytes()
    for cut in (0, 3, 100, len(data) // 2, len(data) - 1):
        refused(wrote(tmp_path, "cut.pt", data[:cut]), UnreadableCheckpoint)
    refused(wrote(tmp_path, "x.pt", b"PK\x05\x06" + bytes(18)), UnreadableCheckpoint)
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
        archive.writestr("archive/data.pkl", b"a")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("archive/data.pkl", b"b")
    assert "twice" in refused(tmp_path / "x.pt").message
    old = io.BytesIO()
    torch.save(net().state_dict(), old, _use_new_zipfile_serialization=False)
    assert "ends too early" in refused(wrote(tmp_path, "x.pt", old.getvalue()[:-1])).message


def outcome(path: Path) -> str:
    """What comes of reading a file: nothing, or what is said of it."""
    try:
        read(path)
    except (UnreadableCheckpoint, UnsafePickle) as fault:
        return fault.message
    return ""


@pytest.mark.parametrize("zipped", FORMATS)
def test_random_damage_is_answered(zipped: bool, tmp_path: Path) -> None:
    """A file with some bytes changed is read, or refused; nothing else happens, and nothing is run."""
    data = io.BytesIO()
    torch.save(OrderedDict(net().state_dict()), data, _use_new_zipfile_serialization=zipped)
    whole, random = data.getvalue(), Random(7)
    at = whole.index(b"collections")
    for _ in range(150):
        changed = bytearray(whole)
        for _ in range(random.randint(1, 4)):
            changed[at + random.randrange(-20, 1500)] = random.randrange(256)
        assert outcome(wrote(tmp_path, "net.pt", bytes(changed))).isprintable()


OTHERS = {
    "net.h5": b"\x89HDF\r\n\x1a\n" + bytes(20),
    "net.gguf": b"GGUF" + bytes(20),
    "net.txt": b"hello",
    "net.onnx": b"hello",
    "net.safetensors": b"hello, this is a text and nothing else",
    "tar.pt": bytes(257) + b"ustar" + bytes(300),
    "list.json": b"[1]",
    "yaml.json": b"{a: 1}",
    "other.json": b'{"name": "net"}',
    "sizes.json": b'{"a": [-1]}',
    "type.json": b'{"a": {"shape": [1], "dtype": "float31"}}',
    "keras.keras": b"PK\x03\x04",
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_refused(name: str, tmp_path: Path) -> None:
    refused(wrote(tmp_path, name, OTHERS[name]), UnreadableCheckpoint)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x89HDF\r\n\x1a\n" + bytes(20), "is a file of HDF5"),
        (b"GGUF" + bytes(20), "is a file of GGUF"),
        (b"\x1c\0\0\0TFL3" + bytes(20), "is a file of TensorFlow Lite"),
        (b"\x1f\x8b\x08" + bytes(20), "is compressed by gzip"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "is the pointer of Git LFS"),
        (b"<!DOCTYPE html><html>404</html>", "is a web page"),
    ],
)
@pytest.mark.parametrize("ending", ["pt", "safetensors"])
def test_what_a_file_is_instead_is_said(data: bytes, says: str, ending: str, tmp_path: Path) -> None:
    assert says in refused(wrote(tmp_path, f"net.{ending}", data), UnreadableCheckpoint).message


@pytest.mark.filterwarnings("ignore")
def test_quantized_layers_are_named(tmp_path: Path) -> None:
    """A layer of torch.ao keeps its weight in a row with the bias, and its type beside."""
    tensor = torch.quantize_per_tensor(torch.zeros(2, 3), 0.1, 0, torch.qint8)
    state = {"a.weight": torch.zeros(2), "fc.dtype": torch.qint8, "fc._packed_params": (tensor, torch.zeros(2))}
    torch.save(state, tmp_path / "net.pt")
    assert read(tmp_path / "net.pt").sections[0].odd == {"fc._packed_params": "a quantized tensor"}


@pytest.mark.parametrize("name", ["missing.pt", ".", "a\0b.pt", "/dev/null"])
def test_what_is_no_file_is_refused(name: str, tmp_path: Path) -> None:
    refused(tmp_path / name, UnreadableCheckpoint)
