"""The file format: what a model file may say, as Pydantic models, and each of its entries made ready to be unfolded.

Whatever Pydantic finds is turned into faults in our own words by `faults_of`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError

from planner.arithmetic import Expression, Template, has_arithmetic, is_expression, parse_expression, parse_template
from planner.diagnostics import Edit, Fault, Path, did_you_mean, nearest
from planner.faults.missing_key import MissingKey
from planner.faults.unknown_key import UnknownKey
from planner.faults.wrong_value import WrongValue
from planner.layers._fields import is_whole

Values = Mapping[str, Any]
"""Parameters in sight, by name."""
Read = TypeVar("Read")


def _one(what: str, accepts: Callable[[Any], bool], schema: dict[str, Any]) -> Any:
    """A value that is accepted as it is, or refused in the words `what`."""

    def read(value: Any) -> Any:
        if accepts(value):
            return value
        raise PydanticCustomError("planner", what)

    return PlainValidator(read), WithJsonSchema(schema)


def _is_name(value: object) -> bool:
    return isinstance(value, str) or (is_whole(value) and value >= 0)


def _is_names(value: object) -> bool:
    return _is_name(value) or (isinstance(value, list) and bool(value) and all(map(_is_name, value)))


_NAME = {"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer", "minimum": 0}]}
_NAMES = {"anyOf": [*_NAME["anyOf"], {"type": "array", "items": _NAME, "minItems": 1}]}
_EXPRESSION = {"type": "string", "pattern": r"\$"}

Name = Annotated[str | int, *_one("a name", _is_name, _NAME)]
Names = Annotated[Any, *_one("a name, or a list of names", _is_names, _NAMES)]
Allowed = Annotated[
    list[str] | str,
    *_one(
        "a rule's name, or a list of them",
        lambda value: (
            isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))
        ),
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
    ),
]
Repeat = Annotated[
    int | str,
    *_one(
        "a whole number from 0",
        lambda value: is_expression(value) or (is_whole(value) and value >= 0),
        {"anyOf": [{"type": "integer", "minimum": 0}, _EXPRESSION]},
    ),
]
When = Annotated[
    bool | str,
    *_one(
        "true or false",
        lambda value: is_expression(value) or isinstance(value, bool),
        {"anyOf": [{"type": "boolean"}, _EXPRESSION]},
    ),
]
Entries = Annotated[
    list[Any],
    *_one("a list with at least one layer", lambda value: isinstance(value, list) and bool(value), {"type": "array"}),
]
Mapped = Annotated[dict[str, Any], *_one("a mapping", lambda value: isinstance(value, dict), {"type": "object"})]


class EntryFormat(BaseModel):
    """An entry of `layers:`. Every key that is not named here is an argument of the layer or a parameter of the
    block.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Name | None = Field(None, description="What the layer is called; part of its name in the state_dict.")
    type: Annotated[str, *_one("text", lambda value: isinstance(value, str), {"type": "string"})] | None = Field(
        None, description="A PyTorch class name, or the name of a block."
    )
    sources: Names | None = Field(None, alias="from", description="What it reads; left out, the layer above.")
    repeat: Repeat | None = Field(None, description="How many consecutive copies; `$index` counts them from 0.")
    when: When | None = Field(None, description="Leaves the layer out where it is false; its input is handed on.")
    allow: Allowed | None = Field(None, description="Rules that are silent here.")
    layers: Entries | None = Field(None, description="A list of layers in place of a block of its own.")


class BlockFormat(BaseModel):
    """A block: a list of layers with parameters, to be called by its name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    params: Mapped | None = Field(
        None, description="Parameters and their defaults; without a value, the caller must give one."
    )
    inputs: Names | None = Field(None, description="Names of its inputs; left out, one that is called `input`.")
    outputs: Names | None = Field(None, description="What it gives out; left out, its last layer.")
    layers: Entries = Field(description="The layers of the block, in order of execution.")


class FileFormat(BaseModel):
    """A model file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, *_one("text", lambda value: isinstance(value, str), {"type": "string"})] | None = Field(
        None, description="The network's name."
    )
    input: Annotated[
        Any,
        *_one(
            "a shape such as [224, 224, 3], or a mapping of named shapes",
            lambda value: isinstance(value, list | dict) and bool(value),
            {"anyOf": [{"type": "array", "minItems": 1}, {"type": "object", "minProperties": 1}]},
        ),
    ] = Field(description="The input's shape, [H, W, C]; also [L, C], [D, H, W, C], [C]; or a mapping of several.")
    params: Mapped | None = Field(None, description="Parameters of the model, overridable by `--set`.")
    layers: Entries = Field(description="The layers, in order of execution.")
    blocks: Mapped | None = Field(None, description="Blocks by name.")
    outputs: Names | None = Field(None, description="What the model returns; left out, the last layer.")
    allow: Allowed | None = Field(None, description="Rules that are silent for the whole model.")


