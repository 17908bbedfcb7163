"""Naming: the names that the file gives entries, and the names of entries without one."""

from __future__ import annotations

from collections.abc import Mapping

from planner.arithmetic import Expression, Template
from planner.faults.duplicate_name import DuplicateName
from planner.faults.unknown_type import UnknownType
from planner.faults.unusable_name import UnusableName
from planner.format import UNKNOWN, Block, Entry, Values
from planner.unfolding._draft import Draft, Scope, ToldElsewhere, must_be_settled, value_of


class Naming:
    """Gives each entry of a list its name."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self._meant: dict[str, str] = {}

    def own(self, entry: Entry, scope: Scope, explicit: set[str]) -> str:
        """The name that the file gives an entry; else its type in lower case, with the first number that is free."""
        if entry.name is not None:
            name = self.written(entry, scope)
            self.give(name, entry, scope)
            return name
        kind = value_of(entry.type, "type", scope.values, scope.standing)
        base = self.likely_type(str(kind), scope.named(str(kind), entry)).lower()
        number = scope.counts.get(base, 0)
        while (name := f"{base}_{number}" if number else base) in scope.names or name in explicit:
            number += 1
        scope.counts[base] = number
        return name

    def likely_type(self, kind: str, blocks: Mapping[str, Block | None]) -> str:
        """The type, or the one most likely meant, after which a nameless entry is called."""
        if kind in self.draft.types or kind in blocks:
            return kind
        if kind not in self._meant:
            sizes = self.draft.instances[0].input if self.draft.instances else None
            fault = UnknownType(kind, [*self.draft.types, *blocks], sizes=sizes)
            self._meant[kind] = str(fault.proposed[0]["type"]) if fault.proposed else kind
        return self._meant[kind]

    def written(self, entry: Entry, scope: Scope) -> str:
        """The name that the file gives an entry, in its first copy."""
        if not isinstance(entry.name, str):
            return self.evaluated(entry, {**scope.values, "index": 0}, scope)
        if why := unusable(entry.name):
            raise UnusableName(entry.name, why)
        if entry.name in scope.inputs or entry.name == "input":
            raise UnusableName(entry.name, "it means the input here")
        return entry.name

    def evaluated(self, entry: Entry, values: Values, scope: Scope) -> str:
        """The name that an entry gives one of its copies by arithmetic."""
        assert isinstance(entry.name, Template)
        for part in entry.name.parts:
            if isinstance(part, Expression):
                must_be_settled(part, "name", scope.standing)
        if any(values.get(name) is UNKNOWN for name in entry.name.names):
            raise ToldElsewhere
        name = entry.name.evaluate(values)
        if why := unusable(name):
            raise UnusableName(name, why)
        return name

    def give(self, name: str, entry: Entry, scope: Scope) -> None:
        """Record an entry's name, which no other entry of the list may have."""
        if name in scope.inputs or name == "input":
            raise UnusableName(name, "it means the input here")
        if name in scope.given:
            first = self.draft.source.place(scope.given[name])
            raise DuplicateName(name, first.line if first else None)
        scope.given[name] = entry.path


def unusable(name: str) -> str:
    """Why a text cannot be a name; empty where it can."""
    if not name.strip():
        return "it is empty"
    if len(name) > 200:
        return f"it has {len(name):,} characters, 200 are the most"
    if name.isprintable():
        return ""
    bad = next(char for char in name if not char.isprintable())
    return f"it holds the character U+{ord(bad):04X}, which cannot be shown"
