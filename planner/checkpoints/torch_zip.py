"""What `torch.save` writes: a zip archive with a pickle and, beside it, a member for each storage.

Source: https://docs.pytorch.org/docs/stable/notes/serialization.html
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipInfo

from planner.archives import MEGABYTE
from planner.checkpoints._checkpoint import BITS, Checkpoint, Refusing, cut
from planner.checkpoints._pickles import unpickled
from planner.checkpoints._sections import sections_of
from planner.checkpoints._storages import storage_of
from planner.checkpoints._torch_objects import PickledStorage
from planner.checkpoints._zips import must_be_there, opened, whole

MOST_BYTES = 128 * MEGABYTE
OTHERS = {
    "constants.pkl": (
        "is a scripted module",
        "save its weights: `torch.save(torch.jit.load(…).state_dict(), 'net.pt')`",
    ),
    "models/model.json": (
        "is a program of torch.export",
        "save its weights: `torch.save(program.state_dict, 'net.pt')`",
    ),
    "model.weights.h5": ("is a model of Keras, whose weights are in HDF5", "save them by `numpy.savez`"),
}
"""Archives of other kinds, by a member that they have."""


def recognises(path: Path, head: bytes) -> bool:
    return head.startswith(b"PK") and path.suffix != ".npz"


def read(path: Path) -> Checkpoint:
    refusing = Refusing(str(path))
    with opened(path, refusing) as archive:
        members = {each.filename: each for each in archive.infolist()}
        inner = {name.partition("/")[2]: each for name, each in members.items()} | members
        for name, (what, help) in OTHERS.items():
            if name in inner:
                raise refusing.broken(f"{what}, of which no weights are read", help)
        member = inner.get("data.pkl")
        if member is None:
            raise refusing.broken(
                "is a zip archive in which torch.save has put nothing", "name the file with the weights"
            )
        folder = member.filename.removesuffix("data.pkl")
        data = whole(archive, member, refusing, MOST_BYTES)
        storages = _ZippedStorages(path, members, folder, refusing)
        root = unpickled(io.BytesIO(data), refusing, storages)
        for each in storages.used.values():
            must_be_there(path, each, refusing)
    return Checkpoint(str(path), "torch.save", sections_of(root, refusing), in_order=True)


class _ZippedStorages:
    """The storages of an archive, by persistent ids."""

    def __init__(self, path: Path, members: Mapping[str, ZipInfo], folder: str, refusing: Refusing) -> None:
        self.path = path
        self.members = members
        self.folder = folder
        self.refusing = refusing
        self.used: dict[str, ZipInfo] = {}

    def __call__(self, id: object) -> PickledStorage:
        found = storage_of(id, self.refusing)
        member = self.members.get(f"{self.folder}data/{found.key}")
        if member is None:
            if not found.length:
                return found
            raise self.refusing.broken(f"is broken: the storage `{cut(found.key)}` is not in it")
        bits = BITS.get(found.dtype, 8)
        if member.file_size * 8 < found.length * bits:
            said = f"{member.file_size:,} bytes for {found.length:,} numbers"
            raise self.refusing.broken(f"is broken: the storage `{cut(found.key)}` has {said}")
        self.used[found.key] = member
        return found