RESERVED = frozenset({"name", "type", "from", "repeat", "when", "allow", "layers"})
"""The keys of an entry that are not arguments."""


def faults_of(error: ValidationError, owner: str) -> Iterator[Fault]:
    """What Pydantic found, one fault for each key, in our own words."""
    by_key: dict[str, list[ErrorDetails]] = {}
    for each in error.errors(include_url=False):
        key = str(each["loc"][0]) if each["loc"] else str(each.get("ctx", {}).get("key", ""))
        by_key.setdefault(key, []).append(each)
    for key, found in by_key.items():
        first = found[0]
        if first["type"] == "missing":
            yield MissingKey(key, owner)
        else:
            wanted = list(
                dict.fromkeys(_wanted(each) for each in found if each["type"] not in _BOUNDS or len(found) == 1)
            )
            choices = [choice for each in found for choice in _choices(each)]
            received = first["input"]
            near = nearest(received, choices) if isinstance(received, str) else []
            help = f"did you mean `{near[0]}`?" if near else _quoting(key, received)
            yield WrongValue(key, " or ".join(wanted or [_wanted(first)]), received, help=help, instead=near)


def _quoting(key: str, received: object) -> str:
    """What to do about names that YAML reads as numbers, such as `from: 1.1` for output 1 of layer 1."""
    listed = received if isinstance(received, list) else [received]
    odd = next((each for each in listed if isinstance(each, float)), None)
    return (
        f'put the name in quotes: "{odd}"' if key in ("name", "from", "inputs", "outputs") and odd is not None else ""
    )


_BOUNDS = {
    "greater_than_equal": "{ge} or more",
    "greater_than": "more than {gt}",
    "less_than_equal": "{le} or less",
    "less_than": "less than {lt}",
}
_KINDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "finite_number": "a finite number",
}


def _choices(error: ErrorDetails) -> list[str]:
    if error["type"] != "literal_error":
        return []
    return [word.strip("'") for word in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]


def _wanted(error: ErrorDetails) -> str:
    kind = error["type"]
    if kind == "planner":
        return error["msg"]
    if kind == "literal_error":
        return " or ".join(f"`{choice}`" for choice in _choices(error))
    if kind in _BOUNDS:
        return _BOUNDS[kind].format(**{name: f"{bound:g}" for name, bound in error["ctx"].items()})
    return _KINDS.get(kind, "another kind of value")


# An entry, ready to be unfolded


@dataclass(slots=True, eq=False)
class Entry:
    """One entry of a list of layers with its expressions compiled. `computed` are the places of expressions within
    `args`.
    """

    path: Path
    type: str | Expression
    name: str | Template | None = None
    sources: tuple[str, ...] | None = None
    repeat: int | Expression | None = None
    when: bool | Expression | None = None
    allow: frozenset[str] = frozenset()
    args: dict[str, Any] = field(default_factory=dict)
    computed: tuple[tuple[Path, Expression], ...] = ()
    reads: tuple[str, ...] = ()
    inner: tuple[Entry, ...] | None = None
    lost: frozenset[str] = frozenset()
    """Keys whose values are wrong, which was told; what they mean is open."""
    said: tuple[str, ...] = ()
    """What was mended for the entry to be read, in words."""
    resolved: dict[Any, Any] = field(default_factory=dict)
    """What the entry came to for each combination of the parameters it reads."""

    @property
    def sound(self) -> bool:
        return not (self.lost or self.said)

    def arguments(self, values: Values) -> Arguments:
        """The arguments with every expression evaluated."""
        found = Arguments(self.args, lost=set(self.lost))
        if not self.computed:
            return found
        found.values = {key: _copied(value) for key, value in self.args.items()}
        for path, expression in self.computed:
            target: Any = found.values
            for part in path[:-1]:
                target = target[part]
            target[path[-1]] = found.evaluated(path, expression, values)
        return found


