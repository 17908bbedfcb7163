"""A list of layers as one class (`Unit`), and its entries as parts of that class (`Part`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from planner.classes.algebra import substituted
from planner.classes.choosing import UnsharedError
from planner.classes.expressions import NOTHING, Expr, const, text
from planner.classes.tensors import CARRIED, INDEX, Calling, Copy, Use, Value
from planner.format import Block


class Again(NamedTuple):
    """The part of the same list whose module another part calls again.

    entry  the number of its entry
    copy   which of its repetitions; None for all, one after the other
    boxed  whether that module stands for whatever is in there
    """

    entry: int
    copy: int | None
    boxed: bool = True


@dataclass(frozen=True, eq=False, slots=True)
class Part:
    """One entry of a list as a part of a class.

    uses     of the entry, each with the copy that has it: the repetitions of the first copy, of the next, …
    name     of the submodule: a text, an expression that makes one, or None for the next number
    calls    the calls of PyTorch, where it is a layer
    unit     the class that it constructs, with its arguments
    inside   the list that is written in place
    type     the parameter that says the class
    when     the condition on which it is there
    count    how often it is repeated
    carried  what the number of channels begins with, and what it becomes, where it is carried along the repetitions
    variable the name of that number
    wrapped  the repetitions stand in a container of their own, of this name
    nested   the container that has it, its number there, and how many there are
    again    the part whose module it calls; with repetitions that call the first of them, itself
    ties     its weights that are the same tensors as others, with the dotted names of these from the list
    assumes  the names for whose values alone it is right
    """

    values: tuple[Value, ...]
    uses: tuple[tuple[Copy, Use], ...]
    sources: tuple[Value, ...]
    name: str | Expr | None
    calls: tuple[Calling, ...] = ()
    unit: Unit | None = None
    args: Mapping[str, Expr] = field(default_factory=dict)
    inside: Unit | None = None
    type: Expr | None = None
    when: Expr | None = None
    count: Expr | None = None
    carried: tuple[Expr, Expr] | None = None
    variable: str = CARRIED
    wrapped: bool = False
    nested: tuple[str, int, int] | None = None
    again: Again | None = None
    ties: Mapping[str, str] = field(default_factory=dict)
    assumes: frozenset[str] = NOTHING

    @property
    def first(self) -> Use:
        """The first use of the entry."""
        return self.uses[0][1]

    @property
    def is_module(self) -> bool:
        """Whether the part is called as a module."""
        return not self.calls or self.calls[-1].is_module

    @property
    def is_constant(self) -> bool:
        """Whether the part is a tensor that is not trained."""
        return bool(self.calls) and self.calls[-1].call.is_constant

    @property
    def is_tensor(self) -> bool:
        """Whether the part is a tensor that the class has, trained or not."""
        return bool(self.calls) and self.calls[-1].call.is_tensor

    @property
    def unnamed(self) -> bool:
        """Whether the part has no name in a list that has names."""
        block = self.uses[0][0].block
        return (
            bool(self.calls)
            and not block.nameless
            and self.count is None
            and self.when is None
            and (block.entries[self.values[0][0]].name is None)
        )

    @property
    def stateful(self) -> bool:
        """Whether the state_dict holds something of the part."""
        facts = self.first.step.facts if self.first.step else None
        return self.constructed and (not self.calls or bool(facts and facts.has_state))

    @property
    def number(self) -> int:
        """The number of its entry."""
        return self.values[0][0]

    @property
    def constructed(self) -> bool:
        """Whether it has a module of its own."""
        return self.again is None or (self.loops and self.again.entry == self.number)

    @property
    def loops(self) -> bool:
        """Whether a forward pass calls one module as often as it has repetitions."""
        return self.again is not None and self.again.copy is not None and self.count is not None

    @property
    def iterates(self) -> bool:
        """Whether a forward pass calls its repetitions one by one, since they read more than the one before."""
        return self.count is not None and self.again is None and len(self.sources) > 1

    @property
    def plain(self) -> bool:
        """Whether a chain can have the part as it is: a module that is called with one tensor and returns one."""
        if self.inside is not None:
            return all(part.plain for part in self.inside.parts)
        if self.unit is not None:
            return len(self.sources) == len(self.values) == 1
        call = self.calls[-1].call
        simple = call.reads is None and not call.forward and call.returns == ((),)
        return simple and self.is_module and len(self.calls) == len(self.sources) == len(self.values) == 1

    @property
    def boxed(self) -> bool:
        """Whether a forward pass calls the part as a module of one input and one output, whatever is in there."""
        if self.again is not None:
            return self.is_module and self.again.boxed
        return self.is_module and ((self.count is not None and not self.iterates) or self.when is not None)

    def within(self) -> set[str]:
        """The names that are read where the part is constructed or called, in each of its repetitions."""
        exprs = [expr for call in self.calls for _, expr in call.args]
        exprs += [expr for param, expr in self.args.items() if self.unit is None or param not in self.unit.types]
        if isinstance(self.name, Expr):
            exprs.append(self.name)
        inner = (part.reads() for part in (self.inside.parts if self.inside else ()))
        return {each for expr in exprs for each in expr.names}.union(*inner)

    def assumed(self) -> set[str]:
        """The names whose values must stay as they are for the part to be right."""
        exprs = [expr for call in self.calls for _, expr in call.args]
        exprs += [*self.args.values(), *(self.carried or ())]
        exprs += [expr for expr in (self.when, self.count, self.type) if expr is not None]
        found = set(self.assumes).union(*(expr.assumed for expr in exprs))
        if self.inside is not None:
            found = found.union(self.inside.assumed, *(part.assumed() for part in self.inside.parts))
        return found

    @property
    def own_names(self) -> set[str]:
        """The names that the repetitions of the part make themselves."""
        if self.count is None:
            return set()
        return {INDEX} if self.carried is None else {INDEX, self.variable}

    @property
    def numbered(self) -> bool:
        """Whether the repetitions of the part read their number."""
        return self.count is not None and INDEX in self.within() | (self.carried[1].names if self.carried else set())

    def reads(self) -> set[str]:
        """The names that the part reads, but for those that its repetitions make themselves."""
        found = self.within() | (self.carried[1].names if self.carried is not None else set())
        found -= self.own_names
        for expr in (self.when, self.count, self.carried and self.carried[0]):
            found |= expr.names if expr is not None else set()
        return found

    def reads_of_file(self) -> set[str]:
        """The names of which the part reads the value of the file, even where PyTorch has another for an argument."""
        revalued = {each for copy in (self.unit.copies if self.unit else ()) for each in copy.revalued}
        exprs = [expr for call in self.calls for _, expr in call.args if expr.op != "name"]
        exprs += [expr for param, expr in self.args.items() if param not in revalued]
        exprs += [expr for expr in (self.when, self.count, self.type, *(self.carried or ())) if expr is not None]
        exprs += [self.name] if isinstance(self.name, Expr) else []
        inner = (part.reads_of_file() for part in (self.inside.parts if self.inside else ()))
        return {each for expr in exprs for each in expr.names}.union(*inner)

    def substituted(self, by: Mapping[str, Expr], *, own: bool = False) -> Part:
        """The part with other expressions for names; for those of its repetitions only if they are its `own`."""
        if not by:
            return self
        within = by if own else {name: expr for name, expr in by.items() if name not in self.own_names}
        start, end = self.carried or (None, None)
        if start is not None and not own:
            start = substituted(start, by)
        is_given = self.type is not None and self.type.op == "name" and self.type.args[0] in within
        inside = self.inside
        if inside is not None:
            inside = replace(inside, parts=tuple(part.substituted(within) for part in inside.parts))
        return replace(
            self,
            name=name_of(substituted(self.name, within)) if isinstance(self.name, Expr) else self.name,
            calls=tuple([call.substituted(within) for call in self.calls]),
            args={param: self._argument(param, substituted(expr, within)) for param, expr in self.args.items()},
            inside=inside,
            type=None if is_given else self.type,  # `calls` then name the class
            when=self.when and substituted(self.when, by),
            count=self.count and substituted(self.count, by),
            carried=(start, substituted(end, within)) if start and end else None,
        )

    def _argument(self, param: str, expr: Expr) -> Expr:
        """An argument of the class that the part constructs, where a class is written as such."""
        is_class = self.unit is not None and param in self.unit.types and expr.is_const
        return text(f"nn.{expr.args[0]}").assuming(expr.assumed) if is_class else expr

    def once(self) -> Part:
        """The part written without a loop, for a single repetition. Its condition is outside of the repetition."""
        by = {INDEX: const(0)} | ({self.variable: self.carried[0]} if self.carried else {})
        return replace(replace(self, count=None, carried=None).substituted(by), when=self.when)

    def types(self) -> Iterator[Expr]:
        """The expressions that are classes."""
        if self.type is not None:
            yield self.type
        for param, expr in self.args.items():
            if self.unit is not None and param in self.unit.types:
                yield expr
        if self.inside is not None:
            for part in self.inside.parts:
                yield from part.types()


@dataclass(frozen=True, eq=False)
class Unit:
    """A list of layers as one class, which stands for all of these copies.

    outputs the tensors that it hands on
    params  the arguments of its construction
    types   those of them that are classes
    by      arguments that are always the same as another one
    repeats its parts are the repetitions of one entry
    assumed the names for whose values alone it is right; `#0` stands for the spatial size of the first input
    firm    those of them that decide whether something is there that no copy has
    """

    block: Block
    copies: tuple[Copy, ...]
    outputs: tuple[Value, ...]
    parts: tuple[Part, ...]
    name: str = ""
    params: tuple[str, ...] = ()
    types: frozenset[str] = NOTHING
    by: Mapping[str, Expr] = field(default_factory=dict)
    repeats: bool = False
    assumed: frozenset[str] = NOTHING
    firm: frozenset[str] = NOTHING

    @property
    def copy(self) -> Copy:
        """The first of the copies."""
        return self.copies[0]

    @property
    def arity(self) -> int:
        """How many tensors go in, in the copy that takes most."""
        return max(len(copy.inputs) for copy in self.copies)

    @property
    def reachable(self) -> bool:
        """Whether each part has the same name in every copy, by which a forward pass can call it."""
        return are_reachable(self.block, self.parts)

    @property
    def numbered(self) -> bool:
        """Whether repetitions in the class read their number, so that nothing else there can have its name."""
        return any(part.numbered or (part.inside is not None and part.inside.numbered) for part in self.parts)

    @cached_property
    def mixed(self) -> frozenset[Value]:
        """The tensors whose axes have changed places, so that none of them is one of the input's."""
        found: set[Value] = set()
        for part in self.parts:
            inner = part.unit or part.inside
            if inner is not None:
                moves = not inner.mixed.isdisjoint(inner.outputs)
            else:
                facts = part.first.step.facts if part.first.step else None
                moves = facts is not None and any(link.onto is not None for links in facts.links for link in links)
            if moves or (part.sources and found >= set(part.sources)):
                found |= set(part.values)
        return frozenset(found)

    def expressions(self) -> Iterator[Expr]:
        """The expressions that the class computes for its parts, with the parts of these expressions."""
        for part in self.all_parts():
            for expr in (*part.args.values(), *(each for call in part.calls for _, each in call.args)):
                yield from expr.all_parts()

    def all_parts(self) -> Iterator[Part]:
        """The class's parts, and those of the lists that are written in place."""
        for part in self.parts:
            yield part
            if part.inside is not None:
                yield from part.inside.all_parts()


