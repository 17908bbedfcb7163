"""The file format: what a model file may say, as Pydantic models, and each of its entries made ready to be unfolded.

Whatever Pydantic finds is turned into faults in our own words by `faults_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError

from planner.arithmetic import Expression, Template, compile_expression, compile_template, is_expression
from planner.diagnostics import Fault, Path, did_you_mean, nearest
from planner.faults.missing_key import MissingKey
from planner.faults.unknown_key import UnknownKey
from planner.faults.wrong_value import WrongValue
from planner.layers._fields import is_whole
from planner.layers._layer import Layer

Values = Mapping[str, Any]
"""Parameters in sight, by name."""


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
    broken: bool = False
    resolved: dict[Any, Layer | None] = field(default_factory=dict)
    """What the entry came to for each combination of the parameters it reads."""

    def arguments(self, values: Values) -> dict[str, Any]:
        """The arguments with every expression evaluated."""
        if not self.computed:
            return self.args
        args = {key: _copied(value) for key, value in self.args.items()}
        for path, expression in self.computed:
            target: Any = args
            for part in path[:-1]:
                target = target[part]
            try:
                target[path[-1]] = expression.evaluate(values)
            except Fault as fault:
                fault.key = path
                raise
        return args


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
            yield path, compile_expression(value)
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
    """Reads entries, collecting the faults that it finds on the way."""

    def __init__(self) -> None:
        self.faults: list[tuple[Path, Fault]] = []

    def entries(self, raw: list[Any], path: Path) -> tuple[Entry, ...]:
        return tuple(self.entry(each, (*path, i)) for i, each in enumerate(raw))

    def entry(self, raw: Any, path: Path) -> Entry:
        """One entry; a broken one has said why in `faults`."""
        if not isinstance(raw, dict):
            help = f"write `- {{type: {raw}}}`" if isinstance(raw, str) and raw.isidentifier() else ""
            return self._broken(path, WrongValue("a layer", "a mapping such as {type: ReLU}", raw, help=help, key=()))
        try:
            read = EntryFormat.model_validate(raw)
        except ValidationError as error:
            return self._broken(path, *faults_of(error, "a layer"))
        if read.layers is not None:
            return self._inline(read, path)
        if read.type is None:
            misspelt = next((key for key in raw if key not in RESERVED and did_you_mean(key, ["type"])), None)
            missing = MissingKey("type", "a layer", "Conv2d")
            return self._broken(path, UnknownKey(misspelt, "a layer", ["type"]) if misspelt else missing)
        try:
            return self._compiled(read, path)
        except Fault as fault:
            return self._broken(path, fault)

    def _compiled(self, read: EntryFormat, path: Path) -> Entry:
        args = {key: value for key, value in (read.model_extra or {}).items() if not key.startswith("x-")}
        computed = tuple(expressions(args, ())) if _has_expressions(args) else ()
        entry = Entry(path=path, type="", args=args, computed=computed)
        entry.type = cast("str | Expression", _maybe(read.type, "type"))
        entry.sources = None if read.sources is None else names_of(read.sources)
        entry.repeat = cast("int | Expression | None", _maybe(read.repeat, "repeat"))
        entry.when = cast("bool | Expression | None", _maybe(read.when, "when"))
        entry.allow = allowed_of(read.allow)
        if read.name is not None:
            entry.name = compile_template(read.name) if is_expression(read.name) else str(read.name)
        reads = set().union(*(expression.names for _, expression in computed))
        if isinstance(entry.type, Expression):
            reads |= entry.type.names
        entry.reads = tuple(sorted(reads))
        return entry

    def _inline(self, read: EntryFormat, path: Path) -> Entry:
        extra = [key for key in read.model_extra or {} if not key.startswith("x-")]
        if read.type not in (None, "Sequential"):
            fault = WrongValue("type", "`Sequential`, or nothing, beside `layers`", read.type)
            return self._broken(path, fault)
        if extra:
            return self._broken(path, UnknownKey(extra[0], "a list of layers", RESERVED))
        try:
            entry = self._compiled(read, path)
        except Fault as fault:
            return self._broken(path, fault)
        entry.type = "Sequential"
        entry.inner = self.entries(read.layers or [], (*path, "layers"))
        return entry

    def _broken(self, path: Path, *faults: Fault) -> Entry:
        self.faults.extend((path, fault) for fault in faults)
        return Entry(path=path, type="?", broken=True)


def _has_expressions(args: dict[str, Any]) -> bool:
    return any(is_expression(value) or isinstance(value, list | dict) for value in args.values())


def _maybe(value: Any, key: str) -> Any:
    """The value, or the expression that it is."""
    if not is_expression(value):
        return value
    try:
        return compile_expression(value)
    except Fault as fault:
        fault.key = (key,)
        raise
