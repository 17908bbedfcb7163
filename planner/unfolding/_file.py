"""The sections of a model file: parameters, inputs, blocks, outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from planner.diagnostics import Path, did_you_mean, nearest
from planner.faults.missing_key import MissingKey
from planner.faults.tensor_too_large import TensorTooLarge
from planner.faults.unknown_key import UnknownKey
from planner.faults.unknown_parameter import UnknownParameter
from planner.faults.unusable_name import UnusableName
from planner.faults.wrong_value import WrongValue
from planner.format import RESERVED, UNKNOWN, Block, BlockFormat, EntryReader, FileFormat, Values, faults_of, names_of
from planner.geometry import Shape
from planner.guesses import slip
from planner.layers._fields import MOST_AXES, is_whole
from planner.layers._layer import LARGEST
from planner.model import Instance, Ref
from planner.sight import ANY, plain
from planner.unfolding._draft import Draft
from planner.unfolding._naming import unusable

Form = TypeVar("Form", bound=BaseModel)


class File:
    """Reads the sections of a file into a draft of its Model."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft

    def read(self, input: Any, overrides: Mapping[str, Any]) -> tuple[FileFormat, Block, dict[str, Ref]]:
        """The file in its form, its own list of layers, and its inputs as the first instances; no inputs where one of
        their shapes is not known.

        input, overrides  shapes of inputs and parameters in place of the file's own
        """
        draft = self.draft
        for fault in draft.source.faults:
            draft.report(fault)
        said = {key: value for key, value in draft.source.data.items() if not _is_own(key)}
        file = self._format(FileFormat, said, "the model file")
        draft.params = self._params(file.params or {}, overrides)
        reader = EntryReader()
        reader.names = tuple(draft.params)
        entries = reader.entries(file.layers, ("layers",))
        for name, block in (file.blocks or {}).items():
            if not _is_own(name):
                draft.blocks[name] = self._block(name, block, reader)
        for path, fault in reader.faults:
            draft.report(fault, path)
        given = file.input if input is None else input
        inputs = self._inputs(given, input is not None, draft.params) if given is not None else {}
        fallback = draft.source.file.rsplit("/", 1)[-1].rsplit(".", 1)[0] if draft.source.file else "model"
        outputs = names_of(file.outputs) if file.outputs is not None else ()
        root = Block(("layers",), file.name or fallback, entries, file.params or {}, tuple(inputs), outputs)
        return file, root, inputs

    def _format(self, form: type[Form], raw: dict[str, Any], owner: str, path: Path = ()) -> Form:
        """A section of the file in its form, without the keys whose values are wrong; what is needed and not there is
        None. A misspelt key that is needed is one fault, not two.
        """
        known = [each.alias or name for name, each in form.model_fields.items()]
        unknown = [key for key in raw if key not in known]
        kept = {key: value for key, value in raw.items() if key in known}
        for key in unknown:
            self.draft.report(UnknownKey(key, owner, known), path)
            near = next(iter(nearest(key, known)), None)
            if near is not None and kept.setdefault(near, raw[key]) is raw[key]:
                self.draft.slips |= slip(f"`{near}` for `{key}`")
        try:
            return form.model_validate(kept)
        except ValidationError as error:
            for fault in faults_of(error, owner):
                missing = fault.missing if isinstance(fault, MissingKey) else None
                if missing is None or not any(did_you_mean(key, [missing]) for key in unknown):
                    self.draft.report(fault, path)
                kept.pop(str(fault.key[0]) if fault.key else "", None)
            return form.model_construct(**{**dict.fromkeys(form.model_fields), **kept})

    def _params(self, declared: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name in overrides:
            if name not in declared:
                self.draft.report(UnknownParameter(name, declared), ("params",))
        for name, default in declared.items():
            self._check_parameter_name(name, ("params", name))
            if name in overrides:
                values[name] = overrides[name]
            elif default is None:
                self.draft.report(MissingKey(name, "the model"), ("params", name))
                values[name] = UNKNOWN
            else:
                values[name] = self.draft.evaluated(default, values, ("params", name))
        return values

    def _check_parameter_name(self, name: str, path: Path) -> None:
        if name in RESERVED or name == "index":
            self.draft.report(UnusableName(name, "reserved for the format itself", (), at_key=True), path)
        elif not name.isidentifier():
            self.draft.report(
                UnusableName(name, "`$` could not refer to it: use letters, digits and _", (), at_key=True), path
            )

    def _inputs(self, given: Any, replaced: bool, params: Values) -> dict[str, Ref]:
        """The model's inputs as the first instances."""
        declared = self.draft.source.data.get("input")
        shapes: dict[str, Any] = given if isinstance(given, dict) else {"input": given}
        if replaced and declared is not None:
            own = declared if isinstance(declared, dict) else {"input": declared}
            if not isinstance(given, dict) and len(own) == 1:
                shapes = {next(iter(own)): given}
            for name in [name for name in shapes if name not in own]:
                self.draft.report(UnknownKey(name, "`input`", map(str, own)), ("input",))
            shapes = {name: shapes.get(name, raw) for name, raw in own.items()}
        several = isinstance(declared, dict)
        found: dict[str, Ref] = {}
        for name, raw in shapes.items():
            path: Path = ("input", name) if several else ("input",)
            value = self.draft.evaluated(raw, params, path)
            why = unusable(name) or ("only inputs of blocks may be of any number" if name.startswith(ANY) else "")
            if why:
                self.draft.report(UnusableName(name, why, (), at_key=several), path)
            sizes = list(value) if isinstance(value, list | tuple) and len(value) <= MOST_AXES else None
            if sizes and all(is_whole(size) and size > 0 for size in sizes):
                shape = Shape(sizes)
                if shape.elements > LARGEST:
                    self.draft.report(TensorTooLarge(shape), path)
                else:
                    self.draft.full_names.add(name)
                    found[name] = Ref(len(self.draft.instances), 0)
                    self.draft.instances.append(Instance(name, "Input", None, (), path, input=shape))
                    if replaced and declared is not None:
                        self.draft.instances[-1].own = self._own_shape(own[name], params)
            elif value is not UNKNOWN:
                wanted = "the sizes of its axes with the channels last, such as [224, 224, 3], each from 1"
                self.draft.report(WrongValue(name, wanted, value, help=_axes_help(name, value), key=()), path)
        return found if len(found) == len(shapes) else {}

    def _own_shape(self, raw: Any, params: Values) -> tuple[Shape, ...] | None:
        """The shape of an input in the file, where another one is given; None where it is none."""
        sizes = self.draft.evaluated(raw, params, ("input",))
        if not isinstance(sizes, list) or not sizes or not all(is_whole(size) and size > 0 for size in sizes):
            return None
        return (Shape(sizes),)

    def unknown_inputs(self, given: Any) -> dict[str, Ref]:
        """Inputs without a shape, so that names in the file can refer to them."""
        names = [str(name) for name in given] if isinstance(given, dict) and given else ["input"]
        first = len(self.draft.instances)
        self.draft.instances += [Instance(name, "Input", None, (), ("input",)) for name in names]
        return {name: Ref(first + i, 0) for i, name in enumerate(names)}

    def _block(self, name: str, raw: Any, reader: EntryReader) -> Block | None:
        path: Path = ("blocks", name)
        if name in self.draft.types:
            self.draft.report(UnusableName(name, "a layer has this name", (), at_key=True), path)
        elif why := unusable(name):
            self.draft.report(UnusableName(name, why, (), at_key=True), path)
        if not isinstance(raw, dict):
            self.draft.report(WrongValue(name, "a mapping such as {layers: […]}", raw, key=()), path)
            return None
        read = self._format(BlockFormat, {k: v for k, v in raw.items() if not _is_own(k)}, f"the block `{name}`", path)
        params = read.params or {}
        for each in params:
            self._check_parameter_name(each, (*path, "params", each))
        reader.names = (*self.draft.params, *params)
        inputs = names_of(read.inputs) if read.inputs is not None else ("input",)
        if any(each.startswith(ANY) and (each == ANY or i < len(inputs) - 1) for i, each in enumerate(inputs)):
            wanted = 'names, of which the last may be of any number, as in [x, "*rest"]'
            self.draft.report(WrongValue("inputs", wanted, read.inputs), path)
            inputs = plain(inputs)
        if len(set(plain(inputs))) < len(inputs):
            self.draft.report(WrongValue("inputs", "names of which no two are the same", read.inputs), path)
        outputs = names_of(read.outputs) if read.outputs is not None else ()
        entries = reader.entries(read.layers, (*path, "layers"))
        return Block((*path, "layers"), name, entries, params, inputs, outputs) if entries else None


def _is_own(key: object) -> bool:
    return isinstance(key, str) and key.startswith("x-")


def _axes_help(name: str, value: object) -> str:
    """What to write for an input that was given one number, in quotes or not; "" for anything else."""
    one = int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 20 else value
    if not is_whole(one) or one < 1:
        return ""
    return f"write `{name}: [{one}]` for a vector of {one:,} features; an image has three sizes: [{one}, {one}, 3]"
