"""Types of layer arguments: each says what it takes, in the words that a user reads when something else was given."""

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, TypeGuard

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError


def is_whole(value: object) -> TypeGuard[int]:
    """Whether a value is an int and not a bool, which Python counts among the ints."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> TypeGuard[int | float]:
    return is_whole(value) or isinstance(value, float)


def single_value(accepts: Callable[[Any], bool], words: str, schema: dict[str, Any]) -> Any:
    """A field that takes a single value, as it is."""

    def read(value: object) -> Any:
        if accepts(value):
            return value
        raise PydanticCustomError("planner", words)

    return PlainValidator(read), WithJsonSchema(schema)


def _one_or_each(
    accepts: Callable[[Any], bool], words: str, schema: dict[str, Any], each: Callable[[Any], bool] | None = None
) -> Any:
    """A field that takes one value for all axes, or a list with a value for each axis, described by `each`."""

    def read(value: object) -> Any:
        if accepts(value):
            return value
        if isinstance(value, list | tuple) and value and all(map(each or accepts, value)):
            return tuple(value)
        raise PydanticCustomError("planner", words)

    items = {"anyOf": [schema, {"type": "null"}]} if each and each(None) else schema
    return PlainValidator(read), WithJsonSchema({"anyOf": [schema, {"type": "array", "items": items, "minItems": 1}]})


def _whole_from(minimum: int) -> Any:
    return _one_or_each(
        lambda value: is_whole(value) and value >= minimum,
        f"a whole number from {minimum}, or one for each axis",
        {"type": "integer", "minimum": minimum},
    )


_PADDING_WORDS = ("same", "valid", "tf_same")
_NATURAL = {"type": "integer", "minimum": 0}
_PAIR = {"type": "array", "items": _NATURAL, "minItems": 2, "maxItems": 2}
_SIDES_SCHEMA = [_NATURAL, {"type": "array", "items": {"anyOf": [_NATURAL, _PAIR]}, "minItems": 1}]


def _is_natural(value: object) -> TypeGuard[int]:
    return is_whole(value) and value >= 0


def _is_side(value: object) -> bool:
    pair = isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_natural, value))
    return pair or _is_natural(value)


def _read_sides(words: tuple[str, ...]) -> Callable[[object], Any]:
    """A field that takes padding: a number for all sides, a number or a pair for each axis, or one of some words."""

    def read(value: object) -> Any:
        if _is_natural(value) or (isinstance(value, str) and value in words):
            return value
        if isinstance(value, list | tuple) and value and all(map(_is_side, value)):
            return tuple(each if is_whole(each) else tuple(each) for each in value)
        quoted = "".join(f", `{word}`" for word in words)
        raise PydanticCustomError("planner", f"a whole number from 0, one for each axis, a pair for each axis{quoted}")

    return read


Count = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]
Probability = Annotated[float, Field(ge=0, le=1)]
PerAxis = Annotated[int | tuple[int, ...], *_whole_from(1)]
PerAxisNatural = Annotated[int | tuple[int, ...], *_whole_from(0)]
PerAxisOrKeep = Annotated[
    int | tuple[int | None, ...],
    *_one_or_each(
        lambda value: is_whole(value) and value >= 1,
        "a whole number from 1, or for each axis one, or null to keep the axis",
        {"type": "integer", "minimum": 1},
        each=lambda value: value is None or (is_whole(value) and value >= 1),
    ),
]
PerAxisFactor = Annotated[
    int | float | tuple[int | float, ...],
    *_one_or_each(
        lambda value: _is_number(value) and 0 < value < math.inf,
        "a number above 0, or one for each axis",
        {"type": "number", "exclusiveMinimum": 0},
    ),
]
NonZero = Annotated[
    int,
    *single_value(
        lambda value: is_whole(value) and value != 0,
        "a whole number other than 0",
        {"type": "integer", "not": {"const": 0}},
    ),
]
PowerValue = Annotated[
    int | float,
    *single_value(
        lambda value: _is_number(value) and value != 0,
        "a number other than 0",
        {"type": "number", "not": {"const": 0}},
    ),
]
Number = Annotated[int | float, *single_value(_is_number, "a number", {"type": "number"})]
NumberOrNone = Annotated[
    int | float | None,
    *single_value(
        lambda value: value is None or _is_number(value),
        "a number",
        {"anyOf": [{"type": "number"}, {"type": "null"}]},
    ),
]
PadSides = Annotated[
    int | tuple[int, ...],
    *_one_or_each(
        is_whole, "a whole number, or one for each side of each axis, the last axis first", {"type": "integer"}
    ),
]
Amounts = Annotated[
    int | tuple[int | tuple[int, int], ...],
    PlainValidator(_read_sides(())),
    WithJsonSchema({"anyOf": _SIDES_SCHEMA}),
]
Padding = Annotated[
    int | Literal["same", "valid", "tf_same"] | tuple[int | tuple[int, int], ...],
    PlainValidator(_read_sides(_PADDING_WORDS)),
    WithJsonSchema({"anyOf": [*_SIDES_SCHEMA, {"enum": list(_PADDING_WORDS)}]}),
]
PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]


MOST_AXES = 64
"""The most axes that a tensor of PyTorch can have."""


def _list(
    accepts: Callable[[Any], bool],
    words: str,
    schema: dict[str, Any],
    at_most_once: int | None = None,
    longest: int = MOST_AXES,
    shortest: int = 1,
) -> Any:
    """A field that takes a list of values, among which one special value may stand once."""

    def read(value: Any) -> Any:
        fits = isinstance(value, list | tuple) and shortest <= len(value) <= longest and all(map(accepts, value))
        if fits and value.count(at_most_once) <= 1:
            return tuple(value)
        raise PydanticCustomError("planner", words)

    return PlainValidator(read), WithJsonSchema({"type": "array", "items": schema, "minItems": shortest})


def _is_count(value: object) -> bool:
    return is_whole(value) and value >= 1


def _is_count_or_rest(value: object) -> bool:
    return _is_count(value) or (is_whole(value) and value == -1)


_COUNT = {"type": "integer", "minimum": 1}
_COUNT_OR_REST = {"anyOf": [_COUNT, {"const": -1}]}

Counts = Annotated[int | tuple[int, ...], *_one_or_each(_is_count, "a whole number from 1, or a list of them", _COUNT)]
Dims = Annotated[
    int | tuple[int, ...], *_one_or_each(is_whole, "a whole number, or a list of them", {"type": "integer"})
]
DimOrder = Annotated[tuple[int, ...], *_list(is_whole, "a list of whole numbers", {"type": "integer"})]
ShapeSizes = Annotated[tuple[int, ...], *_list(_is_count, "a shape such as [14, 14, 768], each size from 1", _COUNT)]
ShapeSizesOrNone = Annotated[
    tuple[int, ...],
    *_list(_is_count, "a shape such as [14, 14, 768], each size from 1, or [] for a single number", _COUNT, shortest=0),
]
ShapeSizesOrRest = Annotated[
    tuple[int, ...],
    *_list(
        _is_count_or_rest,
        "a list of whole numbers from 1, of which one may be -1, the rest",
        _COUNT_OR_REST,
        at_most_once=-1,
    ),
]
ExpandedSizes = Annotated[
    tuple[int, ...],
    *_list(_is_count_or_rest, "a list of whole numbers from 1, and -1 for sizes that stay", _COUNT_OR_REST),
]
Repeats = Annotated[tuple[int, ...], *_list(_is_count, "a list of whole numbers from 1", _COUNT)]
MOST_INDICES = 1 << 16
"""The most cells that may be listed."""
Indices = Annotated[
    tuple[int, ...], *_list(_is_natural, "a list of whole numbers from 0", _NATURAL, longest=MOST_INDICES)
]
LONGEST_EQUATION = 1000
EquationText = Annotated[
    str,
    *single_value(
        lambda value: isinstance(value, str) and 0 < len(value) <= LONGEST_EQUATION,
        "a text such as `bchw,bkc->bkhw`",
        {"type": "string"},
    ),
]
PatternText = Annotated[
    str,
    *single_value(
        lambda value: isinstance(value, str) and 0 < len(value) <= LONGEST_EQUATION,
        "a text such as `(h i) (w j) c -> (h w) (i j) c`",
        {"type": "string"},
    ),
]


def _read_batch_first(value: object) -> bool:
    if value is not True:
        raise PydanticCustomError("planner", "true, or nothing: shapes leave the batch out, and modules get it first")
    return True


BatchFirst = Annotated[bool, PlainValidator(_read_batch_first), WithJsonSchema({"const": True})]
Depth = Annotated[int, Field(ge=1, le=10_000)]
"""How many layers stand in one module."""


def per_axis(numbers: Sequence[int]) -> int | list[int]:
    """An argument given by its numbers on all axes: a single number where all are alike, else a list."""
    return numbers[0] if len(set(numbers)) == 1 else list(numbers)
