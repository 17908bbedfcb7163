"""The sections of a model file: parameters, inputs, blocks, outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from planner.budget import Budget
from planner.diagnostics import Path
from planner.faults.missing_key import MissingKey
from planner.faults.not_a_model import NotAModel
from planner.faults.tensor_too_large import TensorTooLarge
from planner.faults.unknown_key import UnknownKey
from planner.faults.unknown_parameter import UnknownParameter
from planner.faults.unknown_target import UnknownTarget
from planner.faults.unusable_name import UnusableName
from planner.faults.wrong_value import WrongValue
from planner.format import (
    UNKNOWN,
    Block,
    EntryReader,
    FileFormat,
    LibraryFormat,
    Values,
    names_of,
)
from planner.geometry import Shape
from planner.layers._fields import MOST_AXES, is_whole
from planner.layers._layer import LARGEST
from planner.model import Instance, Ref
from planner.sight import ANY
from planner.unfolding._blocks import BlockReader
from planner.unfolding._draft import Draft
from planner.unfolding._naming import unusable

if TYPE_CHECKING:
    from planner.targets import Aim


class File:
    """Reads the sections of a file into a draft of its Model."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.blocks = BlockReader(draft)

    def read(
        self, input: Any, overrides: Mapping[str, Any], blocks: Mapping[str, Block | None] | None
    ) -> tuple[FileFormat, Block, dict[str, Ref]]:
        """The file in its form, its own list of layers, and its inputs as the first instances; no inputs where one of
        their shapes is not known.

        input, overrides, blocks  shapes of inputs, parameters and blocks in place of the file's own
        """
        draft = self.draft
        for fault in draft.source.faults:
            draft.report(fault)
        file = self._format(draft.source.data)
        draft.params = self._params(file.params or {}, overrides)
        reader = EntryReader()
        reader.names = tuple(draft.params)
        entries = reader.entries(file.layers, ("layers",))
        for path, fault in reader.faults:
            draft.report(fault, path)
        draft.blocks = self.blocks.named(file.use, file.blocks or {}) if blocks is None else blocks
        given = file.input if input is None else input
        inputs = self._inputs(given, input is not None, draft.params) if given is not None else {}
        fallback = draft.source.file.rsplit("/", 1)[-1].rsplit(".", 1)[0] if draft.source.file else "model"
        outputs = names_of(file.outputs) if file.outputs is not None else ()
        root = Block(
            ("layers",), file.name or fallback, entries, file.params or {}, tuple(inputs), outputs, draft.blocks
        )
        return file, root, inputs

    def _format(self, data: dict[str, Any]) -> FileFormat:
        """The file in its form; of a library of blocks, its blocks, which are looked at all the same."""
        if "blocks" not in data or "input" in data or "layers" in data:
            return self.blocks.section(FileFormat, data, "the model file")
        self.draft.report(NotAModel.blocks_alone())
        read = self.blocks.section(LibraryFormat, data, "a library of blocks")
        return FileFormat.model_construct(**{**dict.fromkeys(FileFormat.model_fields), **dict(read)})

    def budget(self, own: dict[str, Any] | None, given: Mapping[str, Any]) -> Budget:
        """The budget of the file, with what is `given` in place of its own."""
        raw = {**(own or {}), **given}
        if not raw:
            return Budget()
        from planner.format.budget import BudgetFormat, budget_of

        return budget_of(self.blocks.section(BudgetFormat, raw, "`budget`", ("budget",)), raw, given)

    def targets(self, own: list[str] | str | None, given: Sequence[str]) -> tuple[Aim, ...]:
        """What the model is to run on: what is `given`, or else what the file names."""
        if not own and not given:
            return ()
        from planner.targets import aim, names, why

        listed = [own] if isinstance(own, str) else own or []
        named: list[tuple[str, Path]] = [
            (each, ("target", i) if isinstance(own, list) else ("target",)) for i, each in enumerate(listed)
        ]
        found: dict[Aim, None] = {}
        for name, path in [(each, ()) for each in given] or named:
            if (target := aim(name)) is not None:
                found[target] = None
            else:
                self.draft.report(UnknownTarget(name, names(), why(name)), path)
        return (*found,)

    def _params(self, declared: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name in overrides:
            if name not in declared:
                self.draft.report(UnknownParameter(name, declared), ("params",))
        for name, default in declared.items():
            self.blocks.check_parameter(name, ("params", name))
            if name in overrides:
                values[name] = overrides[name]
            elif default is None:
                self.draft.report(MissingKey(name, "the model"), ("params", name))
                values[name] = UNKNOWN
            else:
                values[name] = self.draft.evaluated(default, values, ("params", name))
        return values

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
            shape = shape_of(value)
            if shape is not None:
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
        """The shape of an input in the file, where another one is given; None where it is none, which is not told."""
        aside = Draft(self.draft.source, self.draft.types)  # what is wrong in a shape that is replaced hinders nothing
        shape = shape_of(aside.evaluated(raw, params, ()))
        return (shape,) if shape is not None and shape.elements <= LARGEST else None

    def unknown_inputs(self, given: Any) -> dict[str, Ref]:
        """Inputs without a shape, so that names in the file can refer to them."""
        names = [str(name) for name in given] if isinstance(given, dict) and given else ["input"]
        first = len(self.draft.instances)
        self.draft.instances += [Instance(name, "Input", None, (), ("input",)) for name in names]
        return {name: Ref(first + i, 0) for i, name in enumerate(names)}


def shape_of(value: object) -> Shape | None:
    """The shape with the sizes that a value lists; None where it lists none."""
    sizes = list(value) if isinstance(value, list | tuple) and len(value) <= MOST_AXES else None
    return Shape(sizes) if sizes and all(is_whole(size) and size > 0 for size in sizes) else None


def _axes_help(name: str, value: object) -> str:
    """What to write for an input that was given one number, in quotes or not; "" for anything else."""
    one = int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 20 else value
    if not is_whole(one) or one < 1:
        return ""
    return f"write `{name}: [{one}]` for a vector of {one:,} features; an image has three sizes: [{one}, {one}, 3]"