@dataclass(slots=True)
class Arguments:
    """The arguments of an entry, evaluated.

    faults  what went wrong
    lost    the arguments that could not be worked out; the fault may have been told elsewhere
    said    what was mended, in words
    """

    values: dict[str, Any]
    faults: list[Fault] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)

    def evaluated(self, path: Path, expression: Expression, values: Values) -> Any:
        """What an expression at a place among the arguments comes to; its likely meaning, or None, after a fault."""
        if any(values.get(name) is UNKNOWN for name in expression.names):
            self.lost.add(str(path[0]))
            return None
        try:
            return expression.evaluate(values)
        except Fault as fault:
            fault.key = path
            self.faults.append(fault)
            meant = meaning(fault, values)
            if meant is None:
                self.lost.add(str(path[0]))
            else:
                self.said.append(f"`{fault.mends[0][0].value}` for `{expression.text}`")
            return meant


UNKNOWN = object()
"""The value of a parameter that something is wrong with, which was told."""


def meaning(fault: Fault, values: Values) -> Any:
    """What an expression comes to with the first edit that its fault proposes; None where there is none, or it is wrong
    too.
    """
    try:
        edit = fault.mends[0][0] if fault.mends else None
        return parse_expression(str(edit.value)).evaluate(values) if edit and is_expression(edit.value) else None
    except Fault:
        return None


def with_dollar(text: object, names: Iterable[str]) -> str | None:
    """A text as the arithmetic that it would be if its parameters had their `$`; None where it names none of them."""
    known = "|".join(map(re.escape, names))
    if not isinstance(text, str) or is_expression(text) or len(text) > 200 or not known:
        return None
    marked = re.sub(rf"(?<![\w.])({known})(?!\w)", r"$\1", text)
    try:
        parse_expression(marked)
    except Fault:
        return None
    return marked if marked != text else None


def _copied(value: Any) -> Any:
    if isinstance(value, list):
        return [_copied(each) for each in value]
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    return value


def expressions(value: Any, path: Path) -> Iterator[tuple[Path, Expression]]:
    """Every expression within a value, with its place."""
    if is_expression(value):
        try:
            yield path, parse_expression(value)
        except Fault as fault:
            fault.key = path
            raise
    elif isinstance(value, list):
        for i, each in enumerate(value):
            yield from expressions(each, (*path, i))
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from expressions(each, (*path, key))


def names_of(value: Any) -> tuple[str, ...]:
    """`from`, `inputs` or `outputs` as a tuple of names."""
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def allowed_of(value: Any) -> frozenset[str]:
    return frozenset((value,) if isinstance(value, str) else value or ())