def are_reachable(block: Block, parts: Iterable[Part]) -> bool:
    """Whether each part of a list has the same name in every copy, by which a forward pass can call it."""
    return not any(
        (part.count is not None and not part.wrapped) or (part.when is not None and block.nameless) for part in parts
    )


def called_by(part: Part, parts: Iterable[Part]) -> Part:
    """The part of a list whose module a part calls: another one, or itself."""
    again = part.again
    if again is None or part.constructed:
        return part
    own = (each for each in parts if each.number == again.entry and each is not part)
    return next(each for each in own if each.count is not None or again.copy in (None, each.first.index))


def owned(parts: Iterable[Part]) -> Iterator[tuple[Part, Part, str]]:
    """The parts that have another one of the list within their module, as `norm` has `norm.scale`: the owner, the
    other, and the name under which the owner has it.
    """
    named = {part.name: part for part in parts if isinstance(part.name, str)}
    for name, part in named.items():
        owner = name
        pieces: list[str] = []
        while "." in owner and not (pieces and owner in named):
            owner, _, piece = owner.rpartition(".")
            pieces.append(piece)
        if pieces and owner in named:
            yield named[owner], part, pieces[-1]


def name_of(template: Expr) -> str | Expr:
    """A submodule's name; one that reads no other name is a text."""
    if all(piece.is_const for piece in template.args):
        return "".join(str(piece.args[0]) for piece in template.args)
    return template


