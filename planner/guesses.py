"""Guesses: what a faulty entry of the file most likely means, for the plan to go on with.

A guess has two versions, the likely one and another one; they differ in all that is in doubt. What is found with both,
in the same words, does not hang on the doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from planner.diagnostics import Fault
from planner.faults.missing_key import MissingKey
from planner.faults.unknown_key import UnknownKey, meant
from planner.faults.unknown_type import UnknownType
from planner.faults.wrong_number_of_sources import WrongNumberOfSources
from planner.faults.wrong_value import WrongValue
from planner.format import faults_of
from planner.geometry import Shape
from planner.layers._layer import Facts, Layer

LIKELY, OTHER = 0, 1
"""The two versions of a guess."""
_SIZES = {"kernel_size": (3, 3), "out_channels": (64, 128), "out_features": (64, 128), "other": (1, 1)}
"""What stands for a size, or an operand, that is not known, in either version."""
_UNSIZED = (1, 2, (1,), "zeros", "nearest", True)
"""What is tried for other arguments, until the layer takes it."""


class Guess(NamedTuple):
    """What a step is taken for where its entry is wrong.

    said      what was mended, in words: "`out_channels` for `out_channel`"
    layers    both versions of the layer; None hands the input on
    doubtful  whether the sizes that arrive, or that it makes of them, are in doubt
    open      whether not even the number of axes can be guessed
    unknown   the type, where there is none of this name, with the arguments that the entry gives
    blocks    the blocks of the file, which it may have meant
    library   the library with a block of this name, which the file does not use
    """

    said: tuple[str, ...] = ()
    layers: tuple[Layer | None, Layer | None] = (None, None)
    doubtful: bool = False
    open: bool = False
    unknown: tuple[str, Mapping[str, Any]] | None = None
    blocks: tuple[str, ...] = ()
    library: str = ""
    format: str = ""

    def with_slips(self, slips: Slips) -> Guess:
        """The guess together with the slips of other parts of the entry."""
        return self._replace(said=(*slips.said, *self.said), doubtful=self.doubtful or slips.doubtful)


NOBODY_KNOWS = Guess(doubtful=True)
"""The guess for an entry of which nothing could be read: that its input is handed on."""


class Slips(NamedTuple):
    """The guesses about an entry besides its layer, such as its sources."""

    said: tuple[str, ...] = ()
    doubtful: bool = False
    any: bool = False

    def __or__(self, other: Slips) -> Slips:
        if not (self.any and other.any):
            return self if self.any else other
        return Slips(tuple(dict.fromkeys((*self.said, *other.said))), self.doubtful or other.doubtful, True)


NONE = Slips()
HARMLESS = Slips(any=True)
"""A slip that changes no shape, such as a name."""
DOUBT = Slips(doubtful=True, any=True)


def slip(said: str) -> Slips:
    """The slip of something that was mended, described by `said`."""
    return Slips((said,), any=True)


class Made(NamedTuple):
    """The result of an entry's arguments: a layer, or what is wrong together with a guess."""

    layer: Layer | None
    faults: tuple[Fault, ...] = ()
    guess: Guess | None = None

    @property
    def meant(self) -> Guess:
        """The guess; for a sound layer, the guess that the layer itself is meant."""
        return self.guess or Guess(layers=(self.layer, self.layer))