class Reader:
    """Reads entries, collecting the faults that it finds on the way. What is wrong in an entry does not cost the rest
    of it.

    names  parameters in sight of the entries
    """

    def __init__(self) -> None:
        self.faults: list[tuple[Path, Fault]] = []
        self.names: tuple[str, ...] = ()

    def entries(self, raw: object, path: Path) -> tuple[Entry, ...]:
        return tuple(self.entry(each, (*path, i)) for i, each in enumerate(raw)) if isinstance(raw, list) else ()

    def entry(self, raw: Any, path: Path) -> Entry:
        """One entry, with what could be read of it."""
        draft = _Draft(path)
        if not isinstance(raw, dict):
            is_type = isinstance(raw, str) and raw.isidentifier()
            help = f"write `- {{type: {raw}}}`" if is_type else ""
            self.faults.append((path, WrongValue("a layer", "a mapping such as {type: ReLU}", raw, help=help, key=())))
            draft.said += [f"`{{type: {raw}}}` for `{raw}`"] * is_type
            raw = {"type": raw} if is_type else {}
        elif raw.get("type") is None and raw.get("layers") is None:
            raw = self._with_type(raw, draft)
        read = self._read(raw, draft)
        if read.layers is not None or "layers" in draft.lost:
            return self._inline(read, draft)
        if read.type is None:
            draft.lost.add("type")
        return self._compiled(read, draft)

    def _with_type(self, raw: dict[Any, Any], draft: _Draft) -> dict[Any, Any]:
        """An entry without `type`, with a misspelt key taken for it."""
        misspelt = next((key for key in raw if key not in RESERVED and did_you_mean(str(key), ["type"])), None)
        if misspelt is None:
            self.faults.append((draft.path, MissingKey("type", "a layer", "Conv2d")))
            return raw
        self.faults.append((draft.path, UnknownKey(misspelt, "a layer", ["type"])))
        draft.said.append(f"`type` for `{misspelt}`")
        return {"type" if key == misspelt else key: value for key, value in raw.items()}

    def _read(self, raw: dict[Any, Any], draft: _Draft) -> EntryFormat:
        """An entry in its form, without the keys whose values are wrong."""
        try:
            return EntryFormat.model_validate(raw)
        except ValidationError as error:
            faults = list(faults_of(error, "a layer"))
        kept = {key: value for key, value in raw.items() if isinstance(key, str)}
        for fault in faults:
            key = str(fault.key[0]) if fault.key else ""
            value = kept.pop(key, None)
            marked = with_dollar(value, self.names) if key in ("repeat", "when") else None
            if marked is not None:
                say_dollar(fault, key, marked)
                draft.said.append(f"`{key}: {marked}`")
                kept[key] = marked
            else:
                draft.lost.add(key)
            self.faults.append((draft.path, fault))
        return EntryFormat.model_validate(kept)

    def _compiled(self, read: EntryFormat, draft: _Draft) -> Entry:
        args = {key: value for key, value in (read.model_extra or {}).items() if not key.startswith("x-")}
        computed: list[tuple[Path, Expression]] = []
        for key, value in args.items() if has_arithmetic(args) else ():
            computed += self._sound(draft, key, partial(_expressions, key, value)) or ()
        entry = Entry(path=draft.path, type="", args=args, computed=tuple(computed))
        entry.type = self._maybe(draft, read.type, "type") or "?"
        entry.sources = None if read.sources is None else names_of(read.sources)
        entry.repeat = self._maybe(draft, read.repeat, "repeat")
        entry.when = self._maybe(draft, read.when, "when")
        entry.allow = allowed_of(read.allow)
        if is_expression(read.name):
            entry.name = self._sound(draft, "name", lambda: parse_template(str(read.name)))
        elif read.name is not None:
            entry.name = str(read.name)
        reads = set().union(*(expression.names for _, expression in computed))
        if isinstance(entry.type, Expression):
            reads |= entry.type.names
        entry.reads = tuple(sorted(reads))
        entry.lost, entry.said = frozenset(draft.lost), tuple(draft.said)
        return entry

    def _maybe(self, draft: _Draft, value: Any, key: str) -> Any:
        """The value, or the expression that it is; None where that does not compile."""

        def compiled() -> Expression:
            try:
                return parse_expression(value)
            except Fault as fault:
                fault.key = (key,)
                raise

        return self._sound(draft, key, compiled) if is_expression(value) else value

    def _sound(self, draft: _Draft, key: str, read: Callable[[], Read]) -> Read | None:
        """What is read; None where it is wrong, which is told."""
        try:
            return read()
        except Fault as fault:
            self.faults.append((draft.path, fault))
            draft.lost.add(key)
            return None

    def _inline(self, read: EntryFormat, draft: _Draft) -> Entry:
        extra = [key for key in read.model_extra or {} if not key.startswith("x-")]
        if read.type not in (None, "Sequential"):
            fault: Fault = WrongValue("type", "`Sequential`, or nothing, beside `layers`", read.type)
            self.faults.append((draft.path, fault))
            draft.said.append("`type: Sequential`")
        elif extra:
            self.faults.append((draft.path, UnknownKey(extra[0], "a list of layers", RESERVED)))
            draft.said.append(f"without `{extra[0]}`")
        entry = self._compiled(read.model_copy(update={"type": "Sequential"}), draft)
        entry.args, entry.computed, entry.reads = {}, (), ()
        entry.inner = self.entries(read.layers or [], (*draft.path, "layers"))
        return entry


@dataclass(slots=True)
class _Draft:
    """What has been found wrong in an entry while it is read."""

    path: Path
    lost: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)


def say_dollar(fault: Fault, key: str, marked: str) -> None:
    """What is wrong is that a parameter has no `$`: say so."""
    fault.help = f"arithmetic has a `$` before each parameter: `{key}: {marked}`"
    fault.mends = ((Edit((key,), marked),),)


def _expressions(key: str, value: Any) -> list[tuple[Path, Expression]]:
    return [*expressions(value, (key,))]
