"""Storages as pickles name them: by persistent ids, which are tuples."""

from __future__ import annotations

from planner.checkpoints._checkpoint import LARGEST, LONGEST_NAME, Refusing
from planner.checkpoints._torch_objects import PickledName, PickledStorage


def storage_of(id: object, refusing: Refusing) -> PickledStorage:
    """The storage that `("storage", torch.FloatStorage, "0", "cpu", 64)` is; a sixth says which part of another one."""
    match id:
        case ("storage", PickledName() as kind, str() as key, str(), int() as count, *part) if kind.storage is not None:
            plain = type(id) is tuple and not isinstance(count, bool) and len(part) <= 1
            if plain and 0 <= count <= LARGEST and len(key) <= LONGEST_NAME:
                return PickledStorage(kind.storage, key, count, _part(part, count, refusing))
    raise refusing.broken("is broken: a persistent id in it is none that torch.save writes")


def _part(part: list[object], count: int, refusing: Refusing) -> tuple[int, int] | None:
    """The place and the length of a storage that is a part of another one."""
    match part:
        case [] | [None]:
            return None
        case [(str(), int() as offset, int() as length)] if offset >= 0 and length >= 0 and offset + length <= count:
            return offset, length
    raise refusing.broken("is broken: a persistent id in it names a part of a storage that is not there")
