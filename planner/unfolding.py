"""Unfolding: a Source becomes a Model. Blocks are called, parameters evaluated, repeats copied and names given.

What is wrong in one entry does not hide what is wrong in another: the fault is collected, and the entry is kept as a
step without a layer, with a guess of what was meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from planner.arithmetic import Expression, Template
from planner.diagnostics import Diagnostic, Edit, Fault, Path, did_you_mean, nearest
from planner.faults.duplicate_name import DuplicateName
from planner.faults.endless_blocks import EndlessBlocks
from planner.faults.missing_key import MissingKey
from planner.faults.no_such_output import NoSuchOutput
from planner.faults.source_below import SourceBelow
from planner.faults.tensor_too_large import TensorTooLarge
from planner.faults.too_many_steps import TooManySteps
from planner.faults.unknown_key import UnknownKey
from planner.faults.unknown_parameter import UnknownParameter
from planner.faults.unknown_source import UnknownSource
from planner.faults.unknown_type import UnknownType
from planner.faults.unusable_name import UnusableName
from planner.faults.wrong_number_of_sources import WrongNumberOfSources
from planner.faults.wrong_value import WrongValue
from planner.format import (
    RESERVED,
    UNKNOWN,
    Block,
    BlockFormat,
    Entry,
    FileFormat,
    Reader,
    Values,
    allowed_of,
    expressions,
    faults_of,
    meaning,
    names_of,
    say_dollar,
    with_dollar,
)
from planner.geometry import Shape
from planner.guesses import DOUBT, HARMLESS, NOBODY_KNOWS, NONE, Guess, Slips, made, slip
from planner.layers import all_layers
from planner.layers._fields import is_whole
from planner.layers._layer import LARGEST, Layer
from planner.model import Group, Instance, LeftOut, Mention, Model, Ref
from planner.sight import Sight, named
from planner.source import Source

MOST_STEPS = 250_000
MOST_VISITS = 1_000_000
"""Entries looked at while unfolding, those that `when` leaves out included: it bounds what blocks of nothing can
cost."""
DEEPEST = 50
"""How deep blocks may call one another."""
MOST_AXES = 64
"""More axes than PyTorch's tensors can have."""

Named = Mapping[str, Any]
Form = TypeVar("Form", bound=BaseModel)


def load(source: Source, *, input: Any = None, params: Named | None = None) -> Model:
    """Unfold a source. `input` replaces the file's input shape (or shapes, by name), `params` its parameters.

    Never raises for what is wrong in the file: the Model carries the diagnostics.
    """
    return _Unfolding(source).model(input, params or {})


@dataclass(slots=True)
class _Handed:
    """What a name stands for: the tensors that an entry hands on. A layer's own outputs are known only to the plan.

    names   what the tensors are called inside, where they are the outputs of a block
    copies  how many copies the entry has; None where it is not repeated
    slips   what was guessed to find the tensors
    """

    refs: tuple[Ref, ...]
    is_layer: bool = False
    names: tuple[str, ...] = ()
    copies: int | None = None
    slips: Slips = NONE


@dataclass(slots=True, kw_only=True)
class _Scope(Sight[_Handed]):
    """Where a list of layers is unfolded: what is in sight, and where the list stands."""

    values: Values
    prefix: str = ""
    group: Group | None = None
    calls: tuple[Path, ...] = ()
    blocks: tuple[str, ...] = ()
    allow: frozenset[str] = frozenset()
    counts: dict[str, int] = field(default_factory=dict)
    """How many numbers each type has used up for layers without a name."""
    slips: Slips = NONE
    """What was guessed of the calls that led here."""


class _Stop(Exception):
    """The file asks for more than is unfolded; why is already among the diagnostics."""


