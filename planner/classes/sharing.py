"""Which copies of a list of layers share a class.

All copies of a list are tried in one class. Copies that no class can construct in common are parted, and get as few
classes as can be found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from planner.classes.choosing import UnsharedError, agreed, if_shared
from planner.classes.copies import Copies
from planner.classes.elsewhere import Elsewhere, Rightness
from planner.classes.entries import Entries
from planner.classes.expressions import NOTHING, const, name, same
from planner.classes.parts import Again, Part, Unit, are_reachable, called_by, must_be_callable
from planner.classes.structure import names_others, reads_any
from planner.classes.tensors import INDEX, Copy, Value, names_in
from planner.faults.no_common_class import NoCommonClass
from planner.format import Block, Entry


class Sharing:
    """The classes of copies, as far as they have been asked for.

    all  every class behind those that it constructs, and some that were tried and given up
    """

    def __init__(self, copies: Copies, elsewhere: Elsewhere) -> None:
        self.copies = copies
        self.all: list[Unit] = []
        self._structure = copies.structure
        self._names = copies.names
        self._rightness = Rightness(elsewhere, copies.names)
        self._of: dict[Copy, Unit] = {}
        self._open: set[Block] = set()

    def of(self, copy: Copy) -> Unit:
        """The class of a copy that has one."""
        if copy not in self._of and copy.block in self._open:  # a type that is worked out names a block around it
            self._add(self._general([copy], unrolled=True))
        if copy not in self._of:
            self._open.add(copy.block)
            for unit in self._parted(copy.block):
                self._add(unit)
            self._open.discard(copy.block)
        return self._of[copy]

    def _add(self, unit: Unit) -> None:
        """Note a class for its copies, after those that it constructs."""
        self.all.append(unit)
        self._of.update(dict.fromkeys(unit.copies, unit))

    def _parted(self, block: Block) -> list[Unit]:
        """As few classes as can be found for all copies of a list."""
        copies = self.copies.of(block)
        whole = if_shared(self._general, copies)
        if whole is not None:
            return [whole]
        units: list[Unit] = []
        unrolled: list[bool] = []
        for copy in copies:
            for i, unit in enumerate(units):
                wider = if_shared(self._general, [*unit.copies, copy], unrolled=unrolled[i])
                if wider is not None:
                    units[i] = wider
                    break
            else:
                rolled = if_shared(self._general, [copy])
                units.append(rolled or self._general([copy], unrolled=True))
                unrolled.append(rolled is None)
        return units

    def _general(self, copies: Sequence[Copy], *, unrolled: bool = False) -> Unit:
        """The class of some copies, whose arguments are right for all values that they may be given.

        What was taken from the copies alone, though an argument decides it, becomes a condition or a type that is
        worked out, if that is possible; otherwise it is no argument, and its value is written.
        """
        fixed: frozenset[str] = NOTHING
        kept: frozenset[str] = NOTHING
        cleared: frozenset[str] = NOTHING
        while True:
            lay = partial(self.laid, copies, unrolled=unrolled, fixed=fixed)
            unit = lay(kept=kept)
            unit = replace(unit, assumed=(unit.assumed | fixed) - cleared)
            if INDEX in set(unit.params) - fixed and unit.numbered:
                fixed |= {INDEX}
                continue
            doubtful = (unit.assumed & set(unit.params)) - fixed
            if not doubtful:
                return unit
            if unit.firm & doubtful:
                fixed |= unit.firm & doubtful
            elif not doubtful <= kept and if_shared(lay, kept=kept | doubtful) is not None:
                kept |= doubtful
            else:
                right = self._right(unit, doubtful)
                cleared |= right
                fixed |= doubtful - right

    def _right(self, unit: Unit, doubtful: frozenset[str]) -> frozenset[str]:
        """The arguments, among those given, that may have other values without making the class wrong."""
        if self._rightness.holds(unit, doubtful):
            return doubtful
        alone = doubtful if len(doubtful) > 1 else NOTHING
        return frozenset(name for name in alone if self._rightness.holds(unit, {name}))

    def laid(
        self,
        copies: Sequence[Copy],
        *,
        unrolled: bool = False,
        fixed: frozenset[str] = NOTHING,
        kept: frozenset[str] = NOTHING,
    ) -> Unit:
        """A class for some copies of a list, which are laid over each other.

        unrolled  repetitions are written one by one
        fixed     names that are no arguments: their values are written
        kept      names whose conditions and types are written, though all copies agree in what they come to
        """
        if len({len(copy.inputs) for copy in copies}) > 1 and reads_any(copies[0].block):
            raise UnsharedError
        entries = Entries(self, copies, fixed, kept)
        found, outputs = self._parts(entries, unrolled=unrolled)
        written = {each: const(_agreed_value(each, copies)) for each in fixed}
        parts = tuple([part.substituted(written) for part in found])
        reads: set[str] = set().union(*(part.reads() for part in parts))
        types = frozenset(each for part in parts for expr in part.types() for each in expr.names)
        if types & reads:
            raise UnsharedError
        block = copies[0].block
        self._forbid_other_values(copies, found, fixed)
        arity = max(len(copy.inputs) for copy in copies)
        declared = (*self._names.channels(block, arity), *self._names.declared(block), *self.copies.params)
        order = dict.fromkeys((*declared, *sorted(reads)))
        return Unit(
            block,
            tuple(copies),
            outputs,
            parts,
            params=tuple(each for each in order if each in reads | types),
            types=types,
            assumed=frozenset(entries.assumed.union(*(part.assumed() for part in parts))),
            firm=frozenset(entries.firm),
        )

    def _forbid_other_values(self, copies: Sequence[Copy], parts: Sequence[Part], fixed: frozenset[str]) -> None:
        """Note the parameters that have another value in PyTorch though a class reads the file's, as a condition does:
        they cannot have it, and all is to be gone through once more.
        """
        revalued = set().union(*(copy.revalued for copy in copies))
        if revalued:
            for param in revalued & fixed.union(*(part.reads_of_file() for part in parts)):
                self.copies.fixed.update((block, name(param)) for block in self._structure.within(copies[0].block))

    def _parts(self, entries: Entries, *, unrolled: bool) -> tuple[list[Part], tuple[Value, ...]]:
        """What the entries of a list are in the class of some copies, and what the class hands on."""
        copies = entries.copies
        outputs = agreed(tuple(each.value for each in copy.outputs) for copy in copies)
        entries.assumed.update(*(copy.assumed for copy in copies))
        entries.firm.update(*(copy.assumed for copy in copies))
        parts: list[Part] = []
        handed: dict[Value, Value] = {}
        """What stands for the outputs of entries that no copy has."""
        for number, entry in enumerate(entries.block.entries):
            if unrolled or names_others(entries.block, number):
                entries.assumed |= _decides(entry, copies)
            if not any(copy.uses[number] for copy in copies):
                entries.firm |= _decides(entry, copies)
                entries.assumed |= entries.firm
                source = agreed(copy.sources[number] for copy in copies)
                handed |= {(number, -1, i): handed.get(value, value) for i, value in enumerate(source)}
                continue
            found = entries.unrolled(entry, number) if unrolled else [entries.part(entry, number)]
            found = [_reading(each, handed) for each in found] if handed else found
            for each in found:
                parts.append(_calling_again(each, parts))
        outputs = tuple(handed.get(value, value) for value in outputs)
        self._check_wiring(entries.block, parts, outputs, unrolled=unrolled)
        return parts, outputs

    def _check_wiring(self, block: Block, parts: Sequence[Part], outputs: Sequence[Value], *, unrolled: bool) -> None:
        """Refuse what reads a single repetition, or a part that is not there, and parts that cannot be called."""
        read = [*outputs, *(value for part in parts for value in part.sources)]
        if not unrolled and any(index >= 0 for _, index, _ in read):
            raise UnsharedError
        made = {value for part in parts for value in part.values}
        if any(value[0] >= 0 and value not in made for value in read):
            raise UnsharedError
        if not self._structure.is_chain(block) and not are_reachable(block, parts):
            raise UnsharedError


def _calling_again(part: Part, before: Sequence[Part]) -> Part:
    """The part without what is constructed for it, where it calls the module of another one."""
    if part.again is None or part.constructed:
        return part
    called = called_by(part, before)
    if called.unit is not part.unit:
        raise NoCommonClass(called.first.name, part.first.member.name, part.first.member.path)
    again = part.again
    if called.again is not None:
        again = Again(called.again.entry, again.copy if called.again.copy is None else called.again.copy)
    again = again._replace(boxed=called.boxed or called.count is not None)
    calls = part.calls
    if calls and calls[-1].is_module:
        plain = tuple([(arg, expr) for arg, expr in calls[-1].args if not expr.names])
        calls = (*calls[:-1], calls[-1]._replace(args=plain))
    # Where all repetitions are called at once, how many there are is said where they are constructed.
    count = part.count if again.copy is not None else None
    called_again = replace(part, again=again, args={}, calls=calls, type=None, carried=None, count=count)
    must_be_callable(called_again)
    return called_again


def _reading(part: Part, handed: Mapping[Value, Value]) -> Part:
    """The part with other sources for those that something stands for."""
    return replace(part, sources=tuple(handed.get(value, value) for value in part.sources))


def _decides(entry: Entry, copies: Sequence[Copy]) -> frozenset[str]:
    """The names that decide whether, and how often, an entry is there."""
    return NOTHING.union(*(names_in(raw, copy) for raw in (entry.when, entry.repeat) for copy in copies))


def _agreed_value(param: str, copies: Sequence[Copy]) -> Any:
    """The value that a name has in all copies."""
    first = copies[0].values[param]
    if not all(same(copy.values[param], first) for copy in copies):
        raise UnsharedError
    return first
