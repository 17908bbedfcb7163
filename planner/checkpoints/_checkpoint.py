"""The contract of the readers: what is known of a file of weights, and what no file of weights needs.

A reader is a file of this folder: `recognises(path, head)` says by a file's name and first bytes whether it is its own,
`read(path)` gives the Checkpoint, or raises a Fault. It reads no numbers of tensors.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from math import prod

from planner.faults.unreadable_checkpoint import UnreadableCheckpoint

Sizes = tuple[int, ...]

MOST_TENSORS = 500_000
"""Tensors of a file; the largest models have some ten thousand."""
MOST_AXES = 64
"""Axes of a tensor, which is as many as PyTorch has."""
LARGEST = (1 << 63) - 1
LONGEST_NAME = 1_000
"""Characters of a name."""
SAVE_ANEW = "save or download it anew"

BITS: Mapping[str, int] = {
    "float64": 64, "float32": 32, "float16": 16, "bfloat16": 16,
    "float8_e4m3fn": 8, "float8_e5m2": 8, "float8_e4m3fnuz": 8, "float8_e5m2fnuz": 8, "float8_e8m0fnu": 8,
    "float6_e2m3fn": 6, "float6_e3m2fn": 6, "float4_e2m1fn": 4,
    "int64": 64, "int32": 32, "int16": 16, "int8": 8, "uint64": 64, "uint32": 32, "uint16": 16, "uint8": 8, "bool": 8,
    "int4": 4, "uint4": 4, "int2": 2, "uint2": 2,
    "complex128": 128, "complex64": 64, "complex32": 32,
}  # fmt: skip
"""The bits that a number takes, by PyTorch's name for its type."""


@dataclass(frozen=True, slots=True)
class SavedTensor:
    """A tensor in a file of weights.

    dtype  the type of its numbers, as PyTorch calls it; "" where the file does not say it
    place  where its numbers lie in the file: two tensors of one place are one, stored under two names; None: not known
    """

    name: str
    sizes: Sizes
    dtype: str = ""
    place: Hashable = None

    @property
    def bits(self) -> int | None:
        """The bits that its numbers take; None where its type is none that is known."""
        return prod(self.sizes) * BITS[self.dtype] if self.dtype in BITS else None


@dataclass(frozen=True, slots=True)
class Section:
    """One mapping of names to tensors in a file: all of it or, as in most checkpoints, what stands there by a key.

    key     the keys that lead to it from the outside; () is the file itself
    others  the names of what is no tensor in it, and no mapping
    odd     tensors of a kind that no layer of a network has, by name: `a sparse tensor`
    """

    key: tuple[str, ...]
    tensors: tuple[SavedTensor, ...]
    others: tuple[str, ...] = ()
    odd: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return ".".join(self.key)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A file of weights: names, sizes and types of its tensors.

    format    what it is, in words
    sections  the mappings in it that hold tensors, outer ones first
    in_order  whether the tensors stand in the order that the network has them in; some formats sort them
    """

    file: str
    format: str
    sections: tuple[Section, ...]
    in_order: bool


class Refusing:
    """Makes the faults of one file."""

    def __init__(self, file: str) -> None:
        self.file = file

    def broken(self, what: str, help: str = SAVE_ANEW) -> UnreadableCheckpoint:
        return UnreadableCheckpoint(self.file, what, help)

    def sizes(self, value: object, name: str) -> Sizes:
        """A value as the sizes of a tensor."""
        if not isinstance(value, list | tuple) or len(value) > MOST_AXES:
            raise self.broken(f"is broken: the sizes of `{cut(name)}` are no list of at most {MOST_AXES} numbers")
        if not all(isinstance(each, int) and not isinstance(each, bool) and 0 <= each <= LARGEST for each in value):
            raise self.broken(f"is broken: the sizes of `{cut(name)}` are not whole numbers from 0 on")
        if prod(value) > LARGEST:
            raise self.broken(f"is broken: `{cut(name)}` has more numbers than any tensor can have")
        return tuple(value)

    def name(self, value: object) -> str:
        """A value as the name of a tensor."""
        if not isinstance(value, str) or len(value) > LONGEST_NAME:
            raise self.broken(f"is broken: a name in it is no text of at most {LONGEST_NAME:,} characters")
        return value

    def too_many(self, count: int) -> None:
        """Refuse more tensors than any network has."""
        if count > MOST_TENSORS:
            raise self.broken(f"holds {count:,} tensors", f"no network needs more than {MOST_TENSORS:,}")


def cut(name: str) -> str:
    """A name in a message."""
    from planner.faults._in_text import shown

    return shown(name, 100)
