"""Files of safetensors: the length of a header, the header, which is JSON, and the numbers, which are not read.

Source: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from planner.checkpoints._checkpoint import Checkpoint, Refusing, SavedTensor, Section, cut
from planner.checkpoints._json import parsed

MOST_HEADER = 100_000_000
"""Bytes of a header, which is the format's own limit."""
DTYPES: Mapping[str, str] = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz", "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F6_E2M3": "float6_e2m3fn", "F6_E3M2": "float6_e3m2fn", "F4": "float4_e2m1fn",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
    "C64": "complex64",
}  # fmt: skip


def recognises(path: Path, head: bytes) -> bool:
    return path.suffix == ".safetensors" or (head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= MOST_HEADER)


def read(path: Path) -> Checkpoint:
    refusing = Refusing(str(path))
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        room = path.stat().st_size - 8
        if room < 2:
            raise refusing.broken("is no file of safetensors: it ends before its header")
        if length > MOST_HEADER:
            limit = f"{MOST_HEADER:,}"
            raise refusing.broken(
                f"is no file of safetensors: its header would have {length:,} bytes of at most {limit}"
            )
        if length > room:
            raise refusing.broken(f"ends too early: its header has {length:,} bytes, and {room:,} are there")
        head = file.read(length)
    if not head.startswith(b"{"):
        raise refusing.broken("is no file of safetensors: its header is no JSON mapping")
    header = parsed(head, refusing, "its header")
    header.pop("__metadata__", None)
    refusing.too_many(len(header))
    tensors = [_tensor(refusing, name, about) for name, about in header.items()]
    _must_lie_close(refusing, ((*about["data_offsets"], name) for name, about in header.items()), room - length)
    return Checkpoint(str(path), "safetensors", (Section((), tuple(tensors)),), in_order=False)


def _tensor(refusing: Refusing, name: str, about: Any) -> SavedTensor:
    refusing.name(name)
    if not isinstance(about, dict) or about.keys() != {"dtype", "shape", "data_offsets"}:
        raise refusing.broken(f"is broken: its header does not say the dtype, shape and data_offsets of `{cut(name)}`")
    dtype, sizes = about["dtype"], refusing.sizes(about["shape"], name)
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise refusing.broken(f"has numbers of a type that is not known: `{cut(name)}` is {cut(str(dtype))}")
    offsets = about["data_offsets"]
    whole = isinstance(offsets, list) and all(isinstance(each, int) and each >= 0 for each in offsets)
    if not whole or len(offsets) != 2:
        raise refusing.broken(f"is broken: the data_offsets of `{cut(name)}` are not two whole numbers")
    found = SavedTensor(name, sizes, DTYPES[dtype], place=tuple(offsets) if 0 not in sizes else None)
    if found.bits is None or (offsets[1] - offsets[0]) * 8 != found.bits:
        said = f"{offsets[1] - offsets[0]:,} bytes"
        raise refusing.broken(f"is broken: `{cut(name)}` has {said}, which is not what its shape and dtype take")
    return found


def _must_lie_close(refusing: Refusing, spans: Iterable[tuple[int, int, str]], room: int) -> None:
    """Refuse tensors that overlap, leave holes, or do not end where the file ends."""
    end, last = 0, ""
    for start, stop, name in sorted(spans):
        if start != end:
            what = "overlap" if start < end else "leave a hole"
            raise refusing.broken(f"is broken: `{cut(last)}` and `{cut(name)}` {what} at byte {start:,}")
        end, last = stop, name
    if end > room:
        raise refusing.broken(f"ends too early: its tensors take {end:,} bytes, and {room:,} are there")
    if end < room:
        raise refusing.broken(f"is broken: {room - end:,} bytes behind its last tensor belong to nothing")
