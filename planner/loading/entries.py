"""What becomes of each entry: it agrees, has other sizes, has another name, or stands on one side alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.checkpoints import SavedTensor, Section
from planner.comparison.state import StateEntry, entries_of
from planner.layers._layer import Sizes
from planner.loading.affixes import Affix
from planner.loading.names import module_of
from planner.loading.renaming import OneSide, Renaming, renamed
from planner.plan import Plan, Step


@dataclass(slots=True)
class StateMatch:
    """The entries of both sides. Names are the file's; those of the checkpoint stand in its tensors.

    expected    all entries of the file, by name
    saved       all tensors of the checkpoint
    affix       what is done to all names of the checkpoint
    outside     tensors to whose names it cannot be done
    agreeing    entries with the tensors that have their name, once that is done, and their sizes
    resized     those that have the name and other sizes
    renamed     those with another name, which may have other sizes too
    missing     entries that the checkpoint has not
    unexpected  tensors that the file has not, by their names as the file would have them
    ambiguous   modules of the file, and those of the checkpoint that each of them could be
    foreign     steps whose entries are not known, each with the tensors that stand below its name
    unplanned   steps that could not be planned
    """

    expected: Mapping[str, StateEntry]
    saved: tuple[SavedTensor, ...]
    affix: Affix
    outside: list[SavedTensor] = field(default_factory=list)
    agreeing: list[tuple[StateEntry, SavedTensor]] = field(default_factory=list)
    resized: list[tuple[StateEntry, SavedTensor]] = field(default_factory=list)
    renamed: list[tuple[StateEntry, SavedTensor]] = field(default_factory=list)
    missing: list[StateEntry] = field(default_factory=list)
    unexpected: dict[str, SavedTensor] = field(default_factory=dict)
    ambiguous: list[tuple[list[str], list[str]]] = field(default_factory=list)
    foreign: list[tuple[Step, list[SavedTensor]]] = field(default_factory=list)
    unplanned: list[Step] = field(default_factory=list)

    @staticmethod
    def sizes_in(plan: Plan) -> dict[str, Sizes]:
        """The sizes of all entries of a plan, by name."""
        return {name: each.sizes for name, each in _expected(plan).items()}

    @property
    def agree(self) -> bool:
        apart = self.affix or self.resized or self.renamed or self.missing or self.unexpected or self.outside
        return not apart and not self.foreign and not self.unplanned

    @property
    def other_sizes(self) -> list[tuple[StateEntry, SavedTensor]]:
        """All entries with other sizes, by whatever name."""
        return [*self.resized, *(each for each in self.renamed if each[0].sizes != each[1].sizes)]

    @property
    def renaming(self) -> dict[str, str]:
        """The file's names by the checkpoint's, of the entries that are known to be the same."""
        return {was.name: now.name for now, was in (*self.agreeing, *self.resized, *self.renamed)}


def _expected(plan: Plan) -> dict[str, StateEntry]:
    return {each.name: each for step in plan.steps for each in entries_of(step).values()}


def compared(plan: Plan, section: Section, affix: Affix, *, in_order: bool) -> StateMatch:
    """The entries of a plan beside the tensors of a mapping."""
    expected = _expected(plan)
    found = StateMatch(expected, section.tensors, affix)
    there: dict[str, SavedTensor] = {}
    for tensor in section.tensors:
        name = affix.applied(tensor.name)
        if name is None or name in there:
            found.outside.append(tensor)
        else:
            there[name] = tensor
    found.unplanned = [step for step in plan.steps if step.facts is None]
    for step in plan.steps:
        if step.facts is not None and step.facts.foreign and step.instance.owner is None:
            below = [name for name in there if name.startswith(f"{step.name}.") and name not in expected]
            found.foreign.append((step, [there.pop(name) for name in below]))
    by_order = _by_order(expected, there) if in_order else {}
    if by_order:
        found.agreeing = [(expected[now], there[was]) for was, now in by_order.items() if was == now]
        found.renamed = [(expected[now], there[was]) for was, now in by_order.items() if was != now]
        joined = set(by_order.values())
        found.missing = [entry for name, entry in expected.items() if name not in joined]
        found.unexpected = {name: each for name, each in there.items() if name not in by_order}
        return found
    for name, entry in expected.items():
        if name in there:
            into = found.agreeing if there[name].sizes == entry.sizes else found.resized
            into.append((entry, there[name]))
    missing = {name: entry.sizes for name, entry in expected.items() if name not in there}
    unexpected = {name: each.sizes for name, each in there.items() if name not in expected}
    other = renamed(OneSide(expected, missing), OneSide(there, unexpected), in_order=in_order)
    doubtful = {module for ours, _ in other.ambiguous for module in ours}
    alike = len(found.agreeing) + len(found.resized) + len(other.names)
    alike += sum(module_of(name) in doubtful for name in missing)
    if 2 * alike < min(len(expected), len(there)):  # what fits in so different networks fits by chance
        other = Renaming()
    found.ambiguous = other.ambiguous
    found.renamed = [(expected[now], there[was]) for was, now in other.names.items()]
    given = set(other.names.values())
    found.missing = [expected[name] for name in missing if name not in given]
    found.unexpected = {name: there[name] for name in unexpected if name not in other.names}
    return found


def _by_order(expected: Mapping[str, StateEntry], there: Mapping[str, SavedTensor]) -> dict[str, str]:
    """The file's names by the checkpoint's, where positions have moved: names are found again, and hold something else,
    while in their order all modules of one side stand on the other too. Nothing where names do as well.
    """
    ours = {name: each.sizes for name, each in expected.items()}
    theirs = {name: each.sizes for name, each in there.items()}
    by_name = sum(theirs.get(name) == sizes for name, sizes in ours.items())
    if all(theirs.get(name, sizes) == sizes for name, sizes in ours.items()):
        return {}
    found = renamed(OneSide(ours, ours), OneSide(theirs, theirs), in_order=True, by_names=False)
    agreeing = sum(theirs[was] == ours[now] for was, now in found.names.items())
    return found.names if agreeing == min(len(ours), len(theirs)) > by_name and not found.ambiguous else {}
