"""Arrays of NumPy: `.npz`, a zip archive with a member for each array, and `.npy`, one array, named as its file.

Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from planner.checkpoints._checkpoint import BITS, Checkpoint, Refusing, SavedTensor, Section, cut
from planner.checkpoints._zips import beginning, opened

ORDER = -1
MAGIC = b"\x93NUMPY"
LONGEST_HEADER = 10_000
"""Bytes of a header that are evaluated, which is NumPy's own limit."""
MOST = 12 + LONGEST_HEADER
KINDS = {"f": "float", "i": "int", "u": "uint", "c": "complex"}


def recognises(path: Path, head: bytes) -> bool:
    return head.startswith(MAGIC) or (path.suffix == ".npz" and head.startswith(b"PK"))


def read(path: Path) -> Checkpoint:
    refusing = Refusing(str(path))
    if path.suffix != ".npz":
        with path.open("rb") as file:
            tensors = [_array(refusing, path.stem, file.read(MOST), path.stat().st_size)]
        return Checkpoint(str(path), "NumPy", (Section((), tuple(tensors)),), in_order=True)
    with opened(path, refusing) as archive:
        members = archive.infolist()
        refusing.too_many(len(members))
        tensors = [
            _array(
                refusing,
                refusing.name(each.filename.removesuffix(".npy")),
                beginning(archive, each, refusing, MOST),
                each.file_size,
            )
            for each in members
        ]
    return Checkpoint(str(path), "NumPy", (Section((), tuple(tensors)),), in_order=True)


def _array(refusing: Refusing, name: str, head: bytes, size: int) -> SavedTensor:
    """The array that begins with `head`, in a file of so many bytes."""
    if not head.startswith(MAGIC) or len(head) < 12:
        raise refusing.broken(f"is broken: `{cut(name)}` is no array of NumPy")
    wide = 2 if head[6] == 1 else 4
    length = int.from_bytes(head[8 : 8 + wide], "little")
    if head[6] not in (1, 2, 3) or length > LONGEST_HEADER or len(head) < 8 + wide + length:
        raise refusing.broken(f"is broken: the header of `{cut(name)}` is not one that NumPy writes")
    try:
        about = ast.literal_eval(head[8 + wide : 8 + wide + length].decode("utf-8").strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        about = None
    if not isinstance(about, dict) or about.keys() != {"descr", "fortran_order", "shape"}:
        raise refusing.broken(f"is broken: the header of `{cut(name)}` is not one that NumPy writes")
    found = SavedTensor(name, refusing.sizes(about["shape"], name), dtype_of(refusing, name, about["descr"]))
    bits = found.bits
    if bits is not None and size != 8 + wide + length + bits // 8:
        what = "ends too early" if size < 8 + wide + length + bits // 8 else "is broken: too long"
        raise refusing.broken(f"{what}: `{cut(name)}` does not have the bytes that its shape takes")
    return found


def dtype_of(refusing: Refusing, name: str, written: Any) -> str:
    """The type of numbers that NumPy writes as `<f4`; types that it does not know come as bytes, `|V2`."""
    text = written if isinstance(written, str) else ""
    kind, width = text[1:2], text[2:]
    if text[:1] not in tuple("<>|=") or (not width.isdecimal() and kind != "O") or len(width) > 6:
        raise refusing.broken(f"holds what is no tensor: `{cut(name)}` is {cut(str(written))}", "leave it out")
    if kind == "O":
        raise refusing.broken(
            f"holds Python objects, a pickle that could run anything: `{cut(name)}`", "save its arrays by `numpy.savez`"
        )
    if kind == "b":
        return "bool"
    dtype = f"{KINDS.get(kind, '')}{int(width) * 8}"
    return dtype if dtype in BITS else f"{int(width)} bytes"
