"""The blocks of a file and of the libraries that it uses, by the names under which its layers may call them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from planner.diagnostics import Fault, Path, did_you_mean, nearest
from planner.faults.ambiguous_block import AmbiguousBlock
from planner.faults.missing_key import MissingKey
from planner.faults.not_a_model import NotAModel
from planner.faults.unknown_key import UnknownKey
from planner.faults.unusable_library import UnusableLibrary
from planner.faults.unusable_name import UnusableName
from planner.faults.wrong_value import WrongValue
from planner.format import RESERVED, Block, BlockFormat, EntryReader, LibraryFormat, faults_of, names_of
from planner.guesses import slip
from planner.sight import ANY, hides_any, plain
from planner.source import key_of
from planner.unfolding._draft import Draft
from planner.unfolding._naming import unusable

Form = TypeVar("Form", bound=BaseModel)
Named = dict[str, Block | None]
"""Blocks by their names; None for what cannot be read."""
Calls = tuple[Path, ...]


class BlockReader:
    """Reads blocks into a draft of a Model."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self._libraries: dict[str, Named] = {}
        """The blocks of the libraries that have been read, by the libraries' keys."""
        self._open: list[str] = []
        """The keys of the libraries that are being read, each used by the one before."""

    def section(self, form: type[Form], raw: Mapping[str, Any], owner: str, path: Path = (), calls: Calls = ()) -> Form:
        """A section of a file in its form, without the keys whose values are wrong; what is needed and not there is
        None. A misspelt key that is needed is one fault, not two.
        """
        known = [each.alias or name for name, each in form.model_fields.items()]
        unknown = [key for key in raw if key not in known and not _is_own(key)]
        kept = {key: value for key, value in raw.items() if key in known}
        for key in unknown:
            self.draft.report(UnknownKey(key, owner, known), path, calls)
            near = next(iter(nearest(key, known)), None)
            if near is not None and kept.setdefault(near, raw[key]) is raw[key]:
                self.draft.slips |= slip(f"`{near}` for `{key}`")
        try:
            return form.model_validate(kept)
        except ValidationError as error:
            for fault in faults_of(error, owner):
                missing = fault.missing if isinstance(fault, MissingKey) else None
                if missing is None or not any(did_you_mean(key, [missing]) for key in unknown):
                    self.draft.report(fault, path, calls)
                key = str(fault.key[0]) if fault.key else ""
                kept.pop(key, None)
                self.draft.lacks_library |= key == "use"
            return form.model_construct(**{**dict.fromkeys(form.model_fields), **kept})

    def check_parameter(self, name: str, path: Path, calls: Calls = ()) -> None:
        """Report a parameter's name that is taken, or that `$` could not refer to."""
        if name in RESERVED or name == "index":
            self.draft.report(UnusableName(name, "reserved for the format itself", (), at_key=True), path, calls)
        elif not name.isidentifier():
            why = "`$` could not refer to it: use letters, digits and _"
            self.draft.report(UnusableName(name, why, (), at_key=True), path, calls)

    def named(self, use: Any, blocks: Mapping[str, Any], path: Path = (), calls: Calls = ()) -> Named:
        """The blocks that the layers of a file or a library may call: its own, and those of the libraries that it uses,
        which one of its own hides. `path` leads to the file, and `calls` to it from one that uses it.
        """
        found: Named = {}
        origins: dict[str, str] = {}
        for at, key, library in self._used(use, path, calls):
            for name, block in library.items():
                if name.startswith("_") or name in blocks or origins.get(name) == key:
                    continue
                if name in found:
                    self.draft.report(AmbiguousBlock(name, origins[name], key), at, calls)
                else:
                    found[name], origins[name] = block, key
        reader = EntryReader()
        for name, raw in blocks.items():
            if not _is_own(name):
                found[name] = self._block(name, raw, reader, found, (*path, "blocks", name), calls)
        for place, fault in reader.faults:
            self.draft.report(fault, place, calls)
        return found

    # Libraries

    def _used(self, use: Any, path: Path, calls: Calls) -> Iterator[tuple[Path, str, Named]]:
        """The libraries that a file uses: the place of each name, the library's key, and its blocks."""
        listed = isinstance(use, list)
        for i, name in enumerate(use if listed else [use] if use is not None else []):
            at: Path = (*path, "use", i) if listed else (*path, "use")
            key = self._key(name, at, calls)
            if key is not None:
                yield at, key, self._library(key, name, (at, *calls))

    def _key(self, name: str, at: Path, calls: Calls) -> str | None:
        """The key of the library that a name means, or most likely means; None where there is none, which is told."""
        shelf, user = self.draft.source.shelf, self._open[-1] if self._open else None
        try:
            key = key_of(name, shelf, user)
            if key not in self._open:
                return key
            raise UnusableLibrary.cyclic([*self._open[self._open.index(key) :], key])
        except UnusableLibrary as fault:
            self.draft.report(fault, at, calls)
            self.draft.lacks_library = True
            meant = str(fault.mends[0][0].value) if fault.mends else None
            try:
                key = key_of(meant, shelf, user) if meant is not None else ""
            except Fault:
                return None
            if not key or key in self._open:
                return None
            self.draft.slips |= slip(f"`{meant}` for `{name}`")
            return key
        except Fault as fault:
            self._report_text(fault, at, calls)
            return None

    def _report_text(self, fault: Fault, at: Path, calls: Calls) -> None:
        """Report what keeps a library from being read, in its text or, where there is none to show, at its name."""
        self.draft.lacks_library = True
        shelf = self.draft.source.shelf
        key = next(key for key, each in shelf.faults.items() if each is fault)
        if isinstance(fault, NotAModel):
            fault = NotAModel.library(fault)
        if shelf.sources[key].text:
            self.draft.report(fault, ("use", key), (at, *calls))
        else:
            self.draft.report(fault, at, calls)

    def _library(self, key: str, name: str, calls: Calls) -> Named:
        """The blocks of a library itself, without those of the libraries that it uses."""
        if key in self._libraries:
            return self._libraries[key]
        source, path = self.draft.source.shelf.sources[key], ("use", key)
        for fault in source.faults:
            self.draft.report(fault, path, calls)
        raw = dict(source.data)
        foreign = [each for each in ("layers", "input", "outputs", "params") if each in raw]
        if foreign:
            self.draft.report(UnusableLibrary.a_model(name, foreign[0]), path, calls)
            raw = {each: value for each, value in raw.items() if each in LibraryFormat.model_fields}
            raw.setdefault("blocks", {})
        read = self.section(LibraryFormat, raw, "a library of blocks", path, calls)
        self.draft.lacks_library |= not read.blocks
        self._open.append(key)
        found = self.named(read.use, read.blocks or {}, path, calls)
        self._open.pop()
        own = self._libraries[key] = {name: block for name, block in found.items() if name in (read.blocks or {})}
        return own

    # Blocks

    def _block(self, name: str, raw: Any, reader: EntryReader, named: Named, path: Path, calls: Calls) -> Block | None:
        report = self.draft.report
        if name in self.draft.types:
            report(UnusableName(name, "a layer has this name", (), at_key=True), path, calls)
        elif why := unusable(name):
            report(UnusableName(name, why, (), at_key=True), path, calls)
        if not isinstance(raw, dict):
            report(WrongValue(name, "a mapping such as {layers: […]}", raw, key=()), path, calls)
            return None
        read = self.section(BlockFormat, raw, f"the block `{name}`", path, calls)
        params = read.params or {}
        for each in params:
            self.check_parameter(each, (*path, "params", each), calls)
        reader.names = (*self.draft.params, *params)
        inputs = names_of(read.inputs) if read.inputs is not None else ("input",)
        if any(each.startswith(ANY) and (each == ANY or i < len(inputs) - 1) for i, each in enumerate(inputs)):
            wanted = 'names, of which the last may be of any number, as in [x, "*rest"]'
            report(WrongValue("inputs", wanted, read.inputs), path, calls)
            inputs = plain(inputs)
        if len(set(plain(inputs))) < len(inputs) or hides_any(inputs):
            report(WrongValue("inputs", "names of which no two are the same", read.inputs), path, calls)
        outputs = names_of(read.outputs) if read.outputs is not None else ()
        entries = reader.entries(read.layers, (*path, "layers"))
        return Block((*path, "layers"), name, entries, params, inputs, outputs, named) if entries else None


def _is_own(key: object) -> bool:
    return isinstance(key, str) and key.startswith("x-")