def made(form: type[Layer], args: Mapping[str, Any], lost: frozenset[str] = frozenset()) -> Made:
    """The layer of a form with an entry's arguments; `lost` are those whose values are wrong, which was told before."""
    fields = form.names(args)
    unknown = [key for key in args if key not in fields]
    given = {key: value for key, value in args.items() if key in fields and key not in lost}
    faults: list[Fault] = [UnknownKey(key, form.__name__, fields) for key in unknown]
    wrong: dict[str, Fault | None] = dict.fromkeys(key for key in lost if key in fields)
    said, doubtful = [], False
    try:
        layer = form.model_validate(given)
        if not unknown and not lost:
            return Made(layer)
    except ValidationError as error:
        for fault in faults_of(error, form.__name__):
            key = fault.missing if isinstance(fault, MissingKey) else str(fault.key[0]) if fault.key else ""
            one_mistake = isinstance(fault, MissingKey) and (
                key in lost or key in [meant(each, fields) for each in unknown]
            )
            if not one_mistake:
                faults.append(fault)
            wrong.setdefault(key, fault)
    for key in unknown:
        near = meant(key, fields) or None
        if near is not None and near not in given:
            given[near] = args[key]
            wrong.pop(near, None)
            said.append(f"`{near}` for `{key}`")
        elif near is None and not isinstance(args[key], bool | str):
            doubtful = True
        else:
            said.append(f"without `{key}`")
    mended = {
        key: fault.mends[0][0].value for key, fault in wrong.items() if isinstance(fault, WrongValue) and fault.mends
    }
    said += [f"`{key}: {value}`" for key, value in mended.items()]
    versions = []
    for version in (LIKELY, OTHER):
        found = _version(form, {**given, **mended}, [key for key in wrong if key not in mended], version)
        doubtful |= found is None or any(key not in mended and _in_doubt(form, key) for key in wrong)
        versions.append(found)
    unsized = any(_is_list(form, key) for key in wrong if key not in mended)
    return Made(None, tuple(faults), Guess(tuple(said), (versions[0], versions[1]), doubtful, unsized))


def _in_doubt(form: type[Layer], key: str) -> bool:
    """Whether sizes depend on an argument in ways that the two versions of its guess do not show."""
    field = form.model_fields.get(key)
    return field is None or not (field.annotation in (bool, float) or key in ("out_channels", "out_features", "other"))


def _is_list(form: type[Layer], key: str) -> bool:
    """Whether an argument that has no default is a list, such as the sizes of a shape."""
    field = form.model_fields.get(key)
    return field is not None and field.is_required() and get_origin(field.annotation) is tuple


def _version(form: type[Layer], given: Mapping[str, Any], wrong: Iterable[str], version: int) -> Layer | None:
    """A version of the layer, with defaults or sizes of our own for the wrong arguments; None where no value fits."""
    values = {key: value for key, value in given.items() if key not in wrong}
    fields = form.model_fields
    needed = [key for key in wrong if key in fields and (key in _SIZES or fields[key].is_required())]
    values |= {key: _SIZES[key][version] for key in needed if key in _SIZES}
    values |= {key: 1 for key in wrong if key not in fields and key in form.names(values)}
    others = [key for key in needed if key not in _SIZES]
    changed = {key: other for key in wrong if key in fields and (other := _other(fields[key])) is not None}
    tried = _UNSIZED if version == LIKELY else (*_UNSIZED[1:], _UNSIZED[0])
    for guessed in [dict.fromkeys(others, value) for value in tried] if others else [{}]:
        for different in [changed] * (version == OTHER) + [{}]:
            try:
                return form.model_validate({**values, **guessed, **different})
            except ValidationError:
                continue
    return None


def _other(field: FieldInfo) -> bool | int | None:
    """The other version's value of an argument, if that may change more than sizes: the opposite of true or false,
    another axis, another place.
    """
    if field.annotation is bool and isinstance(field.default, bool):
        return not field.default
    if field.annotation is int and not field.metadata:  # the number of an axis or of a place: counts have a least value
        default = field.default if isinstance(field.default, int) else 1
        return default + (1 if default >= 0 else -1)
    return None


