"""Names in sight: what the names in a list of layers stand for, while the list is gone through from top to bottom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from planner.diagnostics import Path

ALL = ".*"
"""What stands behind the name of a repeated entry where all of its copies are meant."""
HandedT = TypeVar("HandedT")
"""What an entry hands on: the tensors of a Model, or of a class that is written."""


@dataclass(slots=True, kw_only=True)
class Sight(Generic[HandedT]):
    """What is in sight of the next entry of a list of layers.

    inputs  the names of what goes into the list
    names   what each name stands for
    above   what the entry above hands on, which is read where an entry has no `from`
    given   the names that entries of the list have given so far, and where
    repeats how many copies each repeated entry has, by its name
    """

    inputs: tuple[str, ...]
    names: dict[str, HandedT]
    above: HandedT
    given: dict[str, Path] = field(default_factory=dict)
    repeats: dict[str, int] = field(default_factory=dict)

    def hand_on(self, name: str, handed: HandedT) -> None:
        """Record a layer or a copy: the next layer reads it, and its name stands for what it hands on."""
        self.names[name] = self.above = handed

    def repeated(self, base: str, handed: HandedT, copies: int | None) -> None:
        """Record that a layer has all of its copies: its name without a number stands for the last of them. `copies`
        is None for a layer that is not repeated.
        """
        self.names[base] = handed
        if copies is not None:
            self.repeats[base] = copies

    def leave_out(self, name: str | None, handed: HandedT) -> bool:
        """Record an entry without a copy, which hands on what it would read, unless another entry of its name stands in
        its place. Whether the entry was recorded.
        """
        if name is not None and name in self.given:
            return False
        self.above = handed
        if name is not None:
            self.names[name] = handed
        return True

    def meant(self, name: str) -> tuple[str, ...]:
        """The names that a name in a `from` stands for: for `stage.*` those of all copies of `stage`, else itself."""
        if not self.is_for_all(name):
            return (name,)
        base = name.removesuffix(ALL)
        return tuple(f"{base}.{i}" for i in range(self.repeats.get(base, 0)))

    def is_for_all(self, name: str) -> bool:
        """Whether a name stands for all copies of an entry."""
        return name.endswith(ALL) and name not in self.names

    def find(self, name: str) -> tuple[HandedT | None, str | None]:
        """What a name stands for; for `split.1` what `split` stands for, with the number of the output behind it."""
        if name in self.names:
            return self.names[name], None
        base, _, number = name.rpartition(".")
        return self.names.get(base), number


def named(inputs: Iterable[str], handed: Sequence[HandedT]) -> dict[str, HandedT]:
    """The names of what goes into a list; a single input can also be called `input`."""
    names = dict(zip(inputs, handed, strict=False))
    if len(names) == 1:
        names.setdefault("input", handed[0])
    return names
