"""What becomes of each entry: it agrees, has other sizes, has another name, stands in one with others or in parts, or
on one side alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from planner.checkpoints import SavedTensor, Section
from planner.comparison.state import StateEntry, entries_of
from planner.layers._layer import Sizes
from planner.loading.affixes import Affix
from planner.loading.fusing import Fusing, Joint, fused
from planner.loading.names import module_of
from planner.loading.parts import parts_among
from planner.loading.renaming import OneSide, renamed
from planner.loading.turning import Turn, as_torch_has_it
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
    joints      what is one entry on one side, and several on the other
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
    joints: list[Joint] = field(default_factory=list)
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
        apart = self.affix or self.resized or self.renamed or self.joints or self.missing or self.unexpected
        return not apart and not self.outside and not self.foreign and not self.unplanned

    @property
    def turns(self) -> list[Turn]:
        """The entries that have the same numbers otherwise laid out."""
        pairs = (*self.agreeing, *self.resized, *self.renamed)
        return [turn for entry, tensor in pairs if (turn := Turn.of(entry, tensor)) is not None]

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
    missing = sum(name not in there for name in expected)
    if len(found.outside) <= 2 * missing:  # more of them are another network
        there |= {each.name: each for each in found.outside if each.name not in (there | expected)}
    parts_of_weights = parts_among(there.keys()) - expected.keys()
    whole = {name: each for name, each in there.items() if name not in parts_of_weights}
    sizes = {name: as_torch_has_it(name, each.sizes) for name, each in whole.items()}
    together = fused(StateMatch.sizes_in(plan), sizes)
    names, found.ambiguous = _paired(together.ours, together.theirs, in_order)
    parts = together.our_parts.keys() | together.their_parts.keys()
    if parts and not any(was in parts or now in parts for was, now in names.items()):
        together = Fusing(StateMatch.sizes_in(plan), sizes, {}, {})
        names, found.ambiguous = _paired(together.ours, together.theirs, in_order)
    _sort(found, there, names, together)
    alone = {each.name for each in found.unexpected.values()}
    found.outside = [each for each in found.outside if each.name in alone or each.name not in there]
    found.unexpected = {name: each for name, each in found.unexpected.items() if each not in found.outside}
    return found


def _sort(found: StateMatch, there: Mapping[str, SavedTensor], names: Mapping[str, str], together: Fusing) -> None:
    """Note of each pair of names what becomes of its entries, and which entries are in no pair."""
    given, taken = set[str](), set[str]()
    for was, now in names.items():
        ours, theirs = together.our_parts.get(now, [now]), together.their_parts.get(was, [was])
        entries, tensors = [found.expected[each] for each in ours], [there[each] for each in theirs]
        if len(ours) + len(theirs) > 2:
            found.joints.append(Joint(now, tuple(entries), tuple(tensors)))
        elif ours != theirs:
            found.renamed.append((entries[0], tensors[0]))
        else:
            same = entries[0].sizes == tensors[0].sizes
            (found.agreeing if same else found.resized).append((entries[0], tensors[0]))
        given.update(ours)
        taken.update(theirs)
    order = {name: i for i, name in enumerate(found.expected)}
    found.renamed.sort(key=lambda each: order[each[0].name])
    found.joints.sort(key=lambda each: order[each.file[0].name])
    found.missing = [entry for name, entry in found.expected.items() if name not in given]
    found.unexpected = {name: each for name, each in there.items() if name not in taken}
    found.ambiguous = [
        (_apart(ours, together.our_parts), _apart(theirs, together.their_parts)) for ours, theirs in found.ambiguous
    ]


def _apart(modules: Sequence[str], parts: Mapping[str, Sequence[str]]) -> list[str]:
    """Modules, with those that the parts have in place of what was put together."""
    inside = [(module_of(whole), module_of(part)) for whole, some in parts.items() for part in some]
    return [
        each
        for module in modules
        for each in dict.fromkeys([part for whole, part in inside if whole == module] or [module])
    ]


def _paired(
    ours: Mapping[str, Sizes], theirs: Mapping[str, Sizes], in_order: bool
) -> tuple[dict[str, str], list[tuple[list[str], list[str]]]]:
    """The file's names by the checkpoint's, of what is the same; and modules that could be several ones."""
    by_order = _by_order(ours, theirs) if in_order else {}
    if by_order:
        return by_order, []
    same = {name: name for name in ours if name in theirs}
    missing = {name: sizes for name, sizes in ours.items() if name not in theirs}
    unexpected = {name: sizes for name, sizes in theirs.items() if name not in ours}
    other = renamed(OneSide(ours, missing), OneSide(theirs, unexpected), in_order=in_order)
    doubtful = {module for modules, _ in other.ambiguous for module in modules}
    alike = len(same) + len(other.names) + sum(module_of(name) in doubtful for name in missing)
    if 2 * alike < min(len(ours), len(theirs)):  # what fits in so different networks fits by chance
        return same, []
    return same | other.names, other.ambiguous


def _by_order(ours: Mapping[str, Sizes], theirs: Mapping[str, Sizes]) -> dict[str, str]:
    """The file's names by the checkpoint's, where positions have moved: names are found again, and hold something else,
    while in their order all modules of one side stand on the other too. Nothing where names do as well.
    """
    by_name = sum(theirs.get(name) == sizes for name, sizes in ours.items())
    if all(theirs.get(name, sizes) == sizes for name, sizes in ours.items()):
        return {}
    found = renamed(OneSide(ours, ours), OneSide(theirs, theirs), in_order=True, by_names=False)
    agreeing = sum(theirs[was] == ours[now] for was, now in found.names.items())
    return found.names if agreeing == min(len(ours), len(theirs)) > by_name and not found.ambiguous else {}
