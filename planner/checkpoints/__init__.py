"""Files of weights: which tensors are in them, by name, with their sizes and the types of their numbers.

A format is a file of this folder (`_checkpoint.py` has the contract), found by looking. Files come from anywhere:
nothing in them is run, every size that they state is looked at before it is believed, and numbers of tensors are never
read, so that a file of many gigabytes takes as long as a small one.

    safetensors, sharded                 headers in JSON
    torch_zip, torch_legacy              what torch.save writes, by `_pickles` and `_torch_objects`
    arrays                               .npy and .npz
    onnx_initializers, listing           ONNX; a JSON file of sizes by names
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any

from planner.checkpoints._checkpoint import Checkpoint, Refusing, SavedTensor, Section

__all__ = ["Checkpoint", "SavedTensor", "Section", "read"]

HEAD = 512
"""First bytes of a file by which its format is known."""
OTHERS = {
    b"\x89HDF\r\n\x1a\n": ("is a file of HDF5", "save the weights as safetensors, or by `numpy.savez`"),
    b"GGUF": ("is a file of GGUF", "name the checkpoint that it was made from"),
    b"\x1f\x8b": ("is compressed by gzip", "unpack it, as by `gunzip`"),
    b"version https://git-lfs": ("is the pointer of Git LFS to a file", "`git lfs pull` brings the file itself"),
    b"<!DOCTYPE html": ("is a web page", "download the file anew; the page says why it was not given"),
    b"<html": ("is a web page", "download the file anew; the page says why it was not given"),
}
"""Formats that are not read, by their first bytes."""
TFLITE = b"TFL3"
"""What stands behind the first four bytes of a file of TensorFlow Lite."""
_FORMS = "name a file of safetensors, torch.save, NumPy or ONNX, or a JSON file of sizes by names"


def read(path: str | PathLike[str]) -> Checkpoint:
    """What stands in a file of weights. Raises UnreadableCheckpoint, or UnsafePickle."""
    path = Path(path)
    refusing = Refusing(str(path))
    if "\0" in str(path):
        raise refusing.broken("is no path", "a path has no zero bytes")
    try:
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "is no ordinary file" if path.exists() else "is not there"
            raise refusing.broken(what, _FORMS if path.exists() else "check the path")
        with path.open("rb") as file:
            head = file.read(HEAD)
        if not head:
            raise refusing.broken("is empty")
        if head[4:8] == TFLITE:
            raise refusing.broken("is a file of TensorFlow Lite, which is not read", OTHERS[b"GGUF"][1])
        for start, (what, help) in OTHERS.items():
            if head.startswith(start):
                raise refusing.broken(f"{what}, which is not read", help)
        for reader in _readers():
            if reader.recognises(path, head):
                found: Checkpoint = reader.read(path)
                return found
    except OSError as error:
        raise refusing.broken("cannot be read", (error.strerror or "check the path").lower()) from None
    raise refusing.broken("is of a format that is not read", _FORMS)


@cache
def _readers() -> list[Any]:
    """The readers, in the order in which they are asked: by `ORDER`, 0 where they do not state it."""
    names = sorted(each.stem for each in Path(__file__).parent.glob("[!_]*.py"))
    return sorted((import_module(f"{__name__}.{name}") for name in names), key=lambda each: getattr(each, "ORDER", 0))
