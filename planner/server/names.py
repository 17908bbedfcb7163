"""Names: what is called by a name in a file, and every place where it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from planner.arithmetic import is_expression, mentions
from planner.diagnostics import Path, Place
from planner.format import RESERVED
from planner.model import Group
from planner.server.document import Document, lists_of
from planner.server.text import Passage
from planner.sight import ALL, ANY

NameKind = Literal["layer", "input", "block", "parameter"]


@dataclass(frozen=True, slots=True)
class Name:
    """Something that has a name.

    home  where the name is known: a list of layers, for layers and inputs; the model, (), or a block, for parameters
    """

    kind: NameKind
    home: Path
    text: str


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A place where a name stands; `defines` where it is given."""

    name: Name
    passage: Passage
    defines: bool = False


def occurrences(document: Document) -> list[Occurrence]:
    """Every place in a file where a name stands, from top to bottom."""
    if document.outline is None or document.source.format:
        return []
    found: dict[Passage, Occurrence] = {}
    same: dict[Name, Name] = {}
    for each in _NameSearch(document).all():
        first = found.setdefault(each.passage, each)
        ours, theirs = _first_of(same, first.name), _first_of(same, each.name)
        if ours != theirs:  # an argument for whichever of several blocks is called has the name that they all give it
            same[theirs] = ours
    return [replace(found[at], name=_first_of(same, found[at].name)) for at in sorted(found)]


def _first_of(same: Mapping[Name, Name], name: Name) -> Name:
    """The name that stands for all that are the same."""
    while name in same:
        name = same[name]
    return name


def name_at(document: Document, offset: int) -> Occurrence | None:
    """The name that a cursor touches."""
    return next((each for each in document.names if each.passage.holds(offset)), None)


def definition(document: Document, name: Name) -> Place | Passage | None:
    """Where a name is given: a stretch of this file, or a place in a library; None where it is given nowhere."""
    for each in document.names:
        if each.name == name and each.defines:
            return each.passage
    if name.kind == "block":
        block = document.plan.model.blocks.get(name.text)
        return document.source.place(block.path[:-1], at_key=True) if block is not None else None
    if name.kind == "layer":  # one without a name of its own
        entry = document.local.get((name.home, name.text))
        return document.passage_of(entry) if entry is not None else None
    return None


def local_names(document: Document) -> dict[tuple[Path, str], Path]:
    """The entries that names in lists stand for, by the list and the name: those that are made of types and numbers
    too.
    """
    found: dict[tuple[Path, str], Path] = {}
    for path, copies in document.copies.items():
        if len(path) < 2:
            continue
        for copy in copies:
            outer = copy.parent if isinstance(copy, Group) else copy.group
            found.setdefault((path[:-1], copy.name[len(outer.name) + 1 if outer else 0 :]), path)
    for home, entries in lists_of(document.source.data):
        for i, entry in enumerate(entries):
            if isinstance(entry, dict) and isinstance(entry.get("name"), str | int):
                found.setdefault((home, str(entry["name"])), (*home, i))
    return found


def inputs_of(document: Document, home: Path) -> list[str]:
    """The names of what goes into a list of layers; `input` where they are not written."""
    at: Path = ("input",) if home == ("layers",) else (*home[:2], "inputs") if len(home) == 3 else ()
    given = document.source.at(at) if at else None
    if isinstance(given, dict):
        return [*map(str, given)]
    if given is None or home == ("layers",):
        return ["input"]
    return [str(each).removeprefix(ANY) for each in (given if isinstance(given, list) else [given])]


