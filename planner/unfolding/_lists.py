"""A list of layers with all its copies, and the blocks that it calls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from planner.diagnostics import Fault, Path
from planner.faults.duplicate_name import DuplicateName
from planner.faults.endless_blocks import EndlessBlocks
from planner.faults.missing_key import MissingKey
from planner.faults.too_many_steps import TooManySteps
from planner.faults.unknown_key import UnknownKey
from planner.faults.wrong_number_of_sources import WrongNumberOfSources
from planner.faults.wrong_value import WrongValue
from planner.format import UNKNOWN, Block, Entry, Values, meaning, say_dollar, with_dollar
from planner.guesses import DOUBT, HARMLESS, NOBODY_KNOWS, NONE, Guess, Slips, slip
from planner.layers._fields import is_whole
from planner.layers._layer import Layer
from planner.model import Group, Instance, LeftOut, Ref, SizedLayer
from planner.sight import named, plain, spread
from planner.unfolding._draft import Draft, Handed, Placed, Scope, Standings, Stop, ToldElsewhere, known_of, value_of
from planner.unfolding._layers import Interned, Layers
from planner.unfolding._naming import Naming
from planner.unfolding._sizes import ListSizes
from planner.unfolding._weights import WeightSharing
from planner.unfolding._wiring import Wiring

MOST_STEPS = 250_000
MOST_VISITS = 1_000_000
"""Entries looked at while unfolding, those that `when` leaves out included: it bounds what blocks of nothing can
cost."""
OPERATORS = frozenset("+-*/%")
DEEPEST = 50
"""How deep blocks may call one another."""


class Lists:
    """Goes through lists of layers and puts every copy of every layer into the model."""

    def __init__(self, draft: Draft, interned: Interned) -> None:
        self.draft = draft
        self.names = Naming(draft)
        self.wiring = Wiring(draft)
        self.layers = Layers(draft, interned)
        self.weights = WeightSharing(draft)
        self.sizes = ListSizes(draft)
        self.visits = 0

    def scope(self, root: Block, inputs: list[Handed], names: dict[str, Handed]) -> Scope:
        """The model's own list, in which its inputs are in sight."""
        sizes, standing = self.sizes.of(root, inputs)
        values, blocks = {**self.draft.params, **sizes}, self.draft.blocks
        return Scope(inputs=tuple(names), names=names, above=inputs[0], values=values, blocks=blocks, standing=standing)

    def unfold(self, block: Block, scope: Scope) -> None:
        """Unfold a list of layers; afterwards `scope.above` is what the list hands on."""
        entries, nameless = block.entries, block.nameless
        explicit = {entry.name for entry in entries if isinstance(entry.name, str)}
        position = 0
        for at, entry in enumerate(entries):
            self.visit(entry, scope)
            slips = NONE
            if not entry.sound:
                slips = Slips(entry.said, bool(entry.lost & {"from", "repeat", "when"}), any=True)
            copies, slips = self.copies(entry, scope, self.draft.slips | scope.slips | slips)
            sources = self.wiring.sources(entry, entries, at, scope) if entry.sources is not None else (scope.above,)
            if copies == 0:
                self.leave_out(entry, scope, sources)
                continue
            base = None
            for index in range(copies or 1):
                if index:
                    self.visit(entry, scope)
                values = scope.values if copies is None else {**scope.values, "index": index}
                guessed = slips
                try:
                    if nameless:
                        name = str(position)
                        position += 1
                    elif entry.template is not None:
                        name = self.names.evaluated(entry, values, scope)
                        self.names.give(name, entry, scope)
                    else:
                        if base is None:
                            base = self.names.own(entry, scope, explicit)
                        name = base if copies is None else f"{base}.{index}"
                except (Fault, ToldElsewhere) as fault:
                    if isinstance(fault, Fault):
                        self.draft.report(fault, entry.path, scope.calls)
                    name = f"?{len(self.draft.instances)}"
                    guessed |= HARMLESS
                placed = Placed(name, base, index, copies, len(self.draft.instances), len(self.draft.groups))
                handed = self.place(entry, name, values, scope, sources, guessed)
                self.weights.note(placed, entry, entries[at + 1 :], scope)
                scope.hand_on(name, handed)
                sources = self._fed(handed, placed, sources)
            if base is not None:
                handed = scope.above if copies is None else replace(scope.above, copies=copies)
                scope.repeated(base, handed, copies)

    def _fed(self, handed: Handed, placed: Placed, sources: tuple[Handed, ...]) -> tuple[Handed, ...]:
        """The sources of the next copy: what a copy hands on feeds the first, and the others stay."""
        groups = self.draft.groups[placed.groups : placed.groups + 1]
        refs = handed.refs[: max(len(sources), 1)]
        refs = refs[: groups[0].feeds] if groups else refs
        fed = (handed,) if len(handed.refs) < 2 else tuple(Handed((ref,), slips=handed.slips) for ref in refs)
        return (*fed, *sources[len(fed) :])

    def outputs(self, names: tuple[str, ...], scope: Scope, *, listed: bool) -> tuple[Ref, ...]:
        """The tensors that the model returns: those of the given names, or what the list of layers hands on."""
        if not names:
            return scope.above.refs
        refs = []
        for i, name in enumerate(names):
            key: Path = ("outputs", i) if listed else ("outputs",)
            try:
                refs.append(self.wiring.single(name, scope, key, ()).refs[0])
            except Fault as fault:
                self.draft.report(fault)
        return tuple(refs)

    def leave_out(self, entry: Entry, scope: Scope, sources: tuple[Handed, ...]) -> None:
        """Leave an entry out: its first source takes its place, unless another entry of its name is there instead."""
        try:
            name = None if entry.name is None else self.names.written(entry, scope)
        except (Fault, ToldElsewhere) as fault:
            if isinstance(fault, Fault):
                self.draft.report(fault, entry.path, scope.calls)
            name = None
        if (
            scope.leave_out(name, (sources or (scope.above,))[0])
            and len(sources) > 1
            and all(each.refs for each in sources)
        ):
            refs = [each.refs[0] for each in sources]
            key = "when" if entry.when is not None else "repeat"
            full = scope.prefix + (name or str(entry.type).lower())
            self.draft.left_out.append(LeftOut(entry.path, scope.calls, full, key, refs[0], tuple(refs[1:])))

    def visit(self, entry: Entry, scope: Scope) -> None:
        """Count an entry, or a copy of one. Raises Stop where there are too many."""
        self.visits += 1
        if self.visits > MOST_VISITS or len(self.draft.instances) >= MOST_STEPS:
            self.draft.report(TooManySteps(1, MOST_STEPS), entry.path, scope.calls)
            raise Stop

    def copies(self, entry: Entry, scope: Scope, slips: Slips) -> tuple[int | None, Slips]:
        """The number of copies and what was guessed; None where `repeat` is not given, since a single copy has no
        number.
        """
        try:
            return self._copies(entry, scope), slips
        except Fault as fault:
            self.draft.report(fault, entry.path, scope.calls)
        except ToldElsewhere:
            pass
        return None, slips | DOUBT

    def _copies(self, entry: Entry, scope: Scope) -> int | None:
        when = value_of(entry.when, "when", scope.values, scope.standing)
        if when is not None and not isinstance(when, bool):
            raise WrongValue("when", "true or false", when)
        if when is False:
            return 0
        repeat = value_of(entry.repeat, "repeat", scope.values, scope.standing)
        if repeat is None:
            return None
        if not is_whole(repeat) or repeat < 0:
            raise WrongValue("repeat", "a whole number from 0", repeat)
        if repeat > MOST_STEPS:
            self.draft.report(TooManySteps(repeat, MOST_STEPS), entry.path, scope.calls)
            raise Stop
        return int(repeat)

    def place(
        self,
        entry: Entry,
        name: str,
        values: Values,
        scope: Scope,
        sources: tuple[Handed, ...],
        slips: Slips,
    ) -> Handed:
        """Put one copy of an entry into the model; gives what the copy hands on."""
        full = scope.prefix + name
        kind = "?"
        layer: Layer | None = None
        guess: Guess | None = NOBODY_KNOWS
        sized: SizedLayer | None = None
        try:
            if full in self.draft.full_names:
                self.draft.report(DuplicateName(full, None), entry.path, scope.calls, full)
                slips |= HARMLESS
                while full in self.draft.full_names:
                    full += "_2"
            self.draft.full_names.add(full)
            kind = self.layers.kind_of(entry, values, scope)
            if entry.inner is not None:
                if not sources:
                    self.draft.report(WrongNumberOfSources("a list of layers", 0, 1, 1), entry.path, scope.calls, full)
                    sources, slips = (scope.above,), slips | DOUBT
                inner, standing = self.sizes.within(values, scope.standing, entry.inner, sources)
                return self._call(entry, full, kind, entry.inner, inner, standing, scope, sources, slips)
            known = scope.named(kind, entry)
            if kind in known:
                return self._call_block(entry, full, kind, known[kind], values, scope, sources, slips)
            layer, guess, sized = self.layers.of(entry, kind, values, scope, full)
        except Fault as fault:
            self.draft.report(fault, entry.path, scope.calls, full)
        except ToldElsewhere:
            pass
        for handed in (each for each in sources if each.slips is not NONE):
            slips = handed.slips | slips
        if slips.any:
            layer, guess, sized = None, (guess or Guess(layers=(layer, layer))).with_slips(slips), None
        meant = layer or (guess.layers[0] if guess else None)
        refs = tuple(handed.refs[0] for handed in sources if handed.refs)
        if meant is not None and meant.takes == (0, 0) and entry.sources is None:
            refs = ()
        allow = scope.allow | entry.allow if entry.allow else scope.allow
        self.draft.instances.append(
            Instance(full, kind, layer, refs, entry.path, scope.calls, allow, scope.group, guess=guess, sized=sized)
        )
        return Handed((Ref(len(self.draft.instances) - 1),), is_layer=True)

    def _call_block(
        self,
        entry: Entry,
        full: str,
        kind: str,
        block: Block | None,
        values: Values,
        scope: Scope,
        sources: tuple[Handed, ...],
        slips: Slips,
    ) -> Handed:
        found = entry.arguments(values)
        for fault in found.faults:
            self.draft.report(fault, entry.path, scope.calls, full)
        if found.faults or found.lost:
            slips |= Slips(tuple(found.said), any=True)
        if block is None:
            raise ToldElsewhere
        given = {key: UNKNOWN if key in found.lost else value for key, value in found.values.items()}
        slips |= self._with_dollars(entry, full, given, values, scope)
        for key in [key for key in given if key not in block.params]:
            needed = (name for name, default in block.params.items() if default is None and name not in given)
            fault = UnknownKey(key, f"the block `{kind}`", block.params, next(needed, ""))
            self.draft.report(fault, entry.path, scope.calls, full)
            meant = fault.mends[0][0]
            if meant.action == "rename" and given.setdefault(str(meant.value), given[key]) is given[key]:
                slips |= slip(f"`{meant.value}` for `{key}`")
            else:
                slips |= slip(f"without `{key}`")
        least = len(block.inputs) - (block.takes_any and len(block.inputs) > 1)
        if len(sources) < least or (len(sources) > least and not block.takes_any):
            wrong = WrongNumberOfSources.of_block(kind, block.inputs, len(sources), entry.sources or ())
            self.draft.report(wrong, entry.path, scope.calls, full)
            filled = (*sources, *(sources[-1:] or (scope.above,)) * least)[:least]
            sources = tuple(replace(each, slips=each.slips | DOUBT) for each in filled)
        sizes, standing = self.sizes.of(block, sources)
        standing = dict(standing)
        inner = {**self.draft.params, **sizes}
        for name, default in block.params.items():
            if given.get(name) is not None:
                inner[name] = given[name]
                standing |= self.sizes.of_argument(entry, name, values, scope.standing)
            elif default is None:
                self.draft.report(MissingKey(name, f"the block `{kind}`"), entry.path, scope.calls, full)
                slips |= DOUBT
                inner[name] = UNKNOWN
            else:
                inner[name] = self._default(block, name, inner, (entry.path, *scope.calls))
                standing |= self.sizes.of_default(name, default, dict(inner), dict(standing))
        return self._call(entry, full, kind, block, inner, standing, scope, sources, slips)

    def _default(self, block: Block, name: str, values: Values, calls: tuple[Path, ...]) -> Any:
        """What a parameter is where a call does not give it."""
        path = (*block.path[:-1], "params", name)
        return self.draft.evaluated(block.params[name], values, path, calls)

    def _with_dollars(self, entry: Entry, full: str, given: dict[str, Any], values: Values, scope: Scope) -> Slips:
        """Arithmetic whose `$` was forgotten among the arguments of a block is told at the call, and becomes in `given`
        what it means. A text that is a name alone may be meant as it is.
        """
        slips = NONE
        for key, value in given.items():
            if not isinstance(value, str) or not OPERATORS.intersection(value):
                continue
            marked = with_dollar(value, [name for name, known in values.items() if known is not UNKNOWN])
            if marked is not None:
                fault = WrongValue(key, "a value, or arithmetic with a `$`", value)
                say_dollar(fault, key, marked)
                self.draft.report(fault, entry.path, scope.calls, full)
                meant = meaning(fault, values)
                given[key] = UNKNOWN if meant is None else meant
                slips |= slip(f"`{key}: {marked}`")
        return slips

    def _call(
        self,
        entry: Entry,
        full: str,
        kind: str,
        block: Block,
        values: dict[str, Any],
        standing: Standings,
        scope: Scope,
        sources: tuple[Handed, ...],
        slips: Slips,
    ) -> Handed:
        lists = 2 * DEEPEST  # lists in place count too, since each takes room on Python's stack
        if len(scope.calls) >= DEEPEST or len(scope.called) >= lists:
            deep = DEEPEST if len(scope.calls) >= DEEPEST else lists
            self.draft.report(EndlessBlocks([*scope.called, kind], deep), entry.path, scope.calls, full)
            raise Stop
        args = known_of({name: values[name] for name in block.params})
        given = tuple(each.refs[0] for each in sources if each.refs)
        group = Group(full, kind, entry.path, block, args, scope.group, len(self.draft.instances), sources=given)
        self.draft.groups.append(group)
        inner = Scope(
            inputs=plain(block.inputs),
            names=named(block.inputs, sources),
            several=spread(block.inputs, len(sources)),
            above=sources[0],
            values=values,
            standing=standing,
            blocks=block.in_sight,
            prefix=f"{full}.",
            group=group,
            calls=scope.calls if block.owner else (entry.path, *scope.calls),
            called=(*scope.called, kind),
            outer=scope,
            allow=scope.allow | entry.allow,
            slips=slips,
        )
        self.unfold(block, inner)
        group.last = len(self.draft.instances)
        handed = self._outputs_of(group, inner) if block.outputs else inner.above
        group.hands = handed.refs
        return handed

    def _outputs_of(self, group: Group, inner: Scope) -> Handed:
        """What a list hands on that says so."""
        block = group.block
        refs, guessed = [], NONE
        for i, name in enumerate(block.outputs):
            key: Path = (*block.path[:-1], "outputs", i) if len(block.outputs) > 1 else (*block.path[:-1], "outputs")
            try:
                handed = self.wiring.single(name, inner, key, ())
            except Fault as fault:
                self.draft.report(fault, (), inner.calls)
                handed = self.wiring.likely(fault, name, inner)
            refs.append(handed.refs[0])
            guessed |= handed.slips
        group.outputs = tuple(refs)
        return Handed(group.outputs, names=block.outputs, slips=guessed)
