"""Files of weights written by hand: safetensors, and pickles that would do harm."""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Mapping
from typing import Any

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