class _NameSearch:
    """Goes through a file and finds its names."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.data: Mapping[str, Any] = document.source.data
        blocks = self.data.get("blocks")
        self.blocks: dict[str, Any] = blocks if isinstance(blocks, dict) else {}

    def all(self) -> Iterator[Occurrence]:
        yield from self._parameters((), self.data)
        yield from self._arithmetic(self.data.get("input"), ("input",), ("layers",))
        if isinstance(self.data.get("input"), dict):
            for name in self.data["input"]:
                yield from self._key(Name("input", ("layers",), name), ("input", name))
        yield from self._names(self.data.get("outputs"), ("outputs",), ("layers",))
        for name, block in self.blocks.items():
            if isinstance(block, dict) and not str(name).startswith("x-"):
                yield from self._block(name, block)
        for home, entries in lists_of(self.data):
            for i, entry in enumerate(entries):
                if isinstance(entry, dict):
                    yield from self._entry(entry, (*home, i), home)

    def _block(self, name: str, block: Mapping[str, Any]) -> Iterator[Occurrence]:
        path, home = ("blocks", name), ("blocks", name, "layers")
        yield from self._key(Name("block", (), name), path)
        yield from self._parameters(path, block)
        inputs = block.get("inputs")
        for i, each in enumerate(inputs if isinstance(inputs, list) else [inputs] if inputs is not None else []):
            at = (*path, "inputs", i) if isinstance(inputs, list) else (*path, "inputs")
            bare = str(each).removeprefix(ANY)
            yield from self._part(Name("input", home, bare), at, str(each), len(str(each)) - len(bare), defines=True)
        yield from self._names(block.get("outputs"), (*path, "outputs"), home)

    def _parameters(self, owner: Path, holder: Mapping[str, Any]) -> Iterator[Occurrence]:
        params = holder.get("params")
        if isinstance(params, dict):
            before: list[str] = []
            for name, default in params.items():
                yield from self._key(Name("parameter", owner, name), (*owner, "params", name))
                if name in self.types:
                    yield from self._type(default, (*owner, "params", name))
                yield from self._arithmetic(default, (*owner, "params", name), (*owner, "layers"), before)
                before.append(name)

    def _entry(self, entry: Mapping[str, Any], path: Path, home: Path) -> Iterator[Occurrence]:
        given = entry.get("name")
        if isinstance(given, str | int) and not is_expression(given):
            yield from self._part(Name("layer", home, str(given)), (*path, "name"), str(given), defines=True)
        kind = entry.get("type")
        yield from self._type(kind, (*path, "type"))
        yield from self._names(entry.get("from"), (*path, "from"), home)
        yield from self._names(entry.get("share"), (*path, "share"), home)
        tie = entry.get("tie")
        for key, value in tie.items() if isinstance(tie, dict) else ():
            yield from self._names(value, (*path, "tie", key), home)
        called = {copy.block.path[1] for copy in self.document.copies.get(path, ()) if isinstance(copy, Group)}
        if isinstance(kind, str) and kind in self.blocks:
            called |= {kind}
        for key, value in entry.items():
            if key in self.types:
                yield from self._type(value, (*path, key))
            if key not in RESERVED and not key.startswith("x-"):
                for block in (each for each in self.blocks if each in called):
                    if key in self._params_of(("blocks", str(block))):
                        yield from self._key(Name("parameter", ("blocks", str(block)), key), (*path, key), False)
            if key != "layers":
                yield from self._arithmetic(value, (*path, key), home)

    def _type(self, kind: Any, path: Path) -> Iterator[Occurrence]:
        """The block that a type names, also where it is handed on to a `type` in a block."""
        if isinstance(kind, str) and (kind in self.blocks or kind in self.document.plan.model.blocks):
            yield from self._part(Name("block", (), kind), path, kind)

    @cached_property
    def types(self) -> set[str]:
        """The parameters that become types of layers, or are handed on to those."""
        entries = [each for _, found in lists_of(self.data) for each in found if isinstance(each, dict)]
        found = {word for each in entries if is_expression(each.get("type")) for word, _ in mentions(each["type"])}
        while True:
            handed = (each[key] for each in entries for key in found & each.keys() if is_expression(each[key]))
            more = {word for each in handed for word, _ in mentions(each)} - found
            if not more:
                return found
            found |= more

    # What stands for something

    def _params_of(self, owner: Path) -> Mapping[str, Any]:
        holder: Any = self.document.source.at(owner) if owner else self.data
        params = holder.get("params") if isinstance(holder, dict) else None
        return params if isinstance(params, dict) else {}

    def _names(self, value: Any, path: Path, home: Path) -> Iterator[Occurrence]:
        """The names of what is read, in a `from`, `outputs`, `share` or `tie`."""
        if isinstance(value, list):
            for i, each in enumerate(value):
                yield from self._names(each, (*path, i), home)
        elif isinstance(value, str):
            at = 0
            inner: Path | None = home
            while inner is not None and (base := self._base(value[at:], inner)) is not None:
                if inner != home and base.kind == "input":
                    break  # from outside, a list is known by its layers
                start = value.index(base.text, at)
                yield from self._part(base, path, value, start)
                inner = self._list_of(inner, base.text)
                at = start + len(base.text) + 1
                copy = re.match(r"(\d+|\*)\.", value[at:])
                at += copy.end() if copy else 0

    def _list_of(self, home: Path, name: str) -> Path | None:
        """The list of layers that a name in a list stands for; None where it is a layer."""
        entry = self.document.local.get((home, name))
        given = self.data_at(entry) if entry is not None else None
        if entry is None or not isinstance(given, dict):
            return None
        if "layers" in given:
            return (*entry, "layers")
        return ("blocks", given["type"], "layers") if given.get("type") in self.blocks else None

    def _base(self, text: str, home: Path) -> Name | None:
        """What a name in a list stands for, without a number of an output or of a copy behind it."""
        bare = text.removeprefix(ANY)
        inputs = inputs_of(self.document, home)
        while bare:
            if bare in inputs and self._are_written(home):
                return Name("input", home, bare)
            entry = self.document.local.get((home, bare))
            if entry is not None:
                own = self.data_at((*entry, "name"))
                if own is None or str(own) == bare or is_expression(own):
                    return Name("layer", home, bare)
            bare = bare.removesuffix(ALL) if bare.endswith(ALL) else bare.rpartition(".")[0]
        return None

    def _are_written(self, home: Path) -> bool:
        """Whether the inputs of a list have names that are written in the file."""
        if home == ("layers",):
            return isinstance(self.data.get("input"), dict)
        return len(home) == 3 and self.data_at((*home[:2], "inputs")) is not None

    def data_at(self, path: Path) -> Any:
        return self.document.source.at(path)

    def _arithmetic(
        self, value: Any, path: Path, home: Path, own: Collection[str] | None = None
    ) -> Iterator[Occurrence]:
        """The parameters and sizes in expressions; `own` are those of the block that are in sight, if not all are."""
        if isinstance(value, list):
            for i, each in enumerate(value):
                yield from self._arithmetic(each, (*path, i), home, own)
        elif isinstance(value, dict):
            for key, each in value.items():
                yield from self._arithmetic(each, (*path, key), home, own)
        elif is_expression(value):
            block = home[:2] if home[0] == "blocks" else ()
            inner = (*block, "layers")
            own = self._params_of(block) if own is None else own
            for word, at in mentions(value):
                base = word.split(".")[0]
                if "." in word:
                    if base in inputs_of(self.document, inner) and self._are_written(inner):
                        yield from self._part(Name("input", inner, base), path, value, at)
                elif word in own:
                    yield from self._part(Name("parameter", block, word), path, value, at)
                elif word in self._params_of(()):
                    yield from self._part(Name("parameter", (), word), path, value, at)

    # Places

    def _key(self, name: Name, path: Path, defines: bool = True) -> Iterator[Occurrence]:
        passage = self.document.passage_of(path, at_key=True)
        if passage is not None:
            yield from self._found(name, passage, name.text, 0, defines)

    def _part(self, name: Name, path: Path, value: str, at: int = 0, defines: bool = False) -> Iterator[Occurrence]:
        passage = self.document.passage_of(path)
        if passage is not None:
            yield from self._found(name, passage, value, at, defines)

    def _found(self, name: Name, passage: Passage, value: str, at: int, defines: bool) -> Iterator[Occurrence]:
        """The name within a value, if the value is written as it is: with an escape or over lines it is not."""
        text = self.document.readable
        written = text[passage.start : passage.end]
        start = written.find(value)
        if start >= 0:
            start += passage.start + at
            end = start + len(name.text)
            if text[start:end] == name.text:
                yield Occurrence(name, Passage(start, end), defines)
