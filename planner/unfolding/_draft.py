"""The Model while it is being made, and where in the file its parts come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import isfinite
from typing import Any, NamedTuple

from planner.arithmetic import Expression
from planner.diagnostics import Diagnostic, Fault, Path
from planner.faults.bad_arithmetic import BadArithmetic
from planner.format import UNKNOWN, Block, Entry, Values, expressions
from planner.guesses import NONE, Slips
from planner.layers._layer import Layer
from planner.model import Group, Instance, LeftOut, Mention, Ref, SizeOf
from planner.sight import Sight
from planner.source import Source


@dataclass(eq=False)
class Draft:
    """A Model that is being made, with the faults so far.

    blocks      the blocks that the file's own layers may call, by name; None for what cannot be read
    full_names  the names of all steps
    slips       what was guessed of the file as a whole
    lacks_library  whether a library that is used is not there, so that any unknown type may be a block of it
    """

    source: Source
    types: Mapping[str, type[Layer]]
    params: Values = field(default_factory=dict)
    blocks: Mapping[str, Block | None] = field(default_factory=dict)
    instances: list[Instance] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    numbered: list[Mention] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    full_names: set[str] = field(default_factory=set)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    slips: Slips = NONE
    lacks_library: bool = False
    _reported: set[tuple[object, Path, str]] = field(default_factory=set)

    def report(self, fault: Fault, path: Path = (), calls: tuple[Path, ...] = (), step: str | None = None) -> None:
        """Collect a fault, once for each place, however many copies meet the fault."""
        found = Diagnostic.of(fault, path, calls=calls, step=step)
        key = (found.kind, found.path, found.message)
        if key not in self._reported:
            self._reported.add(key)
            self.diagnostics.append(found)

    def evaluated(self, value: Any, values: Values, path: Path, calls: tuple[Path, ...] = ()) -> Any:
        """A parameter's value with its expressions evaluated; its likely meaning, or UNKNOWN, after a fault."""
        try:
            entry = Entry(path, "", args={"value": value}, computed=tuple(expressions({"value": value}, ())))
        except Fault as fault:
            fault.key = fault.key[1:]
            self.report(fault, path, self.told(calls))
            return UNKNOWN
        found = entry.arguments(values)
        for wrong in found.faults:
            wrong.key = wrong.key[1:]
            self.report(wrong, path, self.told(calls))
        self.slips |= Slips(tuple(found.said), any=bool(found.faults))
        return UNKNOWN if found.lost else found.values["value"]

    def told(self, calls: tuple[Path, ...]) -> tuple[Path, ...]:
        """The calls that are told with what is wrong in a block whoever calls it: those of a file of another format,
        which has nothing but calls.
        """
        return calls if self.source.format else ()

    def clear(self) -> None:
        """Discard what was made so far, since nothing of the model can be planned."""
        self.instances.clear()
        self.groups.clear()
        self.numbered.clear()
        self.left_out.clear()


@dataclass(slots=True)
class Handed:
    """The tensors that an entry hands on, which its name stands for. A layer's own outputs are known only to the plan.

    names   what the tensors are called inside, where they are the outputs of a block
    copies  how many copies the entry has; None where it is not repeated
    slips   what was guessed to find the tensors
    """

    refs: tuple[Ref, ...]
    is_layer: bool = False
    names: tuple[str, ...] = ()
    copies: int | None = None
    slips: Slips = NONE


@dataclass(slots=True)
class Placed:
    """A copy of an entry in the model.

    name    the copy's own name
    base    the name of the entry, which its copies have in common; None where each has a name of its own
    index   the number of the copy
    copies  how many copies the entry has; None where it is not repeated
    first   its first instance
    groups  how many groups there were before it
    last    the instance behind its last one
    group   its own group, where it is a list of layers
    """

    name: str
    base: str | None
    index: int
    copies: int | None
    first: int
    groups: int
    last: int = 0
    group: Group | None = None


