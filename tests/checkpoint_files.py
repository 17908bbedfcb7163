"""Files of weights written by hand: safetensors, and pickles that would do harm; and how they are read."""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from planner.checkpoints import Checkpoint, read
from planner.diagnostics import Fault

TYPES = {
    "float64": ("F64", 8), "float32": ("F32", 4), "float16": ("F16", 2), "bfloat16": ("BF16", 2),
    "float8_e4m3fn": ("F8_E4M3", 1), "float8_e5m2": ("F8_E5M2", 1),
    "int64": ("I64", 8), "int32": ("I32", 4), "int16": ("I16", 2), "int8": ("I8", 1), "uint8": ("U8", 1),
    "bool": ("BOOL", 1), "complex64": ("C64", 8),
}  # fmt: skip


def safetensors(sizes: Mapping[str, tuple[int, ...]], dtype: str = "float32", **dtypes: str) -> bytes:
    """A file of safetensors, as the library writes it: names in order, headers filled up to 8 bytes."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in sorted(sizes):
        code, width = TYPES[dtypes.get(name, dtype)]
        count = width
        for size in sizes[name]:
            count *= size
        header[name] = {"dtype": code, "shape": list(sizes[name]), "data_offsets": [end, end + count]}
        end += count
    return with_header(header, end)


def with_header(header: Any, length: int) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(length)


class Calls:
    """Pickled, it is a call."""

    def __init__(self, function: Any, *arguments: Any, state: Any = None) -> None:
        self.made = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> Any:
        return self.made


def named(module: str, name: str) -> bytes:
    """The opcodes that push a name, of protocol 2."""
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def dumped(value: Any, protocol: int = 2) -> bytes:
    return pickle.dumps(value, protocol)


FORMATS = [True, False]
"""Whether torch.save writes a zip archive, or as before version 1.6."""


def net() -> Any:
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 4), nn.LSTM(4, 4), nn.MultiheadAttention(8, 2)
    )


def wrote(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def entries(checkpoint: Checkpoint, key: tuple[str, ...] = ()) -> dict[str, tuple[tuple[int, ...], str]]:
    found = next(each for each in checkpoint.sections if each.key == key)
    return {each.name: (each.sizes, each.dtype) for each in found.tensors}


PWNED: list[object] = []
"""What hostile files have called."""


def ran(*given: Any) -> str:
    PWNED.append(given)
    return "ran"


def refused(path: Path, kind: type[Fault] = Fault) -> Fault:
    """The fault of a file, which is read without anything being run."""
    PWNED.clear()
    start = process_time()
    with pytest.raises(kind) as raised:
        read(path)
    assert not PWNED
    assert process_time() - start < 10
    assert raised.value.help
    assert raised.value.message
    return raised.value
