"""Names in sight: what the names in a list of layers stand for, while the list is gone through from top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from planner.diagnostics import Path

ALL = ".*"
"""What stands after the name of a repeated entry where all of its copies are meant."""
ANY = "*"
"""What stands before the name of inputs of which there may be any number."""
HandedT = TypeVar("HandedT")
"""What an entry hands on: the tensors of a Model, or of a class that is written."""


@dataclass(slots=True, kw_only=True)
class Sight(Generic[HandedT]):
    """What is in sight of the next entry of a list of layers.

    inputs  the names of what goes into the list
    names   what each name stands for
    above   what the entry above hands on, which is read where an entry has no `from`
    given   the names that entries of the list have given so far, and where
    several the names that stand for several: `stage.*` for all copies of `stage`, `*rest` for the inputs of that name
    """

    inputs: tuple[str, ...]
    names: dict[str, HandedT]
    above: HandedT
    given: dict[str, Path] = field(default_factory=dict)
    several: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def hand_on(self, name: str, handed: HandedT) -> None:
        """Record what a layer or a copy hands on: the next layer reads that, and the name stands for it."""
        self.names[name] = self.above = handed

    def repeated(self, base: str, handed: HandedT, copies: int | None) -> None:
        """Record that a layer has all of its copies: its name without a number stands for the last of them. `copies`
        is None for a layer that is not repeated.
        """
        self.names[base] = handed
        if copies is not None:
            self.several[base + ALL] = tuple(f"{base}.{i}" for i in range(copies))

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
        """The names that a name in a `from` stands for: one, or several for `stage.*`, `stage.*.1` and `*rest`."""
        if name in self.names:
            return (name,)
        base, output = parted(name)
        return tuple(f"{each}{output}" for each in self.several[base]) if base in self.several else (name,)

    def find(self, name: str) -> tuple[HandedT | None, str | None]:
        """What a name stands for; for `split.1` what `split` stands for, with the number of the output after it."""
        if name in self.names:
            return self.names[name], None
        base, _, number = name.rpartition(".")
        return self.names.get(base), number


def stands_for_several(name: str) -> bool:
    """Whether a name in a `from` may stand for several tensors."""
    return parted(name)[0].endswith(ALL) or name.startswith(ANY)


def parted(name: str) -> tuple[str, str]:
    """`stage.*` and `.1` for `stage.*.1`, that output of all copies; every other name stays whole."""
    base, dot, output = name.rpartition(".")
    return (base, dot + output) if base.endswith(ALL) else (name, "")


def named(inputs: Sequence[str], handed: Sequence[HandedT]) -> dict[str, HandedT]:
    """The names of what goes into a list. A single input can also be called `input`; those of `*rest` are called
    `rest.0`, `rest.1` and so on.
    """
    names: dict[str, HandedT] = {}
    for i, each in enumerate(inputs):
        if each.startswith(ANY):
            names |= {f"{each.removeprefix(ANY)}.{k}": found for k, found in enumerate(handed[i:])}
        elif i < len(handed):
            names[each] = handed[i]
    if len(names) == 1 and not any(each.startswith(ANY) for each in inputs):
        names.setdefault("input", handed[0])
    return names


def hides_any(inputs: Sequence[str]) -> bool:
    """Whether an input has the name of one of those of `*rest`, which are called `rest.0`, `rest.1` and so on."""
    *first, last = inputs
    bases = [base for base, _, number in (each.rpartition(".") for each in first) if number.isdecimal()]
    return last.startswith(ANY) and last.removeprefix(ANY) in bases


def spread(inputs: Sequence[str], count: int) -> dict[str, tuple[str, ...]]:
    """The names that `*rest` stands for in a list with this number of input tensors."""
    return {
        each: tuple(f"{each.removeprefix(ANY)}.{k}" for k in range(count - i))
        for i, each in enumerate(inputs)
        if each.startswith(ANY)
    }


def plain(inputs: Sequence[str]) -> tuple[str, ...]:
    """The names of inputs, without what stands before those of any number."""
    return tuple(each.removeprefix(ANY) for each in inputs)
