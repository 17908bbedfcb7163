"""JSON files of sizes by names, as `{"conv1.weight": [64, 3, 7, 7]}`, which are written in one line of Python."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from planner.checkpoints._checkpoint import BITS, Checkpoint, Refusing, SavedTensor, Section, cut
from planner.checkpoints._json import parsed

ORDER = 1
MOST_BYTES = 64 << 20
DEEPEST = 4
"""Mappings around the one that holds the sizes."""
_FORM = '`{"conv1.weight": [64, 3, 7, 7]}`, or `{"conv1.weight": {"shape": [64, 3, 7, 7], "dtype": "float32"}}`'


def recognises(path: Path, head: bytes) -> bool:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def read(path: Path) -> Checkpoint:
    refusing = Refusing(str(path))
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise refusing.broken(f"has more than {MOST_BYTES >> 20} MB", "no list of sizes needs that")
    found = parsed(data.removeprefix(b"\xef\xbb\xbf"), refusing, "it")
    parts = [each for each in _parts(refusing, found, ()) if each.tensors]
    if not parts:
        raise refusing.broken("holds no sizes by names", f"write it as {_FORM}")
    return Checkpoint(str(path), "JSON", tuple(parts), in_order=True)


def _parts(refusing: Refusing, found: dict[str, Any], key: tuple[str, ...]) -> Iterator[Section]:
    """The sizes that stand in a mapping, and then those that stand in the mappings in it."""
    tensors, others = [], []
    for name, about in found.items():
        if _is_sizes(about) or (isinstance(about, dict) and _is_sizes(about.get("shape"))):
            tensors.append(_tensor(refusing, refusing.name(name), about))
        elif not isinstance(about, dict):
            others.append(name)
    refusing.too_many(len(tensors))
    yield Section(key, tuple(tensors), tuple(others))
    if len(key) < DEEPEST:
        for name, about in found.items():
            if isinstance(about, dict) and not _is_sizes(about.get("shape")):
                yield from _parts(refusing, about, (*key, name))


def _is_sizes(about: Any) -> bool:
    return isinstance(about, list) and all(isinstance(each, int) and not isinstance(each, bool) for each in about)


def _tensor(refusing: Refusing, name: str, about: Any) -> SavedTensor:
    if isinstance(about, list):
        return SavedTensor(name, refusing.sizes(about, name))
    dtype = str(about.get("dtype", "")).removeprefix("torch.")
    if dtype and dtype not in BITS:
        raise refusing.broken(f"has numbers of a type that is not known: `{cut(name)}` is {cut(dtype)}", _FORM)
    return SavedTensor(name, refusing.sizes(about["shape"], name), dtype)
