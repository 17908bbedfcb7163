"""What `torch.save` wrote before version 1.6, and a plain pickle of arrays: pickles in a row and, behind them, numbers.

Source: https://github.com/pytorch/pytorch/blob/main/torch/serialization.py, `_legacy_save`
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from planner.checkpoints._checkpoint import BITS, Checkpoint, Refusing, cut
from planner.checkpoints._pickles import unpickled
from planner.checkpoints._sections import sections_of
from planner.checkpoints._storages import storage_of
from planner.checkpoints._torch_objects import PickledStorage

ORDER = 1
MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
ENDINGS = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle", ".tar")


def recognises(path: Path, head: bytes) -> bool:
    return head.startswith(b"\x80") or path.suffix in ENDINGS


def read(path: Path) -> Checkpoint:
    refusing = Refusing(str(path))
    with path.open("rb") as file:
        if file.read(262)[257:] == b"ustar":
            raise refusing.broken(
                "is a tar archive, as PyTorch wrote before version 0.1.10", "save it anew by `torch.save`"
            )
        file.seek(0)
        storages = _LegacyStorages(refusing)
        first = unpickled(file, refusing, storages)
        if first != MAGIC:
            return Checkpoint(str(path), "pickle", sections_of(first, refusing), in_order=True)
        if unpickled(file, refusing, storages) != VERSION:
            raise refusing.broken("is of a version of torch.save that is not known")
        unpickled(file, refusing, storages)  # about the machine
        root = unpickled(file, refusing, storages)
        storages.must_follow(file, unpickled(file, refusing, storages), path.stat().st_size)
    return Checkpoint(str(path), "torch.save before 1.6", sections_of(root, refusing), in_order=True)


class _LegacyStorages:
    """The storages that stand behind the pickles, by persistent ids."""

    def __init__(self, refusing: Refusing) -> None:
        self.refusing = refusing
        self.storages: dict[str, PickledStorage] = {}

    def __call__(self, id: object) -> PickledStorage:
        found = storage_of(id, self.refusing)
        known = self.storages.setdefault(found.key, found)
        if known[:3] != found[:3]:
            raise self.refusing.broken(f"is broken: it describes the storage `{cut(found.key)}` in two ways")
        return found if found.part is None else found._replace(length=found.part[1])

    def must_follow(self, file: BinaryIO, keys: object, end: int) -> None:
        """Refuse a file in which the storages that are used do not all stand behind the pickles."""
        if not isinstance(keys, list) or not all(isinstance(each, str) for each in keys):
            raise self.refusing.broken("is broken: its list of storages is not a list of names")
        if missing := sorted(self.storages.keys() - set(keys)):
            raise self.refusing.broken(f"is broken: the storage `{cut(missing[0])}` is not in it")
        used = [self.storages[each] for each in dict.fromkeys(keys) if each in self.storages]
        takes = sum(8 + each.length * BITS.get(each.dtype, 8) // 8 for each in used)
        if file.tell() + takes > end:
            there = end - file.tell()
            raise self.refusing.broken(f"ends too early: its tensors take {takes:,} bytes, and {there:,} are there")
