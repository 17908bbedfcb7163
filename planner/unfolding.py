"""Unfolding: a Source becomes a Model. Blocks are called, parameters evaluated, repeats copied and names given.

What is wrong in one entry does not hide what is wrong in another: the entry is kept as a step without a layer, and its
fault is collected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from planner.arithmetic import Expression
from planner.diagnostics import Diagnostic, Edit, Fault, Path, did_you_mean
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
    BlockFormat,
    Entry,
    FileFormat,
    Reader,
    Values,
    allowed_of,
    expressions,
    faults_of,
    names_of,
)
from planner.geometry import Shape
from planner.layers import all_layers
from planner.layers._fields import is_whole
from planner.layers._layer import LARGEST, Layer
from planner.model import Group, Instance, Mention, Model, Ref
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
class _Block:
    """A block of the file, ready to be called."""

    name: str
    params: dict[str, Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    entries: tuple[Entry, ...]
    path: Path


@dataclass(slots=True)
class _Handed:
    """What a name stands for: the tensors that an entry hands on. A layer's own outputs are known only to the plan."""

    refs: tuple[Ref, ...]
    is_layer: bool = False


@dataclass(slots=True)
class _Scope:
    """Where a list of layers is unfolded: what is in sight, and where the list stands."""

    values: Values
    names: dict[str, _Handed]
    above: _Handed
    prefix: str
    group: Group | None = None
    calls: tuple[Path, ...] = ()
    blocks: tuple[str, ...] = ()
    allow: frozenset[str] = frozenset()
    inputs: tuple[str, ...] = ("input",)
    given: dict[str, Path] = field(default_factory=dict)
    """The names that entries of the list have given so far, and where."""
    counts: dict[str, int] = field(default_factory=dict)
    """How many numbers each type has used up for layers without a name."""


class _Stop(Exception):
    """The file asks for more than is unfolded; why is already among the diagnostics."""


