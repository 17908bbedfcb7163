"""The layer that an entry means, or a guess of what was meant."""

from __future__ import annotations

from typing import Any

from planner.diagnostics import Edit, Fault
from planner.faults.unknown_key import UnknownKey
from planner.faults.unknown_type import UnknownType
from planner.faults.wrong_value import WrongValue
from planner.format import UNKNOWN, Arguments, Entry, Values, meaning, say_dollar, with_dollar
from planner.guesses import Guess, Slips, made
from planner.layers._layer import Layer
from planner.model import SizedLayer
from planner.source import home_of
from planner.unfolding._draft import Draft, Scope, ToldElsewhere, elsewhere, together, value_of

Interned = dict[tuple[str, str], Layer]
"""The layers that were made, by type and arguments."""


class Layers:
    """Makes the layers of entries, one object for equal arguments."""

    def __init__(self, draft: Draft, interned: Interned) -> None:
        self.draft = draft
        self._layers = interned

    def kind_of(self, entry: Entry, values: Values, scope: Scope) -> str:
        """The layer class or the block that an entry's `type` names."""
        if "type" in entry.lost:
            raise ToldElsewhere
        kind = value_of(entry.type, "type", values, scope.standing)
        if not isinstance(kind, str):
            raise WrongValue("type", "the name of a layer or a block", kind)
        return kind

    def sized(self, entry: Entry, kind: str, values: Values, scope: Scope) -> SizedLayer | None:
        """The layer of an entry wherever the sizes are others that its arguments read; None where they read none."""
        read = {name: scope.standing[name] for name in entry.reads if name in scope.standing}
        unknown = any(name not in values for name in entry.reads)
        if not read or unknown or kind not in self.draft.types:
            return None
        whole = together(read, [each for _, each in entry.computed], values, lambda sizes: sizes)
        keys = frozenset(str(path[0]) for path, expression in entry.computed if not expression.names.isdisjoint(read))

        def worked_out(sizes: tuple[int, ...]) -> Arguments:
            return entry.arguments(elsewhere(values, read, dict(zip(whole.reads, sizes, strict=True))))

        def arguments(sizes: tuple[int, ...]) -> dict[str, Any] | None:
            found = worked_out(sizes)
            return None if found.lost or found.faults else {key: found.values[key] for key in sorted(keys)}

        def made_at(sizes: tuple[int, ...]) -> Layer | None:
            args = worked_out(sizes)
            if args.lost and not args.faults:
                return None
            found = made(self.draft.types[kind], args.values)
            for fault in (*args.faults, *(_of_expression(each, args.values, entry) for each in found.faults)):
                if _is_of_value(fault, keys):
                    raise fault
            return None if found.layer is None else self._layers.setdefault((kind, repr(args.values)), found.layer)

        named = {name: each.reads[0] for name, each in read.items() if "." in name}
        return SizedLayer(whole.reads, keys, whole.numbers, arguments, made_at, named)

    def of(
        self, entry: Entry, kind: str, values: Values, scope: Scope, full: str
    ) -> tuple[Layer | None, Guess | None, SizedLayer | None]:
        """The layer that an entry means, and what it is at other sizes, where its arguments read some; a guess where
        something is wrong. What is wrong with such an argument is told where the model is planned.
        """
        sized = self.sized(entry, kind, values, scope)
        return *self._known_or_made(entry, kind, values, scope, full, sized.keys if sized else frozenset()), sized

    def _known_or_made(
        self, entry: Entry, kind: str, values: Values, scope: Scope, full: str, sized: frozenset[str]
    ) -> tuple[Layer | None, Guess | None]:
        """The layer for these values, the same object for equal arguments."""
        read = [values.get(name) for name in entry.reads]
        key = (kind, sized, *((type(value), value) for value in read))  # 1, 1.0 and true are equal in Python
        try:
            found: tuple[Layer | None, Guess | None] = entry.resolved[key]
            return found
        except (KeyError, TypeError):
            pass
        found = self._made(entry, kind, values, scope, full, sized)
        try:
            entry.resolved[key] = found
        except TypeError:  # a list among the parameters
            pass
        return found

    def _made(
        self, entry: Entry, kind: str, values: Values, scope: Scope, full: str, sized: frozenset[str]
    ) -> tuple[Layer | None, Guess | None]:
        args = entry.arguments(values)
        faults = list(args.faults)
        layer: Layer | None = None
        guess: Guess | None = None
        if kind not in self.draft.types:
            library, written_in = home_of(kind), self.draft.source.format
            if not self.draft.lacks_library:
                known = [*scope.blocks] if written_in else [*self.draft.types, *scope.blocks]
                faults.append(UnknownType(kind, known, given=args.values, library=library, format=written_in))
            given = {key: each for key, each in args.values.items() if key not in args.lost}
            guess = Guess(unknown=(kind, given), blocks=tuple(scope.blocks), library=library, format=written_in)
        elif args.lost or args.said:
            found = made(self.draft.types[kind], args.values, frozenset(args.lost))
            faults += found.faults
            guess = found.meant
        else:
            interned = (kind, repr(args.values))
            layer = self._layers.get(interned)
            if layer is None:
                found = made(self.draft.types[kind], args.values)
                layer, guess = found.layer, found.guess
                if layer is not None:
                    self._layers[interned] = layer
                marked: dict[str, Any] = {}
                for fault in found.faults:
                    faults.append(_of_expression(fault, args.values, entry))
                    marked |= _with_dollar(fault, args.values, values)
                if marked:
                    mended = made(self.draft.types[kind], {**args.values, **marked})
                    guess = mended.meant
                    args.said += [f"the `$` in `{name}`" for name in marked]
        for fault in faults:
            if _is_of_value(fault, sized):
                continue
            self.draft.report(
                fault,
                entry.path,
                scope.calls if fault in args.faults else self.draft.told(scope.calls),
                full if kind not in self.draft.types else None,
            )
        if args.said and guess is not None:
            guess = guess.with_slips(Slips(tuple(args.said), any=True))
        return layer, guess


def _is_of_value(fault: Fault, keys: frozenset[str]) -> bool:
    """Whether a fault is one of the value of some arguments, which is another at other sizes."""
    return bool(fault.key) and fault.key[0] in keys and not isinstance(fault, UnknownKey)


def _with_dollar(fault: Fault, args: dict[str, Any], values: Values) -> dict[str, Any]:
    """The value of a faulty argument where only its `$` was forgotten, which the fault then says."""
    key = str(fault.key[0]) if len(fault.key) == 1 else ""
    marked = with_dollar(args.get(key), [name for name, value in values.items() if value is not UNKNOWN])
    if marked is None or not isinstance(fault, WrongValue) or fault.mends:
        return {}
    say_dollar(fault, key, marked)
    value = meaning(fault, values)
    return {} if value is None else {key: value}


def _of_expression(fault: Fault, args: dict[str, Any], entry: Entry) -> Fault:
    """A fault of an argument that an expression computed; where the number is not whole, the help is to round it."""
    key = fault.key[0] if len(fault.key) == 1 else None
    written = entry.args.get(str(key))
    if isinstance(args.get(str(key)), float) and isinstance(written, str) and "whole number" in fault.message:
        fault.help = f"round the expression: `{key}: round({written})`"
        fault.mends = ((Edit((), f"round({written})"),),)
    return fault