def must_be_callable(part: Part) -> None:
    """Refuse copies whose repetitions, conditions or axes no module that stands for all of them can have."""
    single = all(len(use.outputs) == len(use.inputs) == 1 for _, use in part.uses)
    callable_again = single if part.count is None else single or _may_iterate(part, part.count)
    if part.count is not None and not (callable_again and part.is_module and not _shadows(part)):
        raise UnsharedError
    if part.loops and (part.when is not None or part.carried is not None or part.numbered):
        raise UnsharedError
    alone = len(part.first.outputs) == 1 and not part.is_module and not part.is_tensor
    if part.when is not None and not (single or alone):
        raise UnsharedError
    ranks = {len(tensor.shape) for _, use in part.uses for tensor in use.inputs[:1]}
    if len(ranks) > 1 and part.calls and (part.calls[-1].call.along or not part.is_module):
        raise UnsharedError


def _may_iterate(part: Part, count: Expr) -> bool:
    """Whether a loop can call repetitions that read more than the one before; one alone is called by itself."""
    hands_on_one = all(len(use.outputs) == 1 for _, use in part.uses)
    return part.iterates and part.wrapped and hands_on_one and not count.is_value(1)


def _shadows(part: Part) -> bool:
    """Whether repetitions and those nested in them both read their number, though only one of the two can have the
    name.
    """
    return INDEX in part.within() and part.inside is not None and part.inside.numbered
