"""What is written at a place of a text, and where it stands in the file."""

from __future__ import annotations

from dataclasses import dataclass

from planner.diagnostics import Path
from planner.server.document import is_entry
from planner.source.outline import OutlineNode


@dataclass(frozen=True, slots=True)
class Spot:
    """A key or a value under the cursor.

    path    of the value; a key has the path of its value
    node    the key or the value
    holder  the list or mapping that it stands in; itself where it is the whole file
    at_key  whether it is a key
    """

    path: Path
    node: OutlineNode
    holder: OutlineNode
    at_key: bool = False

    @property
    def entry(self) -> Path | None:
        """The innermost entry of a list of layers that it is in."""
        return next((self.path[:end] for end in range(len(self.path), 0, -1) if is_entry(self.path[:end])), None)

    @property
    def key(self) -> str:
        """The key of an entry, block or file that it belongs to: `from` for an item of `from`."""
        below = len(self.entry) if self.entry else 2 if self.path[:1] == ("blocks",) else 0
        return str(self.path[below]) if len(self.path) > below else ""

    @property
    def block(self) -> Path:
        """The block that it is in; () for the model itself."""
        return self.path[:2] if self.path[:1] == ("blocks",) and len(self.path) > 1 else ()


def spot_at(root: OutlineNode, offset: int) -> Spot:
    """The innermost key or value that a cursor at an offset touches."""
    spot = Spot((), root, root)
    while (inner := _inside(spot, offset)) is not None:
        if inner.at_key:
            return inner
        spot = inner
    return spot


def _inside(spot: Spot, offset: int) -> Spot | None:
    here = spot.node
    if here.kind == "mapping":
        for key, item in zip(here.keys, here.items, strict=True):
            path = (*spot.path, key.value)
            if key.start <= offset <= key.end:
                return Spot(path, key, here, at_key=True)
            if key.end < offset <= item.end:  # behind the colon, too
                return Spot(path, item, here)
    elif here.kind == "list":
        for i, item in enumerate(here.items):
            if item.start <= offset <= item.end:
                return Spot((*spot.path, i), item, here)
    return None
