"""What a class keeps for its forward pass: which parts are constructed under which names, and its attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

from planner.classes.expressions import NOTHING, Expr, quoted
from planner.classes.names import TAKEN, identifier, is_attribute, unused
from planner.classes.parts import Part, Unit, called_by
from planner.classes.symbols import OWN
from planner.classes.tensors import Value
from planner.outputs.code.torch.calls import sizes_read
from planner.outputs.code.torch.members import Member, is_hidden, members_of
from planner.outputs.code.torch.program import Program


class Labelled(NamedTuple):
    """The parts of a class that are constructed, with their names, and how a forward pass finds them.

    base     the class that it derives from: nn.Module, or a list or a dictionary of modules
    labels   the parts that are constructed, each with its name; a list of modules numbers them itself
    access   for each part that is called, the code that finds it
    members  what a class that is no list and no dictionary has under each name
    """

    base: str
    labels: list[tuple[Part, str | None]]
    access: dict[Part, str]
    members: Mapping[str, Member]


class Attributes:
    """The attributes that a forward pass reads beside submodules; `values` has the value of each."""

    def __init__(self, taken: Set[str] = NOTHING) -> None:
        """`taken` are the names of submodules."""
        self.values: dict[str, Expr] = {}
        self._taken = TAKEN | taken

    def param(self, expr: Expr) -> str:
        """The attribute in which a parameter of the class is kept."""
        return self._kept(expr, expr.args[0])

    def condition(self, part: Part) -> str:
        """The attribute that says whether a part is there."""
        assert part.when is not None
        own = part.when.op == "name"
        return self._kept(part.when, part.when.args[0] if own else f"has_{identifier(part.first.name)}")

    def _kept(self, expr: Expr, wanted: str) -> str:
        """The attribute for a value, by the name that is wanted if that is free."""
        known = next((each for each, found in self.values.items() if found == expr), None)
        if known is None:
            known = unused(wanted, self._taken | self.values.keys())
            self.values[known] = expr
        return known


def living_parts(unit: Unit) -> list[Part]:
    """The parts of a class whose results are used, in the order of its forward pass."""
    wanted = set(unit.outputs)
    living: list[Part] = []
    for part in reversed(unit.parts):
        if not wanted.isdisjoint(part.values):
            living.append(part)
            wanted |= set(part.sources) if part.when is not None else set(reads_of(part))
    return living[::-1]


def reads_of(part: Part) -> list[Value]:
    """The tensors that a call is given, or whose sizes it is given, as often as it is."""
    if not part.calls or part.boxed:
        return list(part.sources)
    reads = part.calls[-1].call.reads
    places = list(range(len(part.sources))) if reads is None else list(reads)
    places += [0] if part.calls[-1].call.causal else []
    for _, expr in part.calls[-1].args:
        places += sizes_read(expr)
    return [part.sources[place] if place < OWN else (-1, -1, place - OWN) for place in places]


def labelled_parts(program: Program, unit: Unit, living: Sequence[Part]) -> Labelled:
    """The parts of a class that are constructed: what has weights, and what is called as a module."""
    called = {called_by(part, unit.parts) for part in living}
    needed = {part for part in unit.parts if part.stateful or (part.is_module and part in called)}
    constants = [part for part in unit.parts if part.is_constant and part in called]
    containers = {part.nested[0] for part in needed if part.nested is not None}
    modules = [part for part in unit.parts if part in needed or (part.nested and part.nested[0] in containers)]
    labels = {part: _label(unit, part) for part in modules}
    found = _by_names(program, labels, constants)
    own = dict(found.access)
    for part in living:
        owner, again = called_by(part, unit.parts), part.again
        if again is not None and owner in own:
            one = f"[{again.copy}]" if owner.count is not None and again.copy is not None else ""
            found.access[part] = own[owner] + one
    return found


def _by_names(program: Program, labels: Mapping[Part, str], constants: Sequence[Part]) -> Labelled:
    """The parts that are constructed, with the code that finds each of them."""
    modules = list(labels)
    special = constants or any(map(_is_special, modules))
    if labels and not special and all(label.isdecimal() for label in labels.values()):
        if list(labels.values()) == [str(i) for i in range(len(labels))]:
            access = {part: f"self[{label}]" for part, label in labels.items()}
            return Labelled("nn.ModuleList", [(part, None) for part in modules], access, {})
        access = {part: f'self["{label}"]' for part, label in labels.items()}
        return Labelled("nn.ModuleDict", list(labels.items()), access, {})
    named: dict[Part, str] = {}
    shared: dict[str, Part] = {}
    """The modules without weights and without a name in the file, by their code: equal modules are constructed once."""
    equal: dict[Part, Part] = {}
    for part, label in labels.items():
        if part.unnamed and not part.stateful:
            first = shared.setdefault(str(program.layer(part)), part)
            if first is not part:
                equal[part] = first
                continue
        named[part] = label
    taken = {label.partition(".")[0] for label in named.values()} | TAKEN
    for part in constants:  # constants are in no state_dict, and may have any name
        named[part] = unused(identifier(part.first.name, "constant"), taken)
        taken.add(named[part])
    members = members_of(named.items())
    access = {each.part: each.code for top in members.values() for each in top.all() if each.part is not None}
    access |= {part: access[first] for part, first in equal.items()}
    return Labelled("nn.Module", list(named.items()), access, members)


def parameter_of(name: str) -> str:
    """The code that finds a parameter by its dotted name."""
    pieces = name.split(".")
    if any(not is_attribute(each) for each in pieces) and not any(map(is_hidden, pieces)):
        return f"self.get_parameter({quoted(name)})"
    return place_of("self", name)


def place_of(module: str, name: str) -> str:
    """The place of a parameter of a module, by its dotted name from there, where another one can be put."""
    *modules, own = name.split(".")
    found = module + "".join(f".{each}" if is_attribute(each) else f"._modules[{quoted(each)}]" for each in modules)
    return f"{found}.{own}" if is_attribute(own) else f"{found}._parameters[{quoted(own)}]"


def _label(unit: Unit, part: Part) -> str:
    """The name of a submodule."""
    return str(unit.parts.index(part)) if unit.block.nameless else str(part.name)


def _is_special(part: Part) -> bool:
    """Whether a part takes more than an entry in a list of modules."""
    return part.is_tensor or part.nested is not None or part.when is not None or part.count is not None
