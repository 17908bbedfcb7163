"""Files of ONNX: the initializers of their graph. What a protobuf says of itself is walked through; the operators, the
numbers, and the package onnx are not needed.

Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from planner.checkpoints._checkpoint import Checkpoint, Refusing, SavedTensor, Section, cut

ORDER = -1
GRAPH, INITIALIZER, SPARSE = 7, 5, 15
DIMS, DATA_TYPE, NAME, RAW_DATA = 1, 2, 8, 9
LONGEST = 1 << 16
"""Bytes of a name, or of the list of a tensor's axes."""
MOST_FIELDS = 5_000_000
DTYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool", 10: "float16",
    11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", 16: "bfloat16",
    17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz", 21: "uint4", 22: "int4",
    23: "float4_e2m1fn", 24: "float8_e8m0fnu", 25: "uint2", 26: "int2",
}  # fmt: skip


def recognises(path: Path, head: bytes) -> bool:
    return path.suffix == ".onnx"


def read(path: Path) -> Checkpoint:
    refusing = Refusing(str(path))
    tensors: dict[str, SavedTensor] = {}
    odd: dict[str, str] = {}
    with path.open("rb") as file:
        walk = _ProtobufWalk(file, refusing)
        for graph in walk.within(path.stat().st_size, GRAPH):
            for each in walk.within(graph.end, INITIALIZER, SPARSE):
                if each.number == SPARSE:
                    odd[f"a sparse tensor, number {len(odd) + 1}"] = "a sparse tensor"
                    continue
                found = _tensor(walk, each.end)
                if found.name in tensors:
                    raise refusing.broken(f"is broken: it has the initializer `{cut(found.name)}` twice")
                tensors[found.name] = found
                refusing.too_many(len(tensors))
    if not tensors:
        raise refusing.broken("has no initializers, or is no file of ONNX")
    return Checkpoint(str(path), "ONNX", (Section((), tuple(tensors.values()), odd=odd),), in_order=False)


class _ProtobufField(NamedTuple):
    """A field: its number, its value where that is a number of its own, and the byte behind it."""

    number: int
    value: int | None
    end: int


class _ProtobufWalk:
    """Goes through the fields of messages, and over what they hold."""

    def __init__(self, file: BinaryIO, refusing: Refusing) -> None:
        self.file = file
        self.refusing = refusing
        self.count = 0

    def within(self, end: int, *numbers: int) -> Iterator[_ProtobufField]:
        """The fields with these numbers, up to the byte `end`; the file stands at the beginning of each."""
        while (at := self.file.tell()) < end:
            self.count += 1
            if self.count > MOST_FIELDS:
                raise self.refusing.broken(f"has more than {MOST_FIELDS:,} fields", "no network needs that")
            tag = self._number()
            kind, value, stop = tag & 7, None, 0
            if kind == 0:
                value = self._number()
                stop = self.file.tell()
            elif kind == 2:
                length = self._number()
                stop = self.file.tell() + length
            elif kind in (1, 5):
                stop = self.file.tell() + (8 if kind == 1 else 4)
            if not at < stop <= end:
                raise self.refusing.broken("is no ONNX file, or a broken one: a field reaches beyond its message")
            if tag >> 3 in numbers:
                yield _ProtobufField(tag >> 3, value, stop)
            self.file.seek(stop)

    def _number(self) -> int:
        found = 0
        for shift in range(0, 70, 7):
            byte = self.file.read(1)
            if not byte:
                raise self.refusing.broken("is no ONNX file, or it ends too early")
            found |= (byte[0] & 127) << shift
            if byte[0] < 128:
                return found
        raise self.refusing.broken("is no ONNX file, or a broken one: a number has too many bytes")

    def numbers(self, field: _ProtobufField) -> Iterator[int]:
        """The whole numbers of a field, which has one, or many in a row."""
        if field.value is not None:
            yield field.value
            return
        if field.end - self.file.tell() > LONGEST:
            raise self.refusing.broken("is broken: a tensor in it has too many axes")
        while self.file.tell() < field.end:
            yield self._number()


def _tensor(walk: _ProtobufWalk, end: int) -> SavedTensor:
    """The tensor that a message states, up to the byte `end`."""
    sizes: list[int] = []
    name, dtype, raw = "", 0, None
    for each in walk.within(end, DIMS, DATA_TYPE, NAME, RAW_DATA):
        length = each.end - walk.file.tell()
        if each.number == DIMS:
            sizes += walk.numbers(each)
        elif each.number == DATA_TYPE:
            dtype = each.value or 0
        elif each.number == NAME:
            if length > LONGEST:
                raise walk.refusing.broken("is broken: a name in it has too many characters")
            name = walk.file.read(length).decode("utf-8", "backslashreplace")
        else:
            raw = length
    if dtype not in DTYPES:
        raise walk.refusing.broken(f"holds what is no tensor of numbers: `{cut(name)}` is of type {dtype}")
    found = SavedTensor(walk.refusing.name(name), walk.refusing.sizes(sizes, name), DTYPES[dtype])
    if raw is not None and found.bits is not None and raw != -(-found.bits // 8):
        raise walk.refusing.broken(f"is broken: `{cut(name)}` has {raw:,} bytes, which is not what its sizes take")
    return found