class _Unfolding:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.types = all_layers()
        self.diagnostics: list[Diagnostic] = []
        self.reported: set[tuple[object, Path, str]] = set()
        self.params: Values = {}
        self.blocks: dict[str, Block | None] = {}
        self.instances: list[Instance] = []
        self.groups: list[Group] = []
        self.numbered: list[Mention] = []
        self.left_out: list[LeftOut] = []
        self.full_names: set[str] = set()
        self.layers: dict[tuple[str, str], Layer] = {}
        self.slips = NONE
        self.meant: dict[str, str] = {}
        self.visits = 0

    # What is wrong

    def report(self, fault: Fault, path: Path = (), calls: tuple[Path, ...] = (), step: str | None = None) -> None:
        """Collect a fault, once for a place however many copies stumble over it."""
        found = Diagnostic.of(fault, path, calls=calls, step=step)
        key = (found.kind, found.path, found.message)
        if key not in self.reported:
            self.reported.add(key)
            self.diagnostics.append(found)

    # The file

    def model(self, input: Any, overrides: Named) -> Model:
        for fault in self.source.faults:
            self.report(fault)
        said = {key: value for key, value in self.source.data.items() if not _is_own(key)}
        file = self._format(FileFormat, said, "the model file")
        outputs: tuple[Ref, ...] = ()
        self.params = params = self._params(file.params or {}, overrides)
        reader = Reader()
        reader.names = tuple(params)
        entries = reader.entries(file.layers, ("layers",))
        for name, block in (file.blocks or {}).items():
            if not _is_own(name):
                self.blocks[name] = self._block(name, block, reader)
        for path, fault in reader.faults:
            self.report(fault, path)
        given = file.input if input is None else input
        handed = self._inputs(given, input is not None, params) if given is not None else {}
        known = bool(handed and entries)
        handed = handed or self._unknown_inputs(given)
        first = [_Handed((ref,)) for ref in handed.values()]
        names = named(handed, first)
        scope = _Scope(inputs=tuple(names), names=names, above=first[0], values=params)
        fallback = self.source.file.rsplit("/", 1)[-1].rsplit(".", 1)[0] if self.source.file else "model"
        declared = names_of(file.outputs) if file.outputs is not None else ()
        root = Block(("layers",), file.name or fallback, entries, file.params or {}, tuple(handed), declared)
        try:
            self.unfold(root, scope)
            outputs = self._outputs(file, scope)
        except _Stop:
            known = False
        if not known:
            self.instances.clear()
            self.groups.clear()
            self.numbered.clear()
            self.left_out.clear()
            outputs = ()
        return Model(
            name=root.name,
            root=root,
            blocks={name: block for name, block in self.blocks.items() if block is not None},
            instances=self.instances,
            groups=self.groups,
            numbered=self.numbered,
            outputs=outputs,
            params=_known(params),
            source=self.source,
            diagnostics=self.diagnostics,
            allow=allowed_of(file.allow),
            left_out=self.left_out,
        )

    def _format(self, form: type[Form], raw: dict[str, Any], owner: str, path: Path = ()) -> Form:
        """A section of the file in its form, without the keys whose values are wrong; what is needed and not there is
        None. A misspelt key that is needed is one fault, not two.
        """
        known = [each.alias or name for name, each in form.model_fields.items()]
        unknown = [key for key in raw if key not in known]
        kept = {key: value for key, value in raw.items() if key in known}
        for key in unknown:
            self.report(UnknownKey(key, owner, known), path)
            near = next(iter(nearest(key, known)), None)
            if near is not None and kept.setdefault(near, raw[key]) is raw[key]:
                self.slips |= slip(f"`{near}` for `{key}`")
        try:
            return form.model_validate(kept)
        except ValidationError as error:
            for fault in faults_of(error, owner):
                missing = fault.missing if isinstance(fault, MissingKey) else None
                if missing is None or not any(did_you_mean(key, [missing]) for key in unknown):
                    self.report(fault, path)
                kept.pop(str(fault.key[0]) if fault.key else "", None)
            return form.model_construct(**{**dict.fromkeys(form.model_fields), **kept})

    def _params(self, declared: dict[str, Any], overrides: Named) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name in overrides:
            if name not in declared:
                self.report(UnknownParameter(name, declared), ("params",))
        for name, default in declared.items():
            self._check_parameter_name(name, ("params", name))
            if name in overrides:
                values[name] = overrides[name]
            elif default is None:
                self.report(MissingKey(name, "the model"), ("params", name))
                values[name] = UNKNOWN
            else:
                values[name] = self._evaluated(default, values, ("params", name))
        return values

    def _check_parameter_name(self, name: str, path: Path) -> None:
        if name in RESERVED or name == "index":
            self.report(UnusableName(name, "reserved for the format itself", (), at_key=True), path)
        elif not name.isidentifier():
            self.report(
                UnusableName(name, "`$` could not refer to it: use letters, digits and _", (), at_key=True), path
            )

    def _evaluated(self, value: Any, values: Values, path: Path) -> Any:
        """A parameter's value with its expressions evaluated; its likely meaning, or UNKNOWN, after a fault."""
        try:
            entry = Entry(path, "", args={"value": value}, computed=tuple(expressions({"value": value}, ())))
        except Fault as fault:
            fault.key = fault.key[1:]
            self.report(fault, path)
            return UNKNOWN
        found = entry.arguments(values)
        for wrong in found.faults:
            wrong.key = wrong.key[1:]
            self.report(wrong, path)
        self.slips |= Slips(tuple(found.said), any=bool(found.faults))
        return UNKNOWN if found.lost else found.values["value"]

    def _inputs(self, given: Any, replaced: bool, params: Values) -> dict[str, Ref]:
        """The model's inputs as the first instances."""
        declared = self.source.data.get("input")
        if isinstance(declared, dict) and replaced and not isinstance(given, dict) and len(declared) == 1:
            given = {next(iter(declared)): given}
        shapes: dict[str, Any]
        if isinstance(declared, dict) and replaced:
            unknown = [name for name in given if name not in declared] if isinstance(given, dict) else ["input"]
            for name in unknown:
                self.report(UnknownKey(name, "`input`", map(str, declared)), ("input",))
            shapes = {**declared, **(given if isinstance(given, dict) else {})}
        elif isinstance(given, dict):
            shapes = given
        else:
            shapes = {"input": given}
        several = isinstance(declared, dict)
        found: dict[str, Ref] = {}
        for name, raw in shapes.items():
            path: Path = ("input", name) if several else ("input",)
            value = self._evaluated(raw, params, path)
            if why := _unusable(name):
                self.report(UnusableName(name, why, (), at_key=several), path)
            sizes = list(value) if isinstance(value, list | tuple) and len(value) <= MOST_AXES else None
            if sizes and all(is_whole(size) and size > 0 for size in sizes):
                shape = Shape(sizes)
                if shape.elements > LARGEST:
                    self.report(TensorTooLarge(shape), path)
                else:
                    self.full_names.add(name)
                    found[name] = Ref(len(self.instances), 0)
                    self.instances.append(Instance(name, "Input", None, (), path, input=shape))
            elif value is not UNKNOWN:
                wanted = "the sizes of its axes with the channels last, such as [224, 224, 3], each from 1"
                self.report(WrongValue(name, wanted, value, key=()), path)
        return found if len(found) == len(shapes) else {}

    def _unknown_inputs(self, given: Any) -> dict[str, Ref]:
        """Inputs without a shape, for the names in the file to be looked up."""
        names = [str(name) for name in given] if isinstance(given, dict) and given else ["input"]
        first = len(self.instances)
        self.instances += [Instance(name, "Input", None, (), ("input",)) for name in names]
        return {name: Ref(first + i, 0) for i, name in enumerate(names)}

    def _block(self, name: str, raw: Any, reader: Reader) -> Block | None:
        path: Path = ("blocks", name)
        if name in self.types:
            self.report(UnusableName(name, "a layer has this name", (), at_key=True), path)
        elif why := _unusable(name):
            self.report(UnusableName(name, why, (), at_key=True), path)
        if not isinstance(raw, dict):
            self.report(WrongValue(name, "a mapping such as {layers: […]}", raw, key=()), path)
            return None
        read = self._format(BlockFormat, {k: v for k, v in raw.items() if not _is_own(k)}, f"the block `{name}`", path)
        params = read.params or {}
        for each in params:
            self._check_parameter_name(each, (*path, "params", each))
        reader.names = (*self.params, *params)
        inputs = names_of(read.inputs) if read.inputs is not None else ("input",)
        outputs = names_of(read.outputs) if read.outputs is not None else ()
        entries = reader.entries(read.layers, (*path, "layers"))
        return Block((*path, "layers"), name, entries, params, inputs, outputs) if entries else None

    def _outputs(self, file: FileFormat, scope: _Scope) -> tuple[Ref, ...]:
        if file.outputs is None:
            return scope.above.refs
        listed = isinstance(file.outputs, list)
        refs = []
        for i, name in enumerate(names_of(file.outputs)):
            key: Path = ("outputs", i) if listed else ("outputs",)
            try:
                refs.append(self.one(name, scope, key, ()).refs[0])
            except Fault as fault:
                self.report(fault)
        return tuple(refs)

    # A list of layers

    def unfold(self, block: Block, scope: _Scope) -> None:
        """Unfold a list of layers; `scope.above` is then what the list hands on."""
        entries, nameless = block.entries, block.nameless
        explicit = {entry.name for entry in entries if isinstance(entry.name, str)}
        position = 0
        for at, entry in enumerate(entries):
            self.visit(entry, 1, scope)
            slips = NONE
            if not entry.sound:
                slips = Slips(entry.said, bool(entry.lost & {"from", "repeat", "when"}), any=True)
            copies, slips = self.copies(entry, scope, self.slips | scope.slips | slips)
            sources = self.sources(entry, entries, at, scope) if entry.sources is not None else (scope.above,)
            if copies == 0:
                self.leave_out(entry, scope, sources)
                continue
            base = None
            for index in range(copies or 1):
                if index:
                    self.visit(entry, 1, scope)
                values = scope.values if copies is None else {**scope.values, "index": index}
                guessed = slips
                try:
                    if nameless:
                        name = str(position)
                        position += 1
                    elif not isinstance(entry.name, str | None):
                        name = self._evaluated_name(entry, values)
                        self._give(name, entry, scope)
                    else:
                        if base is None:
                            base = self._own_name(entry, scope, explicit)
                        name = base if copies is None else f"{base}.{index}"
                except (Fault, _Known) as fault:
                    if isinstance(fault, Fault):
                        self.report(fault, entry.path, scope.calls)
                    name = f"?{len(self.instances)}"
                    guessed |= HARMLESS
                handed = self.place(entry, name, values, scope, sources, guessed)
                scope.hand_on(name, handed)
                sources = (handed,)
            if base is not None:
                scope.repeated(base, scope.above if copies is None else replace(scope.above, copies=copies))

    def leave_out(self, entry: Entry, scope: _Scope, sources: tuple[_Handed, ...]) -> None:
        """An entry of which there is no copy: it hands its first source on, unless another entry of its name is there
        in its place.
        """
        try:
            name = None if entry.name is None else self._written_name(entry, scope)
        except (Fault, _Known) as fault:
            if isinstance(fault, Fault):
                self.report(fault, entry.path, scope.calls)
            name = None
        if scope.leave_out(name, sources[0]) and len(sources) > 1 and all(each.refs for each in sources):
            refs = [each.refs[0] for each in sources]
            key = "when" if entry.when is not None else "repeat"
            full = scope.prefix + (name or str(entry.type).lower())
            self.left_out.append(LeftOut(entry.path, scope.calls, full, key, refs[0], tuple(refs[1:])))

    def visit(self, entry: Entry, count: int, scope: _Scope) -> None:
        self.visits += count
        if self.visits > MOST_VISITS or len(self.instances) + count > MOST_STEPS:
            self.report(TooManySteps(count, MOST_STEPS), entry.path, scope.calls)
            raise _Stop

    def copies(self, entry: Entry, scope: _Scope, slips: Slips) -> tuple[int | None, Slips]:
        """How many copies, and what was guessed; None where `repeat` is not given, so that a single one is not
        numbered.
        """
        try:
            return self._copies(entry, scope), slips
        except Fault as fault:
            self.report(fault, entry.path, scope.calls)
        except _Known:
            pass
        return None, slips | DOUBT

    def _copies(self, entry: Entry, scope: _Scope) -> int | None:
        when = self._value(entry.when, "when", scope.values)
        if when is not None and not isinstance(when, bool):
            raise WrongValue("when", "true or false", when)
        if when is False:
            return 0
        repeat = self._value(entry.repeat, "repeat", scope.values)
        if repeat is None:
            return None
        if not is_whole(repeat) or repeat < 0:
            raise WrongValue("repeat", "a whole number from 0", repeat)
        if repeat > MOST_STEPS:
            self.report(TooManySteps(repeat, MOST_STEPS), entry.path, scope.calls)
            raise _Stop
        return int(repeat)

    def _value(self, value: Any, key: str, values: Values) -> Any:
        if not isinstance(value, Expression):
            return value
        if any(values.get(name) is UNKNOWN for name in value.names):
            raise _Known
        try:
            return value.evaluate(values)
        except Fault as fault:
            fault.key = (key,)
            raise

    def _own_name(self, entry: Entry, scope: _Scope, explicit: set[str]) -> str:
        """The name that the file gives an entry, or its type in lower case with the first number that is free."""
        if entry.name is not None:
            name = self._written_name(entry, scope)
            self._give(name, entry, scope)
            return name
        kind = self._value(entry.type, "type", scope.values)
        base = self._meant(str(kind)).lower()
        number = scope.counts.get(base, 0)
        while (name := f"{base}_{number}" if number else base) in scope.names or name in explicit:
            number += 1
        scope.counts[base] = number
        return name

    def _meant(self, kind: str) -> str:
        """A type, or the one that is most likely meant, after which an entry without a name is called."""
        if kind in self.types or kind in self.blocks:
            return kind
        if kind not in self.meant:
            sizes = self.instances[0].input if self.instances else None
            fault = UnknownType(kind, [*self.types, *self.blocks], sizes=sizes)
            self.meant[kind] = str(fault.proposed[0]["type"]) if fault.proposed else kind
        return self.meant[kind]

    def _written_name(self, entry: Entry, scope: _Scope) -> str:
        """The name that the file gives an entry, in its first copy."""
        if not isinstance(entry.name, str):
            return self._evaluated_name(entry, {**scope.values, "index": 0})
        if why := _unusable(entry.name):
            raise UnusableName(entry.name, why)
        if entry.name in scope.inputs or entry.name == "input":
            raise UnusableName(entry.name, "it means the input here")
        return entry.name

    def _evaluated_name(self, entry: Entry, values: Values) -> str:
        assert isinstance(entry.name, Template)
        if any(values.get(name) is UNKNOWN for name in entry.name.names):
            raise _Known
        name = entry.name.evaluate(values)
        if why := _unusable(name):
            raise UnusableName(name, why)
        return name

    def _give(self, name: str, entry: Entry, scope: _Scope) -> None:
        """Note that an entry of the list has a name, which no other one may have."""
        if name in scope.inputs or name == "input":
            raise UnusableName(name, "it means the input here")
        if name in scope.given:
            first = self.source.place(scope.given[name])
            raise DuplicateName(name, first.line if first else None)
        scope.given[name] = entry.path

    # Wiring

    def sources(self, entry: Entry, entries: tuple[Entry, ...], at: int, scope: _Scope) -> tuple[_Handed, ...]:
        """What the `from` of the entry at a place of its list names."""
        listed = len(entry.sources or ()) > 1
        found = []
        for i, name in enumerate(entry.sources or ()):
            key: Path = ("from", i) if listed else ("from",)
            try:
                if scope.find(name)[0] is None:
                    self._look_below(name, entry, entries[at + 1 :], key)
                handed = self.one(name, scope, key, entry.path)
            except Fault as fault:
                self.report(fault, entry.path, scope.calls)
                handed = self.likely(fault, name, scope)
            found.append(handed)
        return tuple(found)

    def _look_below(self, name: str, entry: Entry, later: tuple[Entry, ...], key: Path) -> None:
        below = next((each for each in later if each.name == name), None)
        if below is not None or name == entry.name:
            place = self.source.place(below.path) if below else None
            raise SourceBelow(name, _cycle(str(entry.name), name, later), place.line if place else None, key)

    def likely(self, fault: Fault, name: str, scope: _Scope) -> _Handed:
        """The tensor that a wrong name most likely means: the one that the fault proposes, or the one above."""
        if fault.mends:
            meant = str(fault.mends[0][0].value)
            try:
                return replace(self.one(meant, scope, (), None), slips=slip(f"`{meant}` for `{name}`"))
            except Fault:
                pass
        return replace(scope.above, refs=scope.above.refs[:1], slips=scope.above.slips | DOUBT)

    def one(self, name: str, scope: _Scope, key: Path, path: Path | None) -> _Handed:
        """The single tensor that a name means; with a path, the place where the file names it by a number is kept."""
        handed, number = scope.find(name)
        if handed is None:
            raise UnknownSource(name, scope.names, key)
        if number is None:
            if len(handed.refs) != 1:
                raise NoSuchOutput(name, None, len(handed.refs), key, handed.names)
            return handed
        base = name.removesuffix(f".{number}")
        if not number.isdecimal():
            if handed.names:
                raise NoSuchOutput(base, number, len(handed.refs), key, handed.names)
            raise UnknownSource(name, scope.names, key)
        output = int(number[:6])
        if handed.is_layer:
            ref = Ref(handed.refs[0].step, output)
            if path is not None:
                self.numbered.append(Mention(ref, path, key, scope.calls, base, handed.copies))
            return _Handed((ref,), slips=handed.slips)
        if output >= len(handed.refs):
            raise NoSuchOutput(base, output, len(handed.refs), key, handed.names)
        return _Handed((handed.refs[output],), slips=handed.slips)

    # One copy

    def place(
        self,
        entry: Entry,
        name: str,
        values: Values,
        scope: _Scope,
        sources: tuple[_Handed, ...],
        slips: Slips,
    ) -> _Handed:
        """Put one copy of an entry into the model and give what it hands on."""
        full = scope.prefix + name
        kind = "?"
        layer: Layer | None = None
        guess: Guess | None = NOBODY_KNOWS
        try:
            if full in self.full_names:
                self.report(DuplicateName(full, None), entry.path, scope.calls, full)
                slips |= HARMLESS
                while full in self.full_names:
                    full += "_2"
            self.full_names.add(full)
            kind = self._kind(entry, values)
            if entry.inner is not None:
                return self._call(entry, full, kind, entry.inner, dict(values), scope, sources, slips)
            if kind in self.blocks:
                return self._call_block(entry, full, kind, values, scope, sources, slips)
            layer, guess = self.layer(entry, kind, values, scope, full)
        except Fault as fault:
            self.report(fault, entry.path, scope.calls, full)
        except _Known:
            pass
        for handed in sources:
            if handed.slips is not NONE:
                slips = handed.slips | slips
        if slips.any:
            layer, guess = None, (guess or Guess(layers=(layer, layer))).with_slips(slips)
        meant = layer or (guess.layers[0] if guess else None)
        refs = tuple(handed.refs[0] for handed in sources if handed.refs)
        if meant is not None and meant.takes == (0, 0) and entry.sources is None:
            refs = ()
        at = len(self.instances)
        allow = scope.allow | entry.allow if entry.allow else scope.allow
        self.instances.append(
            Instance(full, kind, layer, refs, entry.path, scope.calls, allow, scope.group, guess=guess)
        )
        return _Handed((Ref(at),), is_layer=True)

    def _kind(self, entry: Entry, values: Values) -> str:
        """What `type` says."""
        if "type" in entry.lost:
            raise _Known
        kind = self._value(entry.type, "type", values)
        if not isinstance(kind, str):
            raise WrongValue("type", "the name of a layer or a block", kind)
        return kind

    def layer(
        self, entry: Entry, kind: str, values: Values, scope: _Scope, full: str
    ) -> tuple[Layer | None, Guess | None]:
        """The layer that an entry means, the same object for the same arguments; a guess where something is wrong."""
        read = [values.get(name) for name in entry.reads]
        key = (kind, *((type(value), value) for value in read))  # 1, 1.0 and true are equal in Python
        try:
            found: tuple[Layer | None, Guess | None] = entry.resolved[key]
            return found
        except (KeyError, TypeError):
            pass
        found = self._layer(entry, kind, values, scope, full)
        try:
            entry.resolved[key] = found
        except TypeError:  # a list among the parameters
            pass
        return found

    def _layer(
        self, entry: Entry, kind: str, values: Values, scope: _Scope, full: str
    ) -> tuple[Layer | None, Guess | None]:
        args = entry.arguments(values)
        faults = list(args.faults)
        layer: Layer | None = None
        guess: Guess | None = None
        if kind not in self.types:
            faults.append(UnknownType(kind, [*self.types, *self.blocks], given=args.values))
            given = {key: each for key, each in args.values.items() if key not in args.lost}
            guess = Guess(unknown=(kind, given), blocks=tuple(self.blocks))
        elif args.lost or args.said:
            found = made(self.types[kind], args.values, frozenset(args.lost))
            faults += found.faults
            guess = found.meant
        else:
            interned = (kind, repr(args.values))
            layer = self.layers.get(interned)
            if layer is None:
                found = made(self.types[kind], args.values)
                layer, guess = found.layer, found.guess
                if layer is not None:
                    self.layers[interned] = layer
                marked: dict[str, Any] = {}
                for fault in found.faults:
                    faults.append(_of_expression(fault, args.values, entry))
                    marked |= _with_dollar(fault, args.values, values)
                if marked:
                    mended = made(self.types[kind], {**args.values, **marked})
                    guess = mended.meant
                    args.said += [f"the `$` in `{name}`" for name in marked]
        for fault in faults:
            self.report(
                fault, entry.path, scope.calls if fault in args.faults else (), full if kind not in self.types else None
            )
        if args.said and guess is not None:
            guess = guess.with_slips(Slips(tuple(args.said), any=True))
        return layer, guess

    def _call_block(
        self,
        entry: Entry,
        full: str,
        kind: str,
        values: Values,
        scope: _Scope,
        sources: tuple[_Handed, ...],
        slips: Slips,
    ) -> _Handed:
        block = self.blocks[kind]
        found = entry.arguments(values)
        for fault in found.faults:
            self.report(fault, entry.path, scope.calls, full)
        if found.faults or found.lost:
            slips |= Slips(tuple(found.said), any=True)
        if block is None:
            raise _Known
        given = {key: UNKNOWN if key in found.lost else value for key, value in found.values.items()}
        for key in [key for key in given if key not in block.params]:
            needed = (name for name, default in block.params.items() if default is None and name not in given)
            fault = UnknownKey(key, f"the block `{kind}`", block.params, next(needed, ""))
            self.report(fault, entry.path, scope.calls, full)
            meant = fault.mends[0][0]
            if meant.action == "rename" and given.setdefault(str(meant.value), given[key]) is given[key]:
                slips |= slip(f"`{meant.value}` for `{key}`")
            else:
                slips |= slip(f"without `{key}`")
        if len(sources) != len(block.inputs):
            copy = int(values["index"]) if entry.repeat is not None and values.get("index") else None
            wrong = WrongNumberOfSources.of_block(kind, block.inputs, len(sources), entry.sources or (), copy)
            self.report(wrong, entry.path, scope.calls, full)
            filled = (*sources, *(sources[-1:] or (scope.above,)) * len(block.inputs))[: len(block.inputs)]
            sources = tuple(replace(each, slips=each.slips | DOUBT) for each in filled)
        inner = dict(self.params)
        for name, default in block.params.items():
            if given.get(name) is not None:
                inner[name] = given[name]
            elif default is None:
                self.report(MissingKey(name, f"the block `{kind}`"), entry.path, scope.calls, full)
                slips |= DOUBT
                inner[name] = UNKNOWN
            else:
                inner[name] = self._evaluated(default, inner, (*block.path[:-1], "params", name))
        return self._call(entry, full, kind, block, inner, scope, sources, slips)

    def _call(
        self,
        entry: Entry,
        full: str,
        kind: str,
        block: Block,
        values: dict[str, Any],
        scope: _Scope,
        sources: tuple[_Handed, ...],
        slips: Slips,
    ) -> _Handed:
        if len(scope.calls) >= DEEPEST:
            self.report(EndlessBlocks([*scope.blocks, kind], DEEPEST), entry.path, scope.calls, full)
            raise _Stop
        args = _known({name: values[name] for name in block.params})
        group = Group(full, kind, entry.path, block, args, scope.group, len(self.instances))
        self.groups.append(group)
        inner = _Scope(
            inputs=block.inputs,
            names=named(block.inputs, sources),
            above=sources[0],
            values=values,
            prefix=f"{full}.",
            group=group,
            calls=scope.calls if block.owner else (entry.path, *scope.calls),
            blocks=(*scope.blocks, kind),
            allow=scope.allow | entry.allow,
            slips=slips,
        )
        self.unfold(block, inner)
        group.last = len(self.instances)
        if not block.outputs:
            return inner.above
        refs, guessed = [], NONE
        for i, name in enumerate(block.outputs):
            key: Path = (*block.path[:-1], "outputs", i) if len(block.outputs) > 1 else (*block.path[:-1], "outputs")
            try:
                handed = self.one(name, inner, key, ())
            except Fault as fault:
                self.report(fault, (), inner.calls)
                handed = self.likely(fault, name, inner)
            refs.append(handed.refs[0])
            guessed |= handed.slips
        group.outputs = tuple(refs)
        return _Handed(group.outputs, names=block.outputs, slips=guessed)