class _Unfolding:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.types = all_layers()
        self.diagnostics: list[Diagnostic] = []
        self.reported: set[tuple[object, Path, str]] = set()
        self.params: Values = {}
        self.blocks: dict[str, _Block | None] = {}
        self.instances: list[Instance] = []
        self.groups: list[Group] = []
        self.numbered: list[Mention] = []
        self.full_names: set[str] = set()
        self.layers: dict[tuple[str, str], Layer] = {}
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
        params: dict[str, Any] = {}
        outputs: tuple[Ref, ...] = ()
        if file is not None:
            self.params = params = self._params(file.params or {}, overrides)
            handed = self._inputs(file.input if input is None else input, input is not None, params)
            reader = Reader()
            entries = reader.entries(file.layers, ("layers",))
            for name, block in (file.blocks or {}).items():
                if not _is_own(name):
                    self.blocks[name] = self._block(name, block, reader)
            for path, fault in reader.faults:
                self.report(fault, path)
            if handed:
                names = {name: _Handed((ref,)) for name, ref in handed.items()}
                if len(names) == 1:
                    names.setdefault("input", next(iter(names.values())))
                scope = _Scope(params, names, next(iter(names.values())), "", inputs=tuple(names))
                try:
                    self.unfold(entries, scope)
                    outputs = self._outputs(file, scope)
                except _Stop:
                    self.instances.clear()
                    self.groups.clear()
                    self.numbered.clear()
        fallback = self.source.file.rsplit("/", 1)[-1].rsplit(".", 1)[0] if self.source.file else "model"
        return Model(
            name=(file.name if file else None) or fallback,
            instances=self.instances,
            groups=self.groups,
            numbered=self.numbered,
            outputs=outputs,
            params=params,
            source=self.source,
            diagnostics=self.diagnostics,
            allow=allowed_of(file.allow) if file else frozenset(),
        )

    def _format(self, form: type[Form], raw: dict[str, Any], owner: str, path: Path = ()) -> Form | None:
        """A section of the file in its form, or None; a misspelt key that is needed is one fault, not two."""
        known = [each.alias or name for name, each in form.model_fields.items()]
        unknown = [key for key in raw if key not in known]
        for key in unknown:
            self.report(UnknownKey(key, owner, known), path)
        try:
            return form.model_validate({key: value for key, value in raw.items() if key in known})
        except ValidationError as error:
            for fault in faults_of(error, owner):
                meant = isinstance(fault, MissingKey) and any(did_you_mean(key, [fault.missing]) for key in unknown)
                if not meant:
                    self.report(fault, path)
            return None

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
        """A parameter's value with its expressions evaluated; None after a fault."""
        try:
            entry = Entry(path, "", args={"value": value}, computed=tuple(expressions({"value": value}, ())))
            return entry.arguments(values)["value"]
        except Fault as fault:
            fault.key = fault.key[1:]
            self.report(fault, path)
            return None

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
            elif value is not None:
                wanted = "the sizes of its axes with the channels last, such as [224, 224, 3], each from 1"
                self.report(WrongValue(name, wanted, value, key=()), path)
        return found if len(found) == len(shapes) else {}

    def _block(self, name: str, raw: Any, reader: Reader) -> _Block | None:
        path: Path = ("blocks", name)
        if name in self.types:
            self.report(UnusableName(name, "a layer has this name", (), at_key=True), path)
        elif why := _unusable(name):
            self.report(UnusableName(name, why, (), at_key=True), path)
        if not isinstance(raw, dict):
            self.report(WrongValue(name, "a mapping such as {layers: […]}", raw, key=()), path)
            return None
        read = self._format(BlockFormat, {k: v for k, v in raw.items() if not _is_own(k)}, f"the block `{name}`", path)
        if read is None:
            return None
        params = read.params or {}
        for each in params:
            self._check_parameter_name(each, (*path, "params", each))
        inputs = names_of(read.inputs) if read.inputs is not None else ("input",)
        outputs = names_of(read.outputs) if read.outputs is not None else ()
        return _Block(name, params, inputs, outputs, reader.entries(read.layers, (*path, "layers")), path)

    def _outputs(self, file: FileFormat, scope: _Scope) -> tuple[Ref, ...]:
        if file.outputs is None:
            return scope.above.refs if scope.above.is_layer else tuple(scope.above.refs)
        listed = isinstance(file.outputs, list)
        refs = []
        for i, name in enumerate(names_of(file.outputs)):
            key: Path = ("outputs", i) if listed else ("outputs",)
            try:
                refs.append(self.one(name, scope, key, ()))
            except Fault as fault:
                self.report(fault)
        return tuple(refs)

    # A list of layers

    def unfold(self, entries: tuple[Entry, ...], scope: _Scope) -> None:
        """Unfold a list of layers; `scope.above` is then what the list hands on."""
        nameless = all(entry.name is None for entry in entries)
        explicit = {entry.name for entry in entries if isinstance(entry.name, str)}
        position = 0
        for at, entry in enumerate(entries):
            self.visit(entry, 1, scope)
            try:
                copies = self.copies(entry, scope)
                sources = self.sources(entry, entries, at, scope) if entry.sources is not None else (scope.above,)
            except Fault as fault:
                self.report(fault, entry.path, scope.calls)
                copies, sources = None, None
            if copies == 0:
                scope.above = (sources or (scope.above,))[0]
                if entry.name is not None:
                    scope.names[self._own_name(entry, scope, explicit)] = scope.above
                continue
            base = None
            for index in range(copies or 1):
                if index:
                    self.visit(entry, 1, scope)
                values = scope.values if copies is None else {**scope.values, "index": index}
                try:
                    if nameless:
                        name = str(position)
                        position += 1
                    elif not isinstance(entry.name, str | None):
                        name = entry.name.evaluate(values)
                        self._check_name(name, entry, scope)
                    else:
                        if base is None:
                            base = self._own_name(entry, scope, explicit)
                        name = base if copies is None else f"{base}.{index}"
                except Fault as fault:
                    self.report(fault, entry.path, scope.calls)
                    name = f"?{len(self.instances)}"
                handed = self.place(entry, name, values, scope, sources)
                scope.names[name] = scope.above = handed
                sources = (handed,)
            if base is not None:
                scope.names[base] = scope.above

    def visit(self, entry: Entry, count: int, scope: _Scope) -> None:
        self.visits += count
        if self.visits > MOST_VISITS or len(self.instances) + count > MOST_STEPS:
            self.report(TooManySteps(count, MOST_STEPS), entry.path, scope.calls)
            raise _Stop

    def copies(self, entry: Entry, scope: _Scope) -> int | None:
        """How many copies; None where `repeat` is not given, so that a single one is not numbered."""
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
        try:
            return value.evaluate(values)
        except Fault as fault:
            fault.key = (key,)
            raise

    def _own_name(self, entry: Entry, scope: _Scope, explicit: set[str]) -> str:
        """The name that the file gives an entry, or its type in lower case with the first number that is free."""
        if isinstance(entry.name, str):
            self._check_name(entry.name, entry, scope)
            return entry.name
        if entry.name is not None:
            return entry.name.evaluate({**scope.values, "index": 0})
        kind = self._value(entry.type, "type", scope.values)
        base = str(kind).lower()
        number = scope.counts.get(base, 0)
        while (name := f"{base}_{number}" if number else base) in scope.names or name in explicit:
            number += 1
        scope.counts[base] = number
        return name

    def _check_name(self, name: str, entry: Entry, scope: _Scope) -> None:
        if why := _unusable(name):
            raise UnusableName(name, why)
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
            if self.in_sight(name, scope) is None:
                later = entries[at + 1 :]
                below = next((each for each in later if each.name == name), None)
                if below is not None or name == entry.name:
                    place = self.source.place(below.path) if below else None
                    cycle = _cycle(str(entry.name), name, later)
                    raise SourceBelow(name, cycle, place.line if place else None, key)
            found.append(_Handed((self.one(name, scope, key, entry.path),)))
        return tuple(found)

    def in_sight(self, name: str, scope: _Scope) -> _Handed | None:
        return scope.names.get(name) or scope.names.get(name.rpartition(".")[0])

    def one(self, name: str, scope: _Scope, key: Path, path: Path) -> Ref:
        """The single tensor that a name means."""
        handed = scope.names.get(name)
        if handed is not None:
            if len(handed.refs) != 1:
                raise NoSuchOutput(name, None, len(handed.refs), key)
            return handed.refs[0]
        base, _, number = name.rpartition(".")
        handed = scope.names.get(base)
        if handed is None or not number.isdecimal():
            raise UnknownSource(name, scope.names, key)
        output = int(number[:6])
        if handed.is_layer:
            ref = Ref(handed.refs[0].step, output)
            self.numbered.append(Mention(ref, path, key, scope.calls))
            return ref
        if output >= len(handed.refs):
            raise NoSuchOutput(base, output, len(handed.refs), key)
        return handed.refs[output]

    # One copy

    def place(
        self, entry: Entry, name: str, values: Values, scope: _Scope, sources: tuple[_Handed, ...] | None
    ) -> _Handed:
        """Put one copy of an entry into the model and give what it hands on."""
        full = scope.prefix + name
        broken = entry.broken or sources is None
        kind: Any = entry.type
        try:
            kind = self._value(entry.type, "type", values)
            if not isinstance(kind, str):
                raise WrongValue("type", "the name of a layer or a block", kind)
            if full in self.full_names:
                raise DuplicateName(full, None)
            self.full_names.add(full)
            if entry.inner is not None and not broken:
                return self._call(entry, full, kind, None, entry.inner, dict(values), scope, sources or ())
            if kind in self.blocks and not broken:
                return self._call_block(entry, full, kind, values, scope, sources or ())
            if not broken and kind not in self.types:
                raise UnknownType(kind, [*self.types, *self.blocks])
            layer = None if broken else self.layer(entry, kind, values)
        except Fault as fault:
            self.report(fault, entry.path, scope.calls, full)
            layer = None
        except _Known:
            layer = None
        refs = tuple(handed.refs[0] for handed in sources or () if handed.refs)
        if layer is not None and layer.takes == (0, 0) and entry.sources is None:
            refs = ()
        at = len(self.instances)
        allow = scope.allow | entry.allow if entry.allow else scope.allow
        self.instances.append(Instance(full, str(kind), layer, refs, entry.path, scope.calls, allow, scope.group))
        return _Handed((Ref(at),), is_layer=True)

    def layer(self, entry: Entry, kind: str, values: Values) -> Layer | None:
        """The layer that an entry means, the same object for the same arguments; None where its faults were reported
        before.
        """
        read = [values.get(name) for name in entry.reads]
        key = (kind, *((type(value), value) for value in read))  # 1, 1.0 and true are equal in Python
        try:
            return entry.resolved[key]
        except (KeyError, TypeError):
            pass
        args = entry.arguments(values)
        interned = (kind, repr(args))
        layer = self.layers.get(interned)
        if layer is None:
            layer = self._validated(self.types[kind], args, entry)
            if layer is not None:
                self.layers[interned] = layer
        try:
            entry.resolved[key] = layer
        except TypeError:  # a list among the parameters
            pass
        return layer

    def _validated(self, form: type[Layer], args: dict[str, Any], entry: Entry) -> Layer | None:
        unknown = [key for key in args if key not in form.model_fields]
        for key in unknown:
            self.report(UnknownKey(key, form.__name__, form.model_fields), entry.path)
        try:
            layer = form.model_validate({key: value for key, value in args.items() if key in form.model_fields})
        except ValidationError as error:
            for fault in faults_of(error, form.__name__):
                if not (isinstance(fault, MissingKey) and any(did_you_mean(key, [fault.missing]) for key in unknown)):
                    self.report(_of_expression(fault, args, entry), entry.path)
            return None
        return None if unknown else layer

    def _call_block(
        self, entry: Entry, full: str, kind: str, values: Values, scope: _Scope, sources: tuple[_Handed, ...]
    ) -> _Handed:
        block = self.blocks[kind]
        if block is None:
            raise _Known
        given = entry.arguments(values)
        for key in given:
            if key not in block.params:
                needed = (name for name, default in block.params.items() if default is None and name not in given)
                raise UnknownKey(key, f"the block `{kind}`", block.params, next(needed, ""))
        if len(sources) != len(block.inputs):
            raise WrongNumberOfSources(f"the block `{kind}`", len(sources), len(block.inputs), len(block.inputs))
        inner = dict(self.params)
        for name, default in block.params.items():
            if given.get(name) is not None:
                inner[name] = given[name]
            elif default is None:
                raise MissingKey(name, f"the block `{kind}`")
            else:
                inner[name] = self._evaluated(default, inner, (*block.path, "params", name))
        return self._call(entry, full, kind, block, block.entries, inner, scope, sources)

    def _call(
        self,
        entry: Entry,
        full: str,
        kind: str,
        block: _Block | None,
        entries: tuple[Entry, ...],
        values: dict[str, Any],
        scope: _Scope,
        sources: tuple[_Handed, ...],
    ) -> _Handed:
        if len(scope.calls) >= DEEPEST:
            self.report(EndlessBlocks([*scope.blocks, kind], DEEPEST), entry.path, scope.calls, full)
            raise _Stop
        inputs = block.inputs if block else ("input",)
        names = dict(zip(inputs, sources, strict=False))
        if len(names) == 1:
            names.setdefault("input", sources[0])
        args = {name: values[name] for name in block.params} if block else {}
        group = Group(full, kind, entry.path, args, scope.group, len(self.instances))
        self.groups.append(group)
        inner = _Scope(
            values=values,
            names=names,
            above=sources[0],
            prefix=f"{full}.",
            group=group,
            calls=(entry.path, *scope.calls) if block else scope.calls,
            blocks=(*scope.blocks, kind),
            allow=scope.allow | entry.allow,
            inputs=inputs,
        )
        self.unfold(entries, inner)
        group.last = len(self.instances)
        if block is None or not block.outputs:
            return inner.above
        refs = []
        for i, name in enumerate(block.outputs):
            key: Path = (*block.path, "outputs", i) if len(block.outputs) > 1 else (*block.path, "outputs")
            try:
                refs.append(self.one(name, inner, key, ()))
            except Fault as fault:
                self.report(fault, (), inner.calls)
        if len(refs) < len(block.outputs):
            raise _Known
        group.outputs = tuple(refs)
        return _Handed(group.outputs)


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
    bad = next((char for char in name if not char.isprintable() and char != " "), None)
    return f"it holds the character U+{ord(bad):04X}, which cannot be shown" if bad else ""


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