def remade(layer: Layer, fault: Fault) -> Iterator[tuple[str, Layer]]:
    """The layer with each edit that a fault of its shapes proposes, and the edit in words."""
    from planner.layers import all_layers

    given: dict[str, Any] = {name: getattr(layer, name) for name in layer.model_fields_set}
    for edits in fault.mends:
        values, form, said = dict(given), type(layer), []
        for edit in edits:
            key = str((edit.path or fault.key)[-1])
            if edit.action == "remove":
                values.pop(key, None)
                said.append(f"without `{key}`")
            elif key == "type":
                form = all_layers().get(str(edit.value), form)
                said.append(f"`{edit.value}` for `{type(layer).__name__}`")
            elif edit.action == "set" and len(edit.path or fault.key) == 1:
                values[key] = edit.value
                said.append(f"`{key}: {edit.value}`")
        try:
            yield " and ".join(said), form.model_validate(values)
        except ValidationError:
            continue


def unknown_type(guess: Guess, inputs: Sequence[Shape]) -> tuple[UnknownType, Layer | None]:
    """The fault of an unknown type, and the layer that is meant in its place."""
    from planner.layers import all_layers

    assert guess.unknown is not None
    types = all_layers()
    kind, args = guess.unknown

    def layer(entry: Mapping[str, Any]) -> Layer | None:
        given = {key: value for key, value in entry.items() if key != "type"}
        try:
            return made(types[entry["type"]], given).layer if entry["type"] in types else None
        except ValidationError:
            return None

    def fits(entry: Mapping[str, Any]) -> bool:
        built = layer(entry)
        return entry["type"] not in types or (built is not None and facts_of(built, read_by(built, inputs)) is not None)

    fault = UnknownType(
        kind,
        guess.blocks if guess.format else [*types, *guess.blocks],
        given=args,
        library=guess.library,
        format=guess.format,
        sizes=inputs[0] if inputs else None,
        sources=len(inputs),
        fits=fits,
        takes=lambda name: list(types[name].model_fields) if name in types else [],
    )
    return fault, layer(fault.proposed[0]) if fault.proposed else None


def read_by(layer: Layer, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
    """The inputs of a step; for a layer that reads nothing, none; a misspelt type is taken to read the layer above."""
    return () if layer.takes == (0, 0) else tuple(inputs)


def outputs_meant(layer: Layer | None, guess: Guess | None, inputs: tuple[Shape, ...]) -> tuple[Shape, ...] | None:
    """What a step surely hands on, also where its entry is wrong or its layer refuses its inputs: all that may be meant
    comes to the same. None where it does not, or nobody knows.
    """
    if layer is not None:
        try:
            return layer.facts(*inputs).outputs
        except Fault as fault:
            tries = [facts_of(each, inputs) for _, each in remade(layer, fault)]
            tries += _with_sources(layer, inputs) if isinstance(fault, WrongNumberOfSources) and inputs else []
            return _alike([facts for facts in tries if facts is not None])
    if guess is None or guess.doubtful or guess.open:
        return None
    layers: Sequence[Layer | None] = [unknown_type(guess, inputs)[1]] if guess.unknown is not None else [*guess.layers]
    return _alike([None if each is None else facts_of(each, read_by(each, inputs)) for each in layers])


def _with_sources(layer: Layer, inputs: tuple[Shape, ...]) -> Iterator[Facts | None]:
    """The facts with as many inputs as the layer takes: of too many, the first or the last; a missing one like the
    last, or with other channels.
    """
    least, most = layer.takes
    if most is not None and len(inputs) > most:
        yield from (facts_of(layer, some) for some in (inputs[:most], inputs[len(inputs) - most :]))
        return
    last = inputs[-1]
    for other in (last, Shape((*last.spatial, 2 * last.channels))):
        yield facts_of(layer, (*inputs, *[other] * (least - len(inputs))))


def _alike(found: Sequence[Facts | None]) -> tuple[Shape, ...] | None:
    """The outputs that all facts have in common; None where they differ, or some are not known."""
    known = [each.outputs for each in found if each is not None]
    return known[0] if known and len(known) == len(found) and len(set(known)) == 1 else None


def facts_of(layer: Layer, inputs: tuple[Shape, ...]) -> Facts | None:
    """The facts of a layer with these inputs; None where it refuses them."""
    try:
        return layer.facts(*inputs)
    except Fault:
        return None
