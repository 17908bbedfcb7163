"""The content of a copy of a list: its tensors and its entries, written in the names in sight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, NamedTuple

from planner.arithmetic import has_arithmetic
from planner.classes.algebra import choice, substituted
from planner.classes.arithmetic import of_value, value
from planner.classes.expressions import NOTHING, ONE, Expr, UnusableError, const, lost, name, same
from planner.format import Block, Entry
from planner.geometry import Shape
from planner.layers._call import Call
from planner.layers._layer import axis_name
from planner.model import Group
from planner.plan import Step
from planner.sight import named

INDEX = "index"
"""What the number of a repetition is called."""
CARRIED = "channels"
"""The variable for a number of channels that is carried along repetitions."""
Value = tuple[int, int, int]
"""A tensor within a list: the number of the entry that hands it on, which of its repetitions (−1: the last), and the
number of the output. Entry −1 stands for the inputs.
"""


class SymbolicTensor(NamedTuple):
    """A tensor of one copy, with its channels as they are written there.

    origin  the names on which its spatial size depends; `#0` stands for the spatial size of the first input
    """

    value: Value
    shape: Shape
    channels: Expr
    origin: frozenset[str] = NOTHING


class Calling(NamedTuple):
    """One call of PyTorch with its arguments as expressions; `padded_same` is what TensorFlow's padding holds."""

    call: Call
    args: tuple[tuple[str, Expr], ...]
    padded_same: str | None = None
    centred: bool = False

    @property
    def target(self) -> str:
        return self.call.target

    @property
    def is_module(self) -> bool:
        return self.call.is_module

    @property
    def needed(self) -> int:
        """How many arguments are given without their names: those that PyTorch needs, while they stand in its order."""
        return sum(1 for _ in takewhile(lambda each: each[0] in self.call.positional, self.args))

    def substituted(self, by: Mapping[str, Expr]) -> Calling:
        """The call with other expressions for names."""
        return self._replace(args=tuple([(arg, substituted(expr, by)) for arg, expr in self.args]))


@dataclass(eq=False, slots=True)
class Use:
    """One entry in one copy, and in one of its repetitions: a layer with its calls, or a copy of another list with its
    arguments.
    """

    member: Step | Group
    inputs: tuple[SymbolicTensor, ...]
    outputs: tuple[SymbolicTensor, ...]
    calls: tuple[Calling, ...] = ()
    inner: Copy | None = None
    args: Mapping[str, Expr] = field(default_factory=dict)
    type: Expr | None = None
    """The arithmetic that says the type."""
    name: str = ""
    index: int = 0
    assumed: frozenset[str] = NOTHING
    """The names for whose values alone the calls have this form."""
    last: bool = True
    """Whether the use is the last repetition."""
    again: tuple[int, int] | None = None
    """The number of the entry whose module is called again, and which of its repetitions."""

    @property
    def step(self) -> Step | None:
        return self.member if isinstance(self.member, Step) else None

    @property
    def feeds(self) -> int:
        """How many of the inputs of a repetition are what the one before it hands on."""
        return min(self.member.feeds if isinstance(self.member, Group) else 1, len(self.inputs))


@dataclass(eq=False, slots=True)
class Copy:
    """One copy of a list.

    values    what the names in sight come to
    by        what is written for a parameter of the file, where that is not the parameter's own name, and for a size of
              an input
    uses      for each entry, its uses: none where the entry is left out, one, or one for each repetition
    sources   for each entry, which tensors it reads
    revalued  parameters that have another value in PyTorch: `groups: depthwise` is a number of groups
    assumed   the names for whose values alone the copy is wired like this
    worlds    what the names in sight come to where the model's parameters have other values
    in_place  whether it is written inside of another list's module
    """

    block: Block
    values: dict[str, Any]
    by: Mapping[str, Expr]
    inputs: tuple[SymbolicTensor, ...]
    uses: list[list[Use]] = field(default_factory=list)
    sources: list[tuple[Value, ...]] = field(default_factory=list)
    outputs: tuple[SymbolicTensor, ...] = ()
    revalued: dict[str, tuple[Any, Expr]] = field(default_factory=dict)
    assumed: set[str] = field(default_factory=set)
    worlds: list[dict[str, Any]] = field(default_factory=list)
    in_place: bool = False