class Standing(NamedTuple):
    """What the value of a name stands on: sizes of tensors, which are others where the model's input is.

    reads    the sizes
    at       the value for such sizes; raises the fault of arithmetic that has none there
    numbers  the numbers that stand beside the sizes in the arithmetic
    spatial  a size among them that is not a number of channels, as `input.height`; nothing where there is none
    """

    reads: tuple[SizeOf, ...]
    at: Callable[[Mapping[SizeOf, int]], Any]
    numbers: frozenset[int] = frozenset()
    spatial: str = ""


Standings = Mapping[str, Standing]
"""What values stand on, by their names; a name that is not there has the same value at every input."""


def together(
    standing: Standings, expressions: Iterable[Expression], values: Values, at: Callable[[Mapping[SizeOf, int]], Any]
) -> Standing:
    """What a value stands on that expressions work out from others."""
    found = list(standing.values())
    reads = dict.fromkeys(size for each in found for size in each.reads)
    own = [each for each in expressions if not each.names.isdisjoint(standing)]
    beside = (
        value for each in own for name in each.names if name not in standing for value in _whole(values.get(name))
    )
    numbers = frozenset[int]().union(beside, *(each.numbers for each in found), *(each.numbers for each in own))
    return Standing(tuple(reads), at, numbers, next((each.spatial for each in found if each.spatial), ""))


def _whole(value: Any) -> Iterator[int]:
    """The whole numbers in a value; of a fraction, both of its numbers."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _whole(each)
    elif isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        yield from Fraction(repr(value)).as_integer_ratio()


def elsewhere(values: Values, standing: Standings, sizes: Mapping[SizeOf, int]) -> Values:
    """The values of parameters for other sizes of tensors."""
    return {**values, **{name: each.at(sizes) for name, each in standing.items() if name in values}}


@dataclass(slots=True, kw_only=True)
class Scope(Sight[Handed]):
    """A list of layers being unfolded: the names in sight, and the list's place in the model.

    blocks  the blocks that its layers may call, by name
    called  the names of the blocks that led here, each called by the one before
    outer   the list that called the block, or has it in place
    standing  which of the values stand on sizes of tensors
    """

    values: Values
    standing: Standings = field(default_factory=dict)
    blocks: Mapping[str, Block | None]
    prefix: str = ""
    group: Group | None = None
    calls: tuple[Path, ...] = ()
    called: tuple[str, ...] = ()
    outer: Scope | None = None
    allow: frozenset[str] = frozenset()
    placed: dict[str, Placed] = field(default_factory=dict)
    """The copies that are there, by name."""
    counts: dict[str, int] = field(default_factory=dict)
    """How many numbers each type has used up for layers without a name."""
    slips: Slips = NONE
    """What was guessed of the calls that led here."""

    def named(self, kind: str, entry: Entry) -> Mapping[str, Block | None]:
        """The blocks among which that of an entry's type is to be found: a type that came as an argument may be a block
        that only a caller knows.
        """
        if kind not in self.blocks and self.outer is not None and isinstance(entry.type, Expression):
            return self.outer.named(kind, entry)
        return self.blocks


class Stop(Exception):
    """The file asks for more than is unfolded; the diagnostics already say why."""


class ToldElsewhere(Exception):
    """A fault that is told where it was made, in the block, and not at this call."""


def value_of(value: Any, key: str, values: Values, standing: Standings) -> Any:
    """The value of a key of an entry, which decides which layers there are: it may not stand on a spatial size. Raises
    ToldElsewhere where the value depends on a faulty parameter.
    """
    if not isinstance(value, Expression):
        return value
    must_be_settled(value, key, standing)
    if any(values.get(name) is UNKNOWN for name in value.names):
        raise ToldElsewhere
    try:
        return value.evaluate(values)
    except Fault as fault:
        fault.key = (key,)
        raise


def must_be_settled(value: Expression, key: str, standing: Standings) -> None:
    """Refuse the value of a key that decides which layers there are, where it is another at other inputs."""
    for name, at in value.reads.items():
        if name in standing and standing[name].spatial:
            fault = BadArithmetic.unsettled(name, standing[name].spatial, key, value.text, at)
            fault.key = (key,)
            raise fault


def known_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters, with None for those that are faulty."""
    return {name: None if value is UNKNOWN else value for name, value in values.items()}
