"""Entries of lists of layers with their expressions compiled, and the blocks that hold these lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from planner.arithmetic import Expression, Template, is_expression, parse_expression
from planner.diagnostics import Fault, Path

Values = Mapping[str, Any]
"""Parameters in sight, by name."""


@dataclass(slots=True, eq=False)
class Entry:
    """One entry of a list of layers with its expressions compiled. `computed` are the places of expressions within
    `args`.
    """

    path: Path
    type: str | Expression
    name: str | Template | None = None
    sources: tuple[str, ...] | None = None
    repeat: int | Expression | None = None
    when: bool | Expression | None = None
    share: str | None = None
    tie: Mapping[str, str] = field(default_factory=dict)
    allow: frozenset[str] = frozenset()
    args: dict[str, Any] = field(default_factory=dict)
    computed: tuple[tuple[Path, Expression], ...] = ()
    reads: tuple[str, ...] = ()
    inner: Block | None = None
    lost: frozenset[str] = frozenset()
    """Keys whose values are wrong, which was told; what they mean is open."""
    said: tuple[str, ...] = ()
    """What was mended for the entry to be read, in words."""
    resolved: dict[Any, Any] = field(default_factory=dict)
    """What the entry came to for each combination of the parameters it reads."""

    @property
    def sound(self) -> bool:
        return not (self.lost or self.said)

    @property
    def template(self) -> Template | None:
        """The name, where it has arithmetic in it."""
        return self.name if isinstance(self.name, Template) else None

    @property
    def plain_name(self) -> str | None:
        """The name, where it has no arithmetic in it."""
        return self.name if isinstance(self.name, str) else None

    @property
    def repeats(self) -> bool:
        return self.repeat is not None

    @property
    def borrows(self) -> bool:
        """Whether it has weights of another entry."""
        return self.share is not None or bool(self.tie)

    @property
    def worked_out(self) -> dict[str, Any]:
        """The arguments with arithmetic in them, as they are written."""
        return {str(path[0]): self.args[str(path[0])] for path, _ in self.computed}

    def read_by(self, argument: str) -> frozenset[str]:
        """The names that the arithmetic of an argument reads."""
        return frozenset[str]().union(*(each.names for path, each in self.computed if path[0] == argument))

    def reads_spatial(self, argument: str) -> bool:
        """Whether the arithmetic of an argument reads a size that is no number of channels."""
        return any(map(is_spatial, self.read_by(argument)))

    def arguments(self, values: Values) -> Arguments:
        """The arguments with every expression evaluated."""
        found = Arguments(self.args, lost=set(self.lost))
        if not self.computed:
            return found
        found.values = {key: _copied(value) for key, value in self.args.items()}
        for path, expression in self.computed:
            target: Any = found.values
            for part in path[:-1]:
                target = target[part]
            target[path[-1]] = found.evaluated(path, expression, values)
        return found


@dataclass(slots=True, eq=False)
class Block:
    """A list of layers as the file has it: the model's own, a named block's, or a block in place, which has an `owner`.

    path     of the list
    params   the parameters with their defaults, as they are written; None where the caller must give a value
    inputs   the names of its inputs; one for any number of them has a `*` before it
    outputs  what the list says that it hands on; empty where that is its last layer
    named    the blocks that its layers may call by name: those of the same file, and of the libraries that this uses
    sizes    the sizes that its arithmetic reads, as `input.channels`
    """

    path: Path
    name: str
    entries: tuple[Entry, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ("input",)
    outputs: tuple[str, ...] = ()
    named: Mapping[str, Block | None] = field(default_factory=dict)
    owner: Block | None = None
    sizes: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for entry in self.entries:
            if entry.inner is not None:
                entry.inner.owner = self
        read = (name for entry in self.entries for name in entry.reads if "." in name)
        self.sizes = frozenset([*read, *_sizes_in(self.params)])

    @property
    def in_sight(self) -> Mapping[str, Block | None]:
        """The blocks that its layers may call by name; None for one that cannot be read."""
        return self.owner.in_sight if self.owner is not None else self.named

    @property
    def spatial_defaults(self) -> set[str]:
        """The parameters whose defaults read a size that is no number of channels."""
        read = ((name, _sizes_in({name: default})) for name, default in self.params.items())
        return {name for name, sizes in read if any(map(is_spatial, sizes))}

    @property
    def takes_any(self) -> bool:
        """Whether its last input stands for any number of them."""
        return self.inputs[-1].startswith("*")

    @property
    def is_model(self) -> bool:
        return self.path == ("layers",)

    @property
    def nameless(self) -> bool:
        """Whether no layer has a name, so that they are named by position."""
        return all(entry.name is None and "name" not in entry.lost for entry in self.entries)


@dataclass(slots=True)
class Arguments:
    """The evaluated arguments of an entry, with what went wrong on the way.

    faults  what went wrong
    lost    the arguments that could not be worked out; the fault may have been told elsewhere
    said    what was mended, in words
    """

    values: dict[str, Any]
    faults: list[Fault] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)

    def evaluated(self, path: Path, expression: Expression, values: Values) -> Any:
        """The value of an expression at a place among the arguments; after a fault its likely meaning, or None."""
        if any(values.get(name) is UNKNOWN for name in expression.names):
            self.lost.add(str(path[0]))
            return None
        try:
            return expression.evaluate(values)
        except Fault as fault:
            fault.key = path
            self.faults.append(fault)
            meant = meaning(fault, values)
            if meant is None:
                self.lost.add(str(path[0]))
            else:
                self.said.append(f"`{fault.mends[0][0].value}` for `{expression.text}`")
            return meant


UNKNOWN = object()
"""The value of a parameter that something is wrong with, which was told."""


def meaning(fault: Fault, values: Values) -> Any:
    """The value of an expression with the first edit that its fault proposes; None if there is none or it fails."""
    try:
        edit = fault.mends[0][0] if fault.mends else None
        return parse_expression(str(edit.value)).evaluate(values) if edit and is_expression(edit.value) else None
    except Fault:
        return None


def with_dollar(text: object, names: Iterable[str]) -> str | None:
    """A text as arithmetic, with the `$` that its parameters lack; None where the text names no parameter."""
    known = "|".join(map(re.escape, names))
    if not isinstance(text, str) or is_expression(text) or len(text) > 200 or not known:
        return None
    marked = re.sub(rf"(?<![\w.])({known})(?!\w)", r"$\1", text)
    try:
        parse_expression(marked)
    except Fault:
        return None
    return marked if marked != text else None


def _copied(value: Any) -> Any:
    if isinstance(value, list):
        return [_copied(each) for each in value]
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    return value


def expressions(value: Any, path: Path) -> Iterator[tuple[Path, Expression]]:
    """Every expression within a value, with its place."""
    if is_expression(value):
        try:
            yield path, parse_expression(value)
        except Fault as fault:
            fault.key = path
            raise
    elif isinstance(value, list):
        for i, each in enumerate(value):
            yield from expressions(each, (*path, i))
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from expressions(each, (*path, key))


def _sizes_in(params: Mapping[str, Any]) -> Iterator[str]:
    """The sizes that defaults of parameters read; what is wrong in one is told where it is evaluated."""
    for default in params.values():
        try:
            yield from (size for _, expression in expressions(default, ()) for size in expression.sizes)
        except Fault:
            continue


def is_spatial(name: str) -> bool:
    """Whether a name in arithmetic is that of a size other than a number of channels."""
    return "." in name and not name.endswith(".channels")


def names_of(value: Any) -> tuple[str, ...]:
    """`from`, `inputs` or `outputs` as a tuple of names."""
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def allowed_of(value: Any) -> frozenset[str]:
    return frozenset((value,) if isinstance(value, str) else value or ())