def sizes_of(block: Block, inputs: Sequence[SymbolicTensor]) -> dict[str, Expr]:
    """What stands for the sizes that a list reads of its inputs; spatial ones have no names in a class, and are the
    numbers at the size that is planned.
    """
    found = {}
    for own, tensor in named(block.inputs, inputs).items() if block.sizes else ():
        numbers = {axis_name(i, len(tensor.shape.spatial)): const(n) for i, n in enumerate(tensor.shape.spatial)}
        for axis, number in {"channels": tensor.channels, **numbers}.items():
            if f"{own}.{axis}" in block.sizes:
                found[f"{own}.{axis}"] = number if axis == "channels" else number.assuming(tensor.origin)
    return found


def valued(tensors: tuple[SymbolicTensor, ...], number: int, index: int) -> tuple[SymbolicTensor, ...]:
    """The tensors as those that an entry hands on."""
    return tuple(
        [SymbolicTensor((number, index, i), each.shape, each.channels, each.origin) for i, each in enumerate(tensors)]
    )


def within(tensor: SymbolicTensor) -> SymbolicTensor:
    """A tensor as it is written within repetitions, where the number of those around them has no name."""
    if INDEX in tensor.channels.names:
        tensor = tensor._replace(channels=lost(tensor.shape.channels, tensor.channels))
    return tensor


BEFORE = Expr("-", (name(INDEX), ONE))
"""The number of the repetition before."""


def at_index(tensor: SymbolicTensor, index: Expr) -> SymbolicTensor:
    """A tensor of one repetition, as it is written where the number of the repetition is `index`."""
    channels = tensor.channels
    if INDEX in channels.names or INDEX in channels.assumed:
        tensor = tensor._replace(channels=substituted(channels, {INDEX: index}))
    if INDEX in tensor.origin:
        tensor = tensor._replace(origin=tensor.origin - {INDEX} | index.names)
    return tensor


def chosen_by(condition: Expr, tensor: SymbolicTensor, sources: Sequence[SymbolicTensor]) -> SymbolicTensor:
    """What an entry with a condition hands on: the tensor, or else the source."""
    if not sources:
        return tensor
    (source,) = sources
    if tensor.shape.spatial != source.shape.spatial or tensor.origin != source.origin:
        tensor = tensor._replace(origin=tensor.origin | source.origin | condition.depends_on)
    if tensor.channels == source.channels:
        return tensor
    return tensor._replace(channels=choice(condition, tensor.channels, source.channels))


# What the file says, as a copy has it


def written_in(raw: Any, copy: Copy) -> Expr | None:
    """A value of the file that holds arithmetic, in the names in sight of a copy; None for a plain value."""
    if not has_arithmetic(raw):
        return None
    found = of_value(raw)
    return lost(0, *map(name, copy.values)) if found is None else substituted(found, copy.by)


def count_of(entry: Entry, copy: Copy) -> Expr | None:
    """The number of an entry's repetitions, where it is worked out."""
    return written_in(entry.repeat, copy)


def names_in(raw: Any, copy: Copy) -> frozenset[str]:
    """The names that a value of the file reads or takes for granted."""
    found = written_in(raw, copy)
    return found.depends_on if found is not None else NOTHING


def type_of(entry: Entry, copy: Copy) -> Expr | None:
    """The arithmetic that says an entry's type."""
    return written_in(entry.type, copy)


def argument_in(copy: Copy, values: Mapping[str, Any], raw: Any, expected: Any, *, fractional: bool = False) -> Expr:
    """A value of the file as it is written in this copy; the value that it has where Python would make another. One
    that may be `fractional` need not be an int where it is whole.
    """
    found = of_value(raw)
    if found is None:
        return const(expected, frozenset(values))
    found = substituted(found, copy.by) if copy.by else found
    try:
        known = value(found, values)
        if type(expected) is int and known == expected and _may_be_float(found, values):
            return found if fractional else Expr("int()", (found,))
        if same(known, expected) or (type(known) is int and type(expected) is float and known == expected):
            return found
    except UnusableError:
        pass
    return const(expected, found.depends_on)


def _may_be_float(expr: Expr, values: Mapping[str, Any]) -> bool:
    """Whether Python makes a float of an expression, with these values or others of the same types: of
    `max(64, 256 * scale)` where the whole number is larger too.
    """
    if expr.op == "name":
        return type(values.get(expr.args[0])) is float
    if expr.is_const:
        return type(expr.args[0]) is float
    parts = expr.parts[1:] if expr.op in ("if", "either") else expr.parts
    whole = expr.op.endswith("()") and expr.op not in ("min()", "max()")
    return expr.op == "/" or (not whole and any(_may_be_float(part, values) for part in parts))


def plain(found: Any) -> Any:
    """A value with tuples for lists, and plain numbers for those that remember where they came from."""
    if isinstance(found, list | tuple):
        return tuple(map(plain, found))
    return int(found) if type(found) not in (int, bool) and isinstance(found, int) else found
