"""Whose weights entries use: those of an earlier entry by `share`, single tensors by `tie`."""

from __future__ import annotations

from planner.diagnostics import Fault, Path
from planner.faults.shared_arguments_differ import SharedArgumentsDiffer
from planner.faults.unknown_weights import UnknownWeights
from planner.format import Entry
from planner.model import Group, Instance, Weight
from planner.unfolding._draft import Draft, Placed, Scope


class WeightSharing:
    """Finds the weights that entries name, and notes them in the model."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self._numbers: dict[str, int] = {}
        """The instances by their full names, as far as they have been looked for."""

    def note(self, placed: Placed, entry: Entry, later: tuple[Entry, ...], scope: Scope) -> None:
        """Record a copy of an entry that has just come to the model, which others may name, with the weights that it
        names itself; an empty list of layers has none.
        """
        placed.last = len(self.draft.instances)
        if placed.first == placed.last:
            return
        if len(self.draft.groups) > placed.groups:
            placed.group = self.draft.groups[placed.groups]
        try:
            if entry.share is not None:
                theirs = self._shared(entry.share, later, scope, placed)
                if theirs is not None:
                    self._share(entry, theirs, placed)
            if entry.tie:
                self._tie(entry, later, scope, placed)
        except Fault as fault:
            self.draft.report(fault, entry.path, scope.calls)
        scope.placed[placed.name] = placed

    # Sharing

    def _shared(self, name: str, later: tuple[Entry, ...], scope: Scope, ours: Placed) -> Placed | None:
        """The copy whose weights a copy uses by `share`; none for the first of copies that use their own."""
        key: Path = ("share",)
        if name in (ours.name, ours.base):
            if ours.copies is None:
                raise UnknownWeights.itself(name, key)
            before = (scope.placed.get(f"{name}.{index}") for index in range(ours.index))
            return next((each for each in before if each is not None), None)
        if name in scope.placed:
            return scope.placed[name]
        copies = self._copies(name, scope)
        if copies is not None and copies == ours.copies:
            return scope.placed.get(f"{name}.{ours.index}")
        block = next((each for each in scope.placed if name.startswith(f"{each}.")), None)
        raise UnknownWeights.within(name, block, key) if block else self._missing(name, name, later, scope, key)

    def _copies(self, name: str, scope: Scope) -> int | None:
        """How many copies there are of a repeated entry; None for any other name."""
        handed = scope.names.get(name)
        return handed.copies if handed is not None and f"{name}.0" in scope.placed else None

    def _missing(self, first: str, name: str, later: tuple[Entry, ...], scope: Scope, key: Path) -> UnknownWeights:
        """The fault of a name that means no weights; it begins with the name of an entry."""
        copies = self._copies(first, scope)
        if copies is not None:
            return UnknownWeights.of_copies(first, copies, key, name.removeprefix(first))
        if first in scope.inputs or first == "input":
            return UnknownWeights.not_a_layer(first, key)
        if first in scope.names:
            return UnknownWeights.left_out(first, key)
        below = next((each for each in later if each.name == first), None)
        if below is not None:
            place = self.draft.source.place(below.path)
            return UnknownWeights.below(first, place.line if place else None, key)
        rest = f".{name.rpartition('.')[2]}" if name != first else ""
        return UnknownWeights.not_there(name, [f"{each}{rest}" for each in scope.placed], key)

    def _share(self, entry: Entry, theirs: Placed, ours: Placed) -> None:
        """Let a copy use the weights of another, layer by layer."""
        instances = self.draft.instances
        types = [(each.group or instances[each.first]).type for each in (theirs, ours)]
        if types[0] != types[1]:
            raise SharedArgumentsDiffer.of_type(theirs.name, *types)
        if theirs.group is None or ours.group is None:
            _must_be_equal(theirs.name, entry, instances[theirs.first], instances[ours.first])
            instances[ours.first].again = theirs.first
        else:
            _must_be_called_alike(theirs.name, entry, theirs.group, ours.group)
            self._must_be_alike(theirs, ours)
            ours.group.again = theirs.group
        for i, j in zip(range(theirs.first, theirs.last), range(ours.first, ours.last), strict=True):
            instances[j].owner = i if instances[i].owner is None else instances[i].owner

    def _must_be_alike(self, theirs: Placed, ours: Placed) -> None:
        """Refuse lists of layers that are not the same in both copies, since the number of the copy has a say in them.
        What is wrong with a layer by itself is told there.
        """
        instances = self.draft.instances
        pairs = zip(instances[theirs.first : theirs.last], instances[ours.first : ours.last], strict=False)
        differing = (b for a, b in pairs if a.layer is not None and b.layer is not None and a.layer != b.layer)
        if theirs.last - theirs.first != ours.last - ours.first or any(True for _ in differing):
            raise SharedArgumentsDiffer.of_copies(theirs.name, ours.name)

    # Tying

    def _tie(self, entry: Entry, later: tuple[Entry, ...], scope: Scope, ours: Placed) -> None:
        """Let weights of a layer be the same tensors as others."""
        if ours.group is not None:
            raise UnknownWeights.on_a_block(ours.group.type)
        if entry.share is not None:
            raise UnknownWeights.beside_share()
        found: dict[str, Weight] = {}
        for own, name in entry.tie.items():
            try:
                found[own] = self._tied(name, later, scope, ours, ("tie", own))
            except Fault as fault:
                self.draft.report(fault, entry.path, scope.calls)
        self.draft.instances[ours.first].ties = found

    def _tied(self, name: str, later: tuple[Entry, ...], scope: Scope, ours: Placed, key: Path) -> Weight:
        """The weight that a dotted name means, from the list that it stands in."""
        self._number()
        parts = name.split(".")
        for cut in range(len(parts), 0, -1):
            at = self._numbers.get(scope.prefix + ".".join(parts[:cut]))
            if at == ours.first:
                raise UnknownWeights.itself(".".join(parts[:cut]), key)
            if at is not None and self.draft.instances[at].input is None:
                weight = Weight(at, ".".join(parts[cut:]))
                self._must_be_registered(weight, name, scope, key)
                return weight
        named = next((each for each in scope.placed if name.startswith(f"{each}.")), None)
        if named is not None:
            steps = self.draft.instances[scope.placed[named].first : scope.placed[named].last]
            inner = [each.name.removeprefix(scope.prefix) for each in steps]
            raise UnknownWeights.not_there(name, [f"{each}.{parts[-1]}" for each in inner], key)
        raise self._missing(parts[0], name, later, scope, key)

    def _number(self) -> None:
        """Note the instances that have come to the model since."""
        for i in range(len(self._numbers), len(self.draft.instances)):
            self._numbers[self.draft.instances[i].name] = i

    def _must_be_registered(self, weight: Weight, name: str, scope: Scope, key: Path) -> None:
        """Refuse weights that have another name in the `state_dict`, that of the layer which is called again."""
        instance = self.draft.instances[weight.step]
        again = instance.again is not None
        group = instance.group
        while group is not scope.group and group is not None:
            again |= group.again is not None
            group = group.parent
        if again and instance.owner is not None:
            owner = f"{self.draft.instances[instance.owner].name}.{weight.name}".removesuffix(".")
            raise UnknownWeights.borrowed(name, owner.removeprefix(scope.prefix), key)


def _must_be_equal(name: str, entry: Entry, theirs: Instance, ours: Instance) -> None:
    """Refuse layers with different arguments."""
    if theirs.layer is None or ours.layer is None or theirs.layer == ours.layer:
        return
    for arg in type(ours.layer).model_fields:
        pair = getattr(theirs.layer, arg), getattr(ours.layer, arg)
        if pair[0] != pair[1]:
            raise SharedArgumentsDiffer.of_argument(name, arg, *pair, given=arg in entry.args)


def _must_be_called_alike(name: str, entry: Entry, theirs: Group, ours: Group) -> None:
    """Refuse calls of a block with different values, and lists in place that are not the same."""
    if theirs.block is not ours.block:
        raise SharedArgumentsDiffer.in_place(name)
    for arg, value in ours.args.items():
        if theirs.args[arg] != value:
            raise SharedArgumentsDiffer.of_argument(name, arg, theirs.args[arg], value, given=arg in entry.args)