def _known(values: dict[str, Any]) -> dict[str, Any]:
    """Parameters, with None for those that something is wrong with."""
    return {name: None if value is UNKNOWN else value for name, value in values.items()}


def _with_dollar(fault: Fault, args: dict[str, Any], values: Values) -> dict[str, Any]:
    """The argument at fault as what it comes to where only its `$` was forgotten, which the fault then says."""
    key = str(fault.key[0]) if len(fault.key) == 1 else ""
    marked = with_dollar(args.get(key), [name for name, value in values.items() if value is not UNKNOWN])
    if marked is None or not isinstance(fault, WrongValue) or fault.mends:
        return {}
    say_dollar(fault, key, marked)
    value = meaning(fault, values)
    return {} if value is None else {key: value}


def _of_expression(fault: Fault, args: dict[str, Any], entry: Entry) -> Fault:
    """A fault of an argument; where an expression came to a number that is not whole, the help is to round it."""
    key = fault.key[0] if len(fault.key) == 1 else None
    written = entry.args.get(str(key))
    if isinstance(args.get(str(key)), float) and isinstance(written, str) and "whole number" in fault.message:
        fault.help = f"round the expression: `{key}: round({written})`"
        fault.mends = ((Edit((), f"round({written})"),),)
    return fault


class _Known(Exception):
    """A fault that stands where it was made, in the block, and is not this call's."""


def _is_own(key: object) -> bool:
    return isinstance(key, str) and key.startswith("x-")


def _unusable(name: str) -> str:
    """Why a name cannot be one; empty where it can."""
    if not name.strip():
        return "it is empty"
    if len(name) > 200:
        return f"it has {len(name):,} characters, 200 are the most"
    if name.isprintable():
        return ""
    bad = next(char for char in name if not char.isprintable())
    return f"it holds the character U+{ord(bad):04X}, which cannot be shown"


def _cycle(name: str, source: str, later: tuple[Entry, ...]) -> list[str]:
    """The names around the cycle that begins with `name` reading `source`, or nothing where it is none."""
    import networkx

    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.add_edge(source, name)
    above = name
    for entry in later:
        here = entry.name if isinstance(entry.name, str) else f"{entry.path[-1]}"
        graph.add_edges_from((each, here) for each in entry.sources or (above,))
        above = here
    if source == name:
        return [name, name]
    if not networkx.has_path(graph, name, source):
        return []
    return [*networkx.shortest_path(graph, name, source), name]
